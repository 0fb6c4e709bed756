/** The manifests as they are committed, for the tests beside this. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";

export const root = new URL("../..", import.meta.url).pathname;

export const environmentNames = ["dev", "staging", "production"] as const;
export type EnvironmentName = (typeof environmentNames)[number];

/** As much of containers and pods as is asked here; the schema test looks at all of it. */
export interface ContainerJson {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: { readonly secretKeyRef?: { readonly name: string; readonly key: string } };
  }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly resources?: {
    readonly limits?: Readonly<Record<string, string | number>>;
    readonly requests?: Readonly<Record<string, string | number>>;
  };
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly livenessProbe?: ProbeJson;
  readonly readinessProbe?: ProbeJson;
  readonly startupProbe?: ProbeJson;
  readonly lifecycle?: unknown;
}

export interface ProbeJson {
  readonly grpc?: { readonly port: number; readonly service?: string };
  readonly tcpSocket?: unknown;
  readonly httpGet?: unknown;
}

export interface PodJson {
  readonly containers: readonly ContainerJson[];
  readonly initContainers?: readonly ContainerJson[];
  readonly serviceAccountName?: string;
  readonly automountServiceAccountToken?: boolean;
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly hostIPC?: boolean;
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly terminationGracePeriodSeconds?: number;
  readonly topologySpreadConstraints?: readonly { readonly topologyKey: string }[];
  readonly affinity?: unknown;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly tolerations?: readonly unknown[];
  readonly volumes?: readonly Readonly<Record<string, unknown>>[];
}

type Labels = Readonly<Record<string, string>>;

export interface ManifestJson {
  readonly file: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Labels };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly data?: Readonly<Record<string, string>>;
}

const folderOf = (environment: EnvironmentName): string => join(root, "k8s", environment);

export const filesOf = (environment: EnvironmentName): string[] => readdirSync(folderOf(environment)).sort();
export const textOf = (environment: EnvironmentName, file: string): string => readFileSync(join(folderOf(environment), file), "utf8");

export function manifestsOf(environment: EnvironmentName): ManifestJson[] {
  return filesOf(environment).flatMap((file) =>
    parseAllDocuments(textOf(environment, file)).map((document) => ({ file, ...(document.toJSON() as Omit<ManifestJson, "file">) })),
  );
}

export interface Workload {
  readonly kind: string;
  readonly name: string;
  /** Of its pods. */
  readonly labels: Labels;
  readonly pod: PodJson;
  readonly spec: Readonly<Record<string, unknown>>;
}

interface TemplateJson {
  readonly metadata: { readonly labels: Labels };
  readonly spec: PodJson;
}

/** Everything that makes pods. */
export function workloadsOf(manifests: readonly ManifestJson[]): Workload[] {
  return manifests.flatMap(({ kind, metadata, spec = {} }) => {
    const job = kind === "CronJob" ? (spec.jobTemplate as { spec: Readonly<Record<string, unknown>> }).spec : spec;
    const template = job.template as TemplateJson | undefined;
    return template === undefined ? [] : [{ kind, name: metadata.name, labels: template.metadata.labels, pod: template.spec, spec: job }];
  });
}

export const containersOf = ({ containers, initContainers = [] }: PodJson): readonly ContainerJson[] => [...initContainers, ...containers];
