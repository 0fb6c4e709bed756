/** THE TABLE of the fleet. Everything that must know the services reads it: gateway, trainer, processes, charts, tests. */

import { candidateSourceService } from "#libs/serve/candidate-source.ts";
import type { FleetRow } from "#libs/serve/fleet-row.ts";
import type { Ranker } from "#libs/serve/ranker.ts";
import type { CandidateSource } from "#libs/serve/source.ts";

/** Most candidates that are ranked for one request. */
export const candidatesMax = 500;

export type RequestKind = "recommend" | "similar" | "popular";

export interface SourceRow extends FleetRow {
  readonly kind: "source";
  /** A few words for people, which the page shows beside the name. */
  readonly hint: string;
  /** Kinds of request that it has something to say to. */
  readonly serves: readonly RequestKind[];
  readonly source: () => Promise<CandidateSource<unknown>>;
}

type SourceOptions = Pick<SourceRow, "name" | "hint" | "port" | "budgetMs" | "quota" | "serves" | "resources" | "source">;

/** A source runs the same way whatever it does: late or dead it degrades the answer. */
function sourceRow(options: SourceOptions): SourceRow {
  return {
    ...options,
    kind: "source",
    onFailure: "degrade",
    replicas: 2,
    module: async () => candidateSourceService(options.name, await options.source()),
  };
}

/** Nobody else lists the sources: pipeline, trainer, digests of the code, page and tests ask here. */
export const sources: readonly SourceRow[] = [
  sourceRow({
    name: "popularity",
    hint: "what sells",
    port: 50061,
    budgetMs: 40,
    quota: 80,
    serves: ["recommend", "popular"],
    resources: { cpu: 0.25, memoryMiB: 512 },
    source: async () => (await import("./popularity/source.ts")).popularity,
  }),
  sourceRow({
    name: "itemcf",
    hint: "bought together",
    port: 50062,
    budgetMs: 60,
    quota: 160,
    serves: ["recommend", "similar"],
    resources: { cpu: 0.5, memoryMiB: 1024 },
    source: async () => (await import("./itemcf/source.ts")).itemcf,
  }),
  sourceRow({
    name: "lightgcn",
    hint: "shared taste",
    port: 50063,
    budgetMs: 60,
    quota: 100,
    serves: ["recommend", "similar"],
    resources: { cpu: 0.5, memoryMiB: 768 },
    source: async () => (await import("./lightgcn/source.ts")).lightgcn,
  }),
  sourceRow({
    name: "content",
    hint: "alike items",
    port: 50064,
    budgetMs: 60,
    quota: 60,
    serves: ["recommend", "similar"],
    resources: { cpu: 0.5, memoryMiB: 768 },
    source: async () => (await import("./content/source.ts")).content,
  }),
];

const loadRanker = async (): Promise<Ranker<unknown>> => (await import("./ranking/ranker.ts")).ranker;

export const fleet: readonly FleetRow[] = [
  ...sources,
  {
    name: "ranking",
    kind: "ranker",
    port: 50071,
    budgetMs: 80,
    quota: 0,
    onFailure: "degrade",
    replicas: 2,
    resources: { cpu: 1, memoryMiB: 768 },
    module: async () => (await import("./ranking/service.ts")).rankingService(await loadRanker()),
  },
  {
    name: "profile",
    kind: "profile",
    port: 50081,
    budgetMs: 40,
    quota: 0,
    onFailure: "degrade",
    replicas: 2,
    resources: { cpu: 0.5, memoryMiB: 512 },
    module: async () => (await import("./profile/service.ts")).service,
  },
  {
    name: "gateway",
    kind: "gateway",
    port: 50051,
    budgetMs: 150,
    quota: 0,
    onFailure: "fail",
    replicas: 2,
    resources: { cpu: 1, memoryMiB: 768 },
    module: async () =>
      (await import("./gateway/service.ts")).gatewayService({
        candidatesMax,
        sources: Object.fromEntries(sources.map(({ name, serves, hint }) => [name, { serves, hint }])),
      }),
  },
];

export type SequenceModel = import("./ranking/sequence-part.ts").SequenceModel;

/** What the trainer fits: every source, the ranker, the gateway's part, and SASRec where a recipe names it. */
export interface FleetModels {
  readonly sources: readonly { readonly name: string; readonly source: CandidateSource<unknown> }[];
  readonly ranker: Ranker<unknown>;
  /** The ranking service's reading of a request, for records of requests. */
  readonly rankRequest: typeof import("./ranking/rank-request.ts");
  /** Its reading of the live counts in a record. */
  readonly liveRecord: typeof import("./ranking/live-record.ts");
  readonly gatewayPart: typeof import("./gateway/part.ts");
  readonly sequence: typeof import("./ranking/sequence-part.ts");
}

export async function loadModels(): Promise<FleetModels> {
  return {
    sources: await Promise.all(sources.map(async ({ name, source }) => ({ name, source: await source() }))),
    ranker: await loadRanker(),
    rankRequest: await import("./ranking/rank-request.ts"),
    liveRecord: await import("./ranking/live-record.ts"),
    gatewayPart: await import("./gateway/part.ts"),
    sequence: await import("./ranking/sequence-part.ts"),
  };
}

/** What rebuilds profiles and counters as the profile service keeps them. */
export const loadProfileParts = () => import("./profile/apply-batch.ts");
