/** Labels of everything we write: https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/ */

import { version } from "./image.ts";

/** What a thing is: `name` is what others call it by, `component` its part in the architecture. */
export interface Part {
  readonly name: string;
  readonly component: string;
}

type Labels = Readonly<Record<string, string>>;

/** One fleet a namespace. */
const instance = "modiste";

export const labelsOf = (part: Part): Labels => ({ ...lastingLabelsOf(part), "app.kubernetes.io/version": version });

/** Of what must stay as it is from one version of ours to the next: claims that cannot change, pods that would start anew. */
export const lastingLabelsOf = ({ name, component }: Part): Labels => ({
  "app.kubernetes.io/name": name,
  "app.kubernetes.io/instance": instance,
  "app.kubernetes.io/component": component,
  "app.kubernetes.io/part-of": "modiste",
  "app.kubernetes.io/managed-by": "cdk8s",
});

/** All pods of a name, whatever owns them: for Services, budgets and policies. */
export const podsNamed = (name: string): Labels => ({ "app.kubernetes.io/name": name, "app.kubernetes.io/instance": instance });

/** The pods of one Deployment: two may share a name, as ranking on the CPU and on cards do. Never the version: selectors cannot change. */
export const podsOf = ({ name, component }: Part): Labels => ({ ...podsNamed(name), "app.kubernetes.io/component": component });
