/** The feature definitions that training and serving share. Changing a definition raises `featureVersion`. */

import { createHash } from "node:crypto";
import type { AttributeColumn, Catalog } from "#libs/catalog/catalog.ts";
import { createItemFeatures, itemFeatures, prepareItems } from "./item-features.ts";
import type { ItemStatistics } from "./item-statistics.ts";
import { createUserItemFeatures, fillUser, userFeatures, userItemFeatures } from "./user-item-features.ts";
import { affinityColumns, type UserState } from "./user-state.ts";

export const featureVersion = 2;

/** What one source said of the candidates, in their order. */
export interface SourceColumn {
  readonly source: string;
  /** 0 where it did not name the candidate. */
  readonly scores: ArrayLike<number>;
  /** From 1; 0 where it did not name the candidate. */
  readonly ranks: ArrayLike<number>;
}

/** What a source said of the candidates at these positions. */
export function columnAt<C extends Pick<SourceColumn, "scores" | "ranks">>(column: C, positions: ArrayLike<number>) {
  const at = (values: ArrayLike<number>): number[] => Array.from(positions, (position) => values[position]!);
  return { ...column, scores: at(column.scores), ranks: at(column.ranks) };
}

export interface FeatureTable {
  readonly names: readonly string[];
  /** Hash of version and names; a ranker trained on another table is refused. */
  readonly hash: string;
  /**
   * Row-major [rows x names], one row for each of `positions` (of the candidates); columns of sources that are missing are 0. A row depends on no
   * candidate but its own.
   */
  compute(
    user: UserState,
    candidates: Int32Array,
    sources: readonly SourceColumn[],
    nowSeconds: number,
    positions?: Int32Array,
  ): Float32Array;
}

const sourceFeatures = ["present", "reciprocal_rank", "log_rank", "score"] as const;

export function featureNames(sources: readonly string[], columns: readonly AttributeColumn[]): string[] {
  return [
    ...sources.flatMap((source) => sourceFeatures.map((name) => `${source}.${name}`)),
    ...userFeatures,
    ...userItemFeatures,
    ...columns.map((column) => `affinity.${column.name}`),
    ...itemFeatures,
  ];
}

export function featureHash(names: readonly string[]): string {
  return createHash("sha256")
    .update(`${featureVersion}\n${names.join("\n")}`)
    .digest("hex");
}

function fillSource(out: Float32Array, width: number, column: number, source: SourceColumn, positions: Int32Array): void {
  for (let row = 0; row < positions.length; row++) {
    const rank = source.ranks[positions[row]!]!;
    if (rank === 0) continue;
    const at = row * width + column;
    const score = source.scores[positions[row]!]!;
    out[at] = 1;
    out[at + 1] = 1 / rank;
    out[at + 2] = Math.log1p(rank);
    out[at + 3] = Math.sign(score) * Math.log1p(Math.abs(score));
  }
}

/**
 * The table of one release. `stats` and `catalog` must be of one instant, and no event of `UserState` may be later than
 * the `nowSeconds` given to `compute`: then no feature reads the future. `prepared`: of the same statistics, where it is at hand. The catalogue may have
 * items behind those of the statistics, which have never been sold; `columns` are then those that the release's catalogue gives.
 */
export function createFeatureTable(
  catalog: Catalog,
  stats: ItemStatistics,
  sources: readonly string[],
  prepared = prepareItems(catalog, stats),
  columns: readonly AttributeColumn[] = affinityColumns(catalog),
): FeatureTable {
  const names = featureNames(sources, columns);
  const fillUserItem = createUserItemFeatures(catalog, stats);
  const fillItem = createItemFeatures(stats, prepared, catalog.prices);
  const userAt = sources.length * sourceFeatures.length;
  const userItemAt = userAt + userFeatures.length;
  const affinityAt = userItemAt + userItemFeatures.length;
  const itemAt = affinityAt + columns.length;
  return {
    names,
    hash: featureHash(names),
    compute: (user, candidates, answered, nowSeconds, positions = Int32Array.from(candidates.keys())) => {
      const width = names.length;
      const out = new Float32Array(positions.length * width);
      for (const column of answered) {
        const at = sources.indexOf(column.source);
        if (at >= 0) fillSource(out, width, at * sourceFeatures.length, column, positions);
      }
      const own = new Float32Array(userFeatures.length);
      fillUser(own, 0, user);
      for (let i = 0; i < positions.length; i++) {
        const row = i * width;
        const item = candidates[positions[i]!]!;
        for (let c = 0; c < own.length; c++) out[row + userAt + c] = own[c]!;
        fillUserItem(out, row + userItemAt, user, item);
        for (let c = 0; c < columns.length; c++) out[row + affinityAt + c] = user.affinities[c]!.get(columns[c]!.codes[item]!) ?? 0;
        fillItem(out, row + itemAt, user, item, nowSeconds);
      }
      return out;
    },
  };
}
