/** The kinds of stage of the recommendation pipeline. Their types make mistakes unwritable: a filter cannot reorder, a scorer cannot drop. */

import type { RankPace } from "./rank-pace.ts";

/** What one source said of the candidates: columns aligned with `CandidateTable.items`. */
export interface SourceColumn {
  readonly source: string;
  /** 0 where the source did not name the candidate. */
  readonly scores: Float32Array;
  /** From 1; 0 where the source did not name the candidate. */
  readonly ranks: Uint32Array;
  /** Index into `reasonWords`, meaningful where the rank is not 0. */
  readonly reasons: Uint8Array;
  readonly reasonWords: readonly string[];
  /** Item of the history that contributed most, "" when there is none; by candidate. */
  readonly because: readonly string[];
  /** Whether it answered from the pinned release; if not, its scores count as missing for the scorer. */
  readonly pinned: boolean;
}

/** The candidates of one request, without doubles. */
export interface CandidateTable {
  /** Dense item indexes of the pinned release. */
  readonly items: Int32Array;
  readonly sources: readonly SourceColumn[];
}

/** One source's answer in dense indexes, best first; items that the pinned release does not know are left out. */
export interface SourceAnswer {
  readonly release: string;
  readonly items: Int32Array;
  readonly scores: ArrayLike<number>;
  readonly reasons: ArrayLike<number>;
  readonly reasonWords: readonly string[];
  readonly because: readonly string[];
  readonly pinned: boolean;
}

/** Time and cancellation of one stage. */
export interface StageContext {
  /** Aborted when the stage's share of the deadline is over or the caller left. */
  readonly signal: AbortSignal;
  /** Milliseconds that the stage may use. */
  readonly budgetMs: number;
}

/** Adds what is known of the query. `fallback` answers the query as it stands when the stage is late or failed. */
export interface Hydrator<Query> {
  readonly name: string;
  readonly hydrate: (query: Query, context: StageContext) => Promise<Query>;
  readonly fallback: (query: Query, reason: string) => Query;
}

export interface Source<Query> {
  readonly name: string;
  /** Most milliseconds; the runner gives less when the deadline is near. */
  readonly budgetMs: number;
  /** Whether this query has anything to ask of the source. */
  readonly applies: (query: Query) => boolean;
  readonly retrieve: (query: Query, context: StageContext) => Promise<SourceAnswer>;
}

/** A predicate on items, made once a request. Cannot reorder, cannot invent. */
export interface Filter<Query> {
  readonly name: string;
  /** Null: keeps everything for this query. */
  readonly keep: (query: Query) => ((item: number) => boolean) | null;
}

export interface Scored<Note> {
  /** Aligned with `candidates.items`, higher is better; a number that is not finite sinks below all others. */
  readonly scores: Float64Array;
  /** What it tells beside, for the record of the answer. */
  readonly note: Note;
}

export interface Scorer<Query, Note = null> {
  readonly name: string;
  /** Whether this query is scored at all; if not, the fallback's scores are its ranking, and nothing is missing. */
  readonly applies: (query: Query) => boolean;
  readonly score: (query: Query, candidates: CandidateTable, context: StageContext) => Promise<Scored<Note>>;
  /** Used when `score` is late or failed, and to choose what is scored when time is short. Aligned with `candidates.items`. */
  readonly fallback: (query: Query, candidates: CandidateTable) => Float64Array;
}

/** Changes scores after ranking, such as a shop's boosts; aligned with `candidates.items` as they are. Pure. */
export interface Rescorer<Query> {
  readonly name: string;
  readonly rescore: (query: Query, candidates: CandidateTable, scores: Float64Array) => Float64Array;
}

/** Chooses at most `limit` positions of `order` (candidate positions, best first). Pure. */
export interface Arranger<Query> {
  readonly name: string;
  readonly arrange: (query: Query, candidates: CandidateTable, scores: Float64Array, order: Int32Array, limit: number) => Int32Array;
}

export interface Pipeline<Query, Note = null> {
  readonly hydrators: readonly Hydrator<Query>[];
  readonly sources: readonly Source<Query>[];
  /** Answers when no source offered anything that passes the filters. */
  readonly lastResort: (query: Query) => SourceAnswer;
  /** Items that become candidates whether or not a source offered them, such as pins. They pass the same filters. */
  readonly additions: (query: Query) => readonly number[];
  readonly filters: readonly Filter<Query>[];
  readonly scorer: Scorer<Query, Note>;
  /** How fast the scorer was lately; the runner writes it. */
  readonly pace: RankPace;
  /** One after the other, before the list is arranged. */
  readonly rescorers: readonly Rescorer<Query>[];
  readonly arranger: Arranger<Query>;
  /** Most candidates that are ranked. */
  readonly candidatesMax: number;
}

export type Outcome = "answered" | "late" | "failed" | "not_asked";

export interface SourceReport {
  readonly source: string;
  readonly outcome: Outcome;
  readonly candidates: number;
  readonly milliseconds: number;
  readonly release: string;
  /** Stable word of the failure, empty when it answered. */
  readonly reason: string;
}

export interface StageReport {
  readonly stage: string;
  readonly milliseconds: number;
  /** Candidates after the stage. */
  readonly candidates: number;
}

export interface FilterReport {
  readonly filter: string;
  readonly removed: number;
}

/** What the runner answers: the chosen candidates and everything that happened on the way. */
export interface PipelineResult<Query, Note = null> {
  readonly query: Query;
  readonly candidates: CandidateTable;
  /** After the rescorers. */
  readonly scores: Float64Array;
  /** Positions in `candidates`, best first. */
  readonly chosen: Int32Array;
  readonly sources: readonly SourceReport[];
  readonly stages: readonly StageReport[];
  readonly removed: readonly FilterReport[];
  /** What is missing and why, such as "lightgcn:deadline_exceeded". */
  readonly degraded: readonly string[];
  /** False where the scorer was to be asked and gave nothing. */
  readonly ranked: boolean;
  /** Candidates that the scorer scored: fewer than there are when time was short, 0 where it was not asked or gave nothing. */
  readonly rankedCount: number;
  /** Of the scorer; null where it gave nothing. */
  readonly note: Note | null;
  /** Whether the last resort answered, because no source offered anything that passes the filters. */
  readonly lastResort: boolean;
}

/** Spans and measures of the stages; the runner calls it and knows nothing of exporters. */
export interface PipelineObserver {
  stage<T>(name: string, run: () => Promise<T>): Promise<T>;
  sourceCandidates(source: string, count: number): void;
}

/** What the runner is given for one request. */
export interface RunContext {
  /** Aborted when the caller left. */
  readonly signal: AbortSignal;
  /** Milliseconds left of the caller's deadline. */
  readonly remainingMs: () => number;
  readonly nowMs: () => number;
  readonly observer: PipelineObserver;
}
