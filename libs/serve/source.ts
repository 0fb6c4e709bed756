/** What a candidate source is: three functions. Ids, protos, filters and releases are translated around them by `libs/serve`. */

import type { Catalog, UserTable } from "#libs/catalog/catalog.ts";
import type { AllowedItems } from "#libs/catalog/filter.ts";
import type { NamedCatalog } from "#libs/catalog/overlay.ts";
import type { Progress } from "#libs/core/progress.ts";
import type { Interactions } from "#libs/data/interactions.ts";
import type { LiveView } from "#libs/features/live-counts.ts";
import type { PartReader, PartWriter } from "#libs/release/part.ts";
import type { Pace } from "#libs/sparse/pace.ts";

/** Everything known strictly before `nowSeconds`, and where to put what was learned from it. */
export interface FitContext {
  /** Cut: no interaction at or after `nowSeconds`. */
  readonly interactions: Interactions;
  readonly catalog: Catalog;
  readonly users: UserTable;
  readonly nowSeconds: number;
  readonly seed: number;
  /** Most threads to use. */
  readonly threads: number;
  readonly part: PartWriter;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Overrides of the source's published defaults, by name. Unknown names are refused as `invalid_argument`. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** What stands beside the part when it is loaded. */
export interface LoadContext {
  readonly part: PartReader;
  readonly catalog: Catalog;
}

/** A request in the terms of one release: dense item indexes. */
export interface SourceQuery {
  /** Most candidates to answer. */
  readonly limit: number;
  readonly nowSeconds: number;
  /** The subject's events on items that the release knows, ascending by time; columns of equal length. */
  readonly items: Int32Array;
  readonly times: Float64Array;
  /** `eventCode` values. */
  readonly types: Uint8Array;
  /** Attributes of the user, such as age; absent names are unknown. */
  readonly attributes: ReadonlyMap<string, string>;
  /** Items to be similar to, instead of the history; empty for a personal request. */
  readonly seeds: Int32Array;
  /** Items that may be answered; null: all. */
  readonly allowed: AllowedItems | null;
}

/** Columns of equal length, best first, no item twice, only allowed items, finite scores. */
export interface Candidates {
  readonly items: Int32Array;
  readonly scores: Float32Array;
  /** Index into the source's `reasons`. */
  readonly reasons: Uint8Array;
  /** The item of the history (or the seed) that contributed most, -1 when there is none. */
  readonly because: Int32Array;
}

export interface CandidateSource<Artifact> {
  /** Stable words for why a candidate is named, such as "bought_together". */
  readonly reasons: readonly string[];
  /** Learns from the past and writes a part. Deterministic under `seed` with one thread. */
  fit(context: FitContext): Promise<void>;
  load(context: LoadContext): Promise<Artifact>;
  /**
   * For sources whose figures follow the live counters: what `retrieve` is given from then on. The artifact, loaded or followed before, is left as it
   * is; the answer depends on the release and the view alone. Called once a second at most; `pace` is asked every millisecond of work or so.
   */
  follow?(artifact: Artifact, view: LiveView, pace: Pace): Promise<Artifact>;
  /**
   * For sources that have something to say of items that came after the release: what `retrieve` is given while there are any, with their indexes behind
   * the release's in query and answer. Other sources see the release's items alone. The artifact, loaded or followed, is left as it is. Called once for
   * each state of the catalogue, synchronous, so no more than the new items may be computed.
   */
  extend?(artifact: Artifact, catalog: NamedCatalog): Artifact;
  /** Pure and synchronous; at most 2 ms at full size (105 k items). */
  retrieve(artifact: Artifact, query: SourceQuery): Candidates;
}
