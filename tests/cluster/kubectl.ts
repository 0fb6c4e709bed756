/** kubectl, as tests ask it. The cluster is that of KUBECONFIG. */

import { spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { readEnvironment } from "#libs/config/environment.ts";

/** Other work may share the machine: no single command takes longer. */
const commandMsMax = 600_000;

/** What a command printed. Throws what it complained of. `input`: its standard input. */
export function kubectl(words: readonly string[], input?: string): Promise<string> {
  const environment = readEnvironment();
  return new Promise((resolve, reject) => {
    const child = spawn(environment.MODISTE_TEST_KUBECTL ?? "kubectl", words, { timeout: commandMsMax });
    let printed = "";
    let complained = "";
    child.stdout.on("data", (chunk) => {
      printed += chunk;
    });
    child.stderr.on("data", (chunk) => {
      complained += chunk;
    });
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve(printed);
      else reject(new Error(`kubectl ${words.join(" ")} ended with ${code}: ${complained}${printed}`));
    });
    child.stdin.end(input ?? "");
  });
}

export const kubectlJson = async <T>(words: readonly string[]): Promise<T> => JSON.parse(await kubectl([...words, "-o", "json"])) as T;

export interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
    readonly creationTimestamp: string;
  };
  readonly status: {
    readonly podIP?: string;
    readonly phase: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly lastTransitionTime: string }[];
    readonly containerStatuses?: readonly { readonly restartCount: number; readonly state: unknown }[];
  };
}

export const isReady = ({ metadata, status }: Pod): boolean =>
  metadata.deletionTimestamp === undefined &&
  status.conditions?.some(({ type, status: holds }) => type === "Ready" && holds === "True") === true;

/** Looks until it holds. Throws what the last look saw. */
export async function until<T>(look: () => Promise<T>, holds: (seen: T) => boolean, what: string, patienceSeconds = 300): Promise<T> {
  const end = performance.now() + patienceSeconds * 1000;
  for (;;) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (performance.now() > end)
      throw new Error(`${what} did not come in ${patienceSeconds} s; seen: ${JSON.stringify(seen).slice(0, 3000)}`);
    await delay(250);
  }
}

/** Commands inside one namespace. */
export interface Namespace {
  readonly name: string;
  run(words: readonly string[], input?: string): Promise<string>;
  /** Those of a service; without a name all. */
  pods(service?: string): Promise<Pod[]>;
  /** ClusterIP of a Service that has one. */
  address(service: string): Promise<string>;
  /** A key of a Secret, as text. */
  secret(name: string, key: string): Promise<string>;
  /** Runs a command of modiste as a Job made like one that the charts wrote, and answers what it printed. Throws with that when it fails. */
  job(from: string, name: string, args: readonly string[]): Promise<string>;
}

interface JobSpec {
  spec: { suspend?: boolean; template: { spec: { initContainers?: unknown[]; containers: { name: string; args: readonly string[] }[] } } };
}

export function namespace(name: string): Namespace {
  const run = (words: readonly string[], input?: string): Promise<string> => kubectl(["-n", name, ...words], input);
  const selector = (service?: string): string[] => (service === undefined ? [] : ["-l", `app.kubernetes.io/name=${service}`]);
  return {
    name,
    run,
    pods: async (service) => (await kubectlJson<{ items: Pod[] }>(["-n", name, "get", "pods", ...selector(service)])).items,
    address: (service) => run(["get", "service", service, "-o", "jsonpath={.spec.clusterIP}"]),
    secret: async (secret, key) => Buffer.from(await run(["get", "secret", secret, "-o", `jsonpath={.data.${key}}`]), "base64").toString(),
    job: async (from, jobName, args) => {
      const { spec } = await kubectlJson<JobSpec>(["-n", name, "get", "job", from]);
      const { containers } = spec.template.spec;
      // What the controller added to that Job belongs to it alone.
      const template = { spec: { ...spec.template.spec, initContainers: [], containers: containers.map((one) => ({ ...one, args })) } };
      const metadata = { name: jobName, namespace: name };
      const labels = { "app.kubernetes.io/name": from, "app.kubernetes.io/part-of": "modiste" };
      const job = {
        apiVersion: "batch/v1",
        kind: "Job",
        metadata,
        spec: { backoffLimit: 0, template: { ...template, metadata: { labels } } },
      };
      await run(["delete", "job", jobName, "--ignore-not-found", "--wait=true"]);
      await run(["apply", "-f", "-"], JSON.stringify(job));
      const done = await until(
        () => kubectlJson<{ status: { succeeded?: number; failed?: number } }>(["-n", name, "get", "job", jobName]),
        ({ status }) => (status.succeeded ?? 0) + (status.failed ?? 0) > 0,
        `the end of job ${jobName}`,
        900,
      );
      const printed = await run(["logs", `job/${jobName}`]);
      if (done.status.succeeded !== 1) throw new Error(`job ${jobName} failed: ${printed}`);
      return printed;
    },
  };
}
