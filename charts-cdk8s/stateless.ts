/** One pod that keeps nothing, found by its name: the telemetry of a development cluster. */

import type { Chart } from "cdk8s";
import * as k8s from "cdk8s-plus-33/lib/imports/k8s.js";
import { addAccount } from "./account.ts";
import { labelsOf, lastingLabelsOf, type Part, podsNamed, podsOf } from "./labels.ts";
import { container, podSpec, scratch } from "./pod.ts";
import { checksum } from "./settings.ts";

export interface Stateless {
  readonly part: Part;
  readonly image: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly ports: Readonly<Record<string, number>>;
  /** Paths by which it says that it lives and that it is ready, and the name of their port. */
  readonly health: { readonly port: string; readonly live: string; readonly ready: string };
  /** Text by path under `/config`. */
  readonly files: Readonly<Record<string, string>>;
  readonly resources: k8s.ResourceRequirements;
  /** Of `/data`, which is lost with the pod. */
  readonly dataSize: string;
}

export function addStateless(chart: Chart, stateless: Stateless): void {
  const { part, ports, files } = stateless;
  const metadata = { name: part.name, labels: labelsOf(part) };
  new k8s.KubeConfigMap(chart, "config", {
    metadata,
    data: Object.fromEntries(Object.entries(files).map(([path, text]) => [keyOf(path), text])),
  });
  new k8s.KubeService(chart, "service", {
    metadata,
    spec: {
      type: "ClusterIP",
      selector: podsNamed(part.name),
      ports: Object.entries(ports).map(([name, port]) => ({ name, port, targetPort: k8s.IntOrString.fromString(name) })),
    },
  });
  new k8s.KubeDeployment(chart, "pods", {
    metadata,
    spec: {
      replicas: 1,
      revisionHistoryLimit: 5,
      selector: { matchLabels: podsOf(part) },
      template: {
        metadata: { labels: lastingLabelsOf(part), annotations: checksum(files) },
        spec: pods(addAccount(chart, part), stateless),
      },
    },
  });
}

/** Keys of a ConfigMap have no slashes. */
const keyOf = (path: string): string => path.replaceAll("/", "_");

function pods(account: string, { part, image, args, env = {}, ports, health, files, resources, dataSize }: Stateless): k8s.PodSpec {
  const ask = (path: string): k8s.HttpGetAction => ({ path, port: k8s.IntOrString.fromString(health.port) });
  return podSpec(account, {
    containers: [
      container({
        name: part.name,
        image,
        args: [...args],
        env: Object.entries(env).map(([name, value]) => ({ name, value })),
        ports: Object.entries(ports).map(([name, containerPort]) => ({ name, containerPort })),
        resources,
        startupProbe: { httpGet: ask(health.live), periodSeconds: 2, timeoutSeconds: 2, failureThreshold: 60 },
        livenessProbe: { httpGet: ask(health.live), periodSeconds: 20, timeoutSeconds: 5, failureThreshold: 6 },
        readinessProbe: { httpGet: ask(health.ready), periodSeconds: 5, timeoutSeconds: 2 },
        volumeMounts: [
          { name: "config", mountPath: "/config", readOnly: true },
          { name: "data", mountPath: "/data" },
          { name: "tmp", mountPath: "/tmp" },
        ],
      }),
    ],
    volumes: [
      { name: "config", configMap: { name: part.name, items: Object.keys(files).map((path) => ({ key: keyOf(path), path })) } },
      scratch("data", dataSize),
      scratch("tmp", "64Mi"),
    ],
  });
}
