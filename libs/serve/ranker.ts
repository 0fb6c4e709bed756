/** What a ranker is. Ids, protos and releases are translated around it. */

import type { Catalog } from "#libs/catalog/catalog.ts";
import type { NamedCatalog } from "#libs/catalog/overlay.ts";
import type { Progress } from "#libs/core/progress.ts";
import type { SourceColumn } from "#libs/features/features.ts";
import type { ItemStatistics } from "#libs/features/item-statistics.ts";
import type { LiveView } from "#libs/features/live-counts.ts";
import type { EventColumns } from "#libs/features/own-purchases.ts";
import type { Feeds, Session } from "#libs/graph/executors/session.ts";
import type { Graph } from "#libs/graph/graph.ts";
import type { EventHistory, RowTables } from "#libs/models/sasrec/encoder.ts";
import type { PartReader, PartWriter } from "#libs/release/part.ts";
import type { Pace } from "#libs/sparse/pace.ts";

/** Kinds of ranker that a recipe may name; the first is the default. */
export const rankerKinds = ["linear", "wide-deep"] as const;
export type RankerKind = (typeof rankerKinds)[number];

/** One request: candidates with what the sources said of them, and whose they are. */
export interface RankQuery {
  /** Dense item indexes, without doubles. */
  readonly candidates: Int32Array;
  /** Aligned with the candidates; sources that are missing or answered from another release are left out. */
  readonly sources: readonly SourceColumn[];
  /** Only events before `nowSeconds`. */
  readonly events: EventColumns;
  readonly attributes: ReadonlyMap<string, string>;
  readonly nowSeconds: number;
}

export interface LabelledQuery {
  readonly query: RankQuery;
  /** 1 where the user took the candidate in the label week, [candidates]. */
  readonly labels: Uint8Array;
  /** Items that the user took in the label week, candidates or not. */
  readonly taken: number;
}

/** One label week: everything beside the labels is of before its start. */
export interface LabelWeek {
  readonly nowSeconds: number;
  readonly catalog: Catalog;
  readonly statistics: ItemStatistics;
  /** Sources' scores in here are of sources fitted before the earliest label week. */
  readonly queries: Iterable<LabelledQuery>;
}

/** SASRec of the same release: a user's state, and the items' vectors that go with it. */
export interface SequenceStates {
  readonly tables: RowTables;
  /** [histories, dimensions]. */
  states(histories: readonly EventHistory[], signal?: AbortSignal): Promise<Float32Array>;
}

export interface RankerFitContext {
  readonly weeks: readonly LabelWeek[];
  /** Names of the sources, in the order of the fleet. */
  readonly sources: readonly string[];
  /** What the ranker will serve with: the end of the data. */
  readonly serving: { readonly catalog: Catalog; readonly statistics: ItemStatistics };
  /** Trained on nothing of the label weeks; null without. */
  readonly sequence: SequenceStates | null;
  /** What differs from the defaults. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly seed: number;
  readonly threads: number;
  readonly part: PartWriter;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** A network that is open on the CPU, and what it takes to run it elsewhere. */
export interface ScoringNetwork {
  /** For people: release and part. */
  readonly name: string;
  readonly cpu: Session;
  /** Rows are its size "rows", the first axis of all inputs and outputs. */
  readonly graph: Graph;
  /** The same as an ONNX file. */
  readonly file: string;
  /** Of every parameter. Throws `data_loss` where the part has none. */
  readonly weights: () => Readonly<Record<string, Float32Array>>;
  /** Rows to compare another device with. */
  readonly golden: { readonly feeds: Feeds; readonly rows: number };
}

/** Answers the session that requests use; closing it closes the network's own. */
export type PlaceNetwork = (network: ScoringNetwork) => Promise<Session>;

export interface RankerLoadContext {
  readonly part: PartReader;
  readonly catalog: Catalog;
  /** Of the same release; null where it has none. */
  readonly sequence: SequenceStates | null;
  /** Where networks run; without it on the CPU. */
  readonly place?: PlaceNetwork;
}

/** Below every score of a ranker, and finite as the contract wants it: of items that the release does not know, and of scores that are no number. */
export const sunkScore = -Number.MAX_VALUE;

/** Features as they are computed, before any scaling. */
export interface FeatureRows {
  readonly names: readonly string[];
  /** [positions, names]. */
  readonly values: Float32Array;
  /** The live counters that they follow, and purchases of the last 28 days by segment with their sum; null where they follow none. */
  readonly live: { readonly view: LiveView; readonly segmentTotals: Float64Array } | null;
}

/** What groups of inputs add to scores, in the scores' unit. */
export interface Contributions {
  readonly groups: readonly string[];
  /** [positions, groups]. */
  readonly values: Float64Array;
}

export interface Ranker<Artifact> {
  /** The model's name, as answers tell it. */
  model(artifact: Artifact): string;
  /** Throws `invalid_argument` naming `place` and the setting, before hours of work go into what the ranker would then refuse. */
  check(settings: Readonly<Record<string, unknown>>, place: string): void;
  fit(context: RankerFitContext): Promise<void>;
  load(context: RankerLoadContext): Promise<Artifact>;
  /**
   * What requests are given from then on: the artifact with item statistics that follow the live counters. The given one, loaded or followed before,
   * is left as it is and shares what has to be closed. The answer depends on the release and the view alone.
   */
  follow(artifact: Artifact, view: LiveView, pace: Pace): Promise<Artifact>;
  /**
   * What requests are given while the shop has said something of its items since the release: their indexes lie behind the release's, and they are scored as
   * items of which nothing is known but what the catalogue says. The given artifact is left as it is and shares what has to be closed. Once for each state
   * of the catalogue, synchronous.
   */
  extend(artifact: Artifact, catalog: NamedCatalog): Artifact;
  /** One finite score a candidate, in the order of the query. A candidate's score does not depend on the others beside it. */
  score(artifact: Artifact, query: RankQuery): Promise<Float64Array>;
  /** What `score` computes of the candidates at these positions: what a record of an answer keeps, and an offline recount must give again. */
  features(artifact: Artifact, query: RankQuery, positions: Int32Array): FeatureRows;
  /** What each group of inputs adds to the scores of the candidates at these positions; not cheap, meant for the few that are shown. */
  contributions(artifact: Artifact, query: RankQuery, positions: Int32Array): Promise<Contributions>;
  /** Frees what the collector does not see; the artifact is not used again. */
  close(artifact: Artifact): Promise<void>;
  /** Hash of the features that the part was trained on. */
  featureHash(artifact: Artifact): string;
}
