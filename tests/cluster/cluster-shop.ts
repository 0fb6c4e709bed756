/** The shop that a cluster serves, as its users and its operators reach it. */

import { kubectlJson, type Namespace, type Pod, until } from "./kubectl.ts";

interface Answer {
  readonly items: readonly { readonly item_id: string }[];
  readonly grade: string;
  readonly coverage: { readonly user: string; readonly events: number };
}

interface User {
  readonly known: boolean;
  readonly events: readonly { readonly item_id: string }[];
}

export interface PodFacts {
  readonly pod: string;
  /** Its working set, as the kubelet counts it. */
  readonly memoryMiB: number;
  /** From its creation. */
  readonly readySeconds: number;
}

export interface ClusterShop {
  readonly gateways: readonly string[];
  readonly key: string;
  readonly userIds: readonly string[];
  readonly itemIds: readonly string[];
  ask(path: string): Promise<Answer>;
  user(subject: string): Promise<User>;
  /** Throws unless every event was accepted. */
  send(events: readonly { readonly subject: string; readonly item_id: string; readonly type: string }[]): Promise<void>;
  /** An item, and one that goes with it. */
  freshPair(): Promise<readonly [string, string]>;
  /** Releases that the pods serve, each once. */
  releases(): Promise<string[]>;
  /** Trains a further release and leaves it unserved. Answers its id. */
  trainAnother(): Promise<string>;
  promote(release: string): Promise<void>;
  /** Answers the release that serves again. */
  rollback(): Promise<string>;
  /** Calls of gRPC that each pod of a service has answered. */
  calls(service: string): Promise<Map<string, number>>;
  /** Restarts of containers by pod. */
  restarts(): Promise<Readonly<Record<string, number>>>;
  pods(): Promise<PodFacts[]>;
}

interface StatsSummary {
  readonly pods: readonly {
    readonly podRef: { readonly name: string; readonly namespace: string };
    readonly memory?: { readonly workingSetBytes: number };
  }[];
}

const secondsBetween = (from: string, to: string): number => (Date.parse(to) - Date.parse(from)) / 1000;

/** Ports of metrics stand in the annotations of the pods' templates. */
async function metricsOf(pod: Pod & { readonly metadata: { readonly annotations?: Readonly<Record<string, string>> } }): Promise<string> {
  const port = pod.metadata.annotations?.["prometheus.io/port"];
  if (port === undefined || pod.status.podIP === undefined) return "";
  return (await fetch(`http://${pod.status.podIP}:${port}/metrics`)).text();
}

export async function openShop(inside: Namespace): Promise<ClusterShop> {
  const key = await inside.secret("modiste", "rpc-key");
  const url = `http://${await inside.address("gateway")}:80`;
  const call = async <T>(path: string, init: RequestInit = {}): Promise<T> => {
    const headers = { authorization: `Bearer ${key}`, ...init.headers };
    const response = await fetch(url + path, { ...init, headers });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${path} answered ${response.status}: ${text}`);
    return JSON.parse(text) as T;
  };
  const ask = (path: string): Promise<Answer> => call(path);
  const ours = async (): Promise<Pod[]> =>
    (await inside.pods()).filter(({ metadata, status }) => metadata.deletionTimestamp === undefined && status.phase === "Running");
  const releases = async (): Promise<string[]> => {
    const texts = await Promise.all((await ours()).map(metricsOf));
    const named = texts.flatMap((text) =>
      [...text.matchAll(/^modiste_release_info\{[^}]*release="([^"]+)"[^}]*\} 1$/gm)].map(([, id]) => id!),
    );
    return [...new Set(named)].sort();
  };
  const list = async (): Promise<string[]> =>
    (await inside.job("prepare", "list-releases", ["releases", "list"]))
      .split("\n")
      .slice(1)
      .flatMap((line) => /^\s*(\S+)/.exec(line)?.[1] ?? [])
      .filter((word) => /\d/.test(word));
  const popular = await until(
    () => ask("/v1/popular?n=100"),
    ({ items }) => items.length === 100,
    "popular items",
    60,
  );
  const [serving] = await releases();
  const shown = await inside.job("prepare", "show-release", ["releases", "show", serving!, "--json"]);
  const { golden } = JSON.parse(shown) as { readonly golden: readonly { readonly user_id: string }[] };
  const itemIds = popular.items.map(({ item_id }) => item_id);
  return {
    gateways: [url],
    key,
    itemIds,
    userIds: [...golden.map(({ user_id }) => user_id), "a stranger"],
    ask,
    user: (subject) => call(`/v1/users/${encodeURIComponent(subject)}`),
    send: async (events) => {
      const body = JSON.stringify({ events });
      const sent = await call<{ accepted: number }>("/v1/events", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
      });
      if (sent.accepted !== events.length) throw new Error(JSON.stringify(sent));
    },
    freshPair: async () => {
      for (const itemId of itemIds) {
        const { items } = await ask(`/v1/items/${encodeURIComponent(itemId)}/similar?n=1`);
        if (items.length > 0) return [itemId, items[0]!.item_id];
      }
      throw new Error("no item has a similar one");
    },
    releases,
    trainAnother: async () => {
      const before = await list();
      await inside.job("prepare", "train-another", ["train", "--data", "synth-small", "--seed", "2", "--no-gate", "--no-promote"]);
      const made = (await list()).filter((id) => !before.includes(id));
      if (made.length !== 1) throw new Error(`training left ${made.length} new releases beside ${before.join(", ")}`);
      return made[0]!;
    },
    promote: async (release) => void (await inside.job("prepare", "promote-release", ["releases", "promote", release])),
    rollback: async () => {
      const printed = await inside.job("prepare", "rollback-release", ["releases", "rollback"]);
      const [, release] = /^(\S+) serves again$/m.exec(printed) ?? [];
      if (release === undefined) throw new Error(`the rollback said ${printed}`);
      return release;
    },
    calls: async (service) => {
      const counted = (await inside.pods(service))
        .filter(({ status }) => status.phase === "Running")
        .map(async (pod) => {
          const lines = (await metricsOf(pod)).matchAll(/^modiste_rpc_server_duration_seconds_count\{([^}]*)\} (\d+)$/gm);
          const own = [...lines].filter(([, labels]) => labels!.includes("modiste.v1."));
          return [pod.metadata.name, own.reduce((sum, [, , count]) => sum + Number(count), 0)] as const;
        });
      return new Map(await Promise.all(counted));
    },
    restarts: async () =>
      Object.fromEntries(
        (await ours()).map(({ metadata, status }) => [
          metadata.name,
          (status.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0),
        ]),
      ),
    pods: async () => {
      const { items } = await kubectlJson<{ items: { metadata: { name: string } }[] }>(["get", "nodes"]);
      const stats = await Promise.all(
        items.map(
          async ({ metadata }) =>
            JSON.parse(await inside.run(["get", "--raw", `/api/v1/nodes/${metadata.name}/proxy/stats/summary`])) as StatsSummary,
        ),
      );
      const bytes = new Map(
        stats
          .flatMap(({ pods }) => pods)
          .filter(({ podRef }) => podRef.namespace === inside.name)
          .map(({ podRef, memory }) => [podRef.name, memory?.workingSetBytes ?? 0]),
      );
      return (await ours()).map(({ metadata, status }) => {
        const ready = status.conditions?.find(({ type, status: holds }) => type === "Ready" && holds === "True");
        const readySeconds = ready === undefined ? Number.NaN : secondsBetween(metadata.creationTimestamp, ready.lastTransitionTime);
        return { pod: metadata.name, memoryMiB: Math.round((bytes.get(metadata.name) ?? 0) / 2 ** 20), readySeconds };
      });
    },
  };
}
