/** What Wide & Deep is fed for the candidates of a request: standardised features, categories and crosses. One code for training and serving. */

import type { AttributeColumn } from "#libs/catalog/catalog.ts";
import { hashString, mixBits } from "#libs/core/random.ts";
import { segmentNames } from "#libs/features/segment.ts";
import type { UserState } from "#libs/features/user-state.ts";
import type { RankQuery } from "#libs/serve/ranker.ts";
import { type FeatureMaker, userOf } from "../feature-maker.ts";

/** Weights that crosses are hashed to, 1 MiB. Crosses that share one share what they say. */
export const buckets = 1 << 18;

/** A column of the embedding table: its values in the order of the catalogue, then the unknown one. */
export interface EmbeddedColumn {
  readonly name: string;
  /** Values, the unknown one not counted. */
  readonly size: number;
}

export interface InputMaker extends FeatureMaker {
  readonly embedded: readonly EmbeddedColumn[];
  /** First row of each embedded column. */
  readonly starts: Int32Array;
  /** Of each feature; a scale of 0 leaves it out. */
  readonly mean: Float32Array;
  readonly scale: Float32Array;
  readonly buckets: number;
}

export interface RequestInputs {
  /** [rows, features]. */
  readonly numeric: Float32Array;
  /** [rows, embedded columns]. */
  readonly categories: Int32Array;
  /** [rows, crossCount]. */
  readonly crosses: Int32Array;
}

/** Standard deviations at which a feature is cut off: an outlier must not carry a request away. */
const cutDeviations = 8;

/** Name of the user's age segment among the embedded columns. */
export const segmentColumn = "segment";

/** The user's age segment is the last column; the others are the catalogue's. */
export function embeddedColumns({ columns }: Pick<FeatureMaker, "columns">): EmbeddedColumn[] {
  return [...columns.map(({ name, values }) => ({ name, size: values.length })), { name: segmentColumn, size: segmentNames.length }];
}

export function startsOf(columns: readonly EmbeddedColumn[]): Int32Array {
  const starts = new Int32Array(columns.length);
  for (let c = 1; c < columns.length; c++) starts[c] = starts[c - 1]! + columns[c - 1]!.size + 1;
  return starts;
}

/** Rows of the embedding table. */
export const embeddingRows = (columns: readonly EmbeddedColumn[]): number => columns.reduce((sum, { size }) => sum + size + 1, 0);

/** User attributes that are crossed with the category, by name. */
const crossedAttributes = 3;
/** Latest items that are crossed with the candidate. */
const crossedItems = 3;
/** Crosses of a row: latest items x item and category x category, segment x item, user attributes x category, bought x category, the item alone. */
export const crossCount = 2 * crossedItems + crossedAttributes + 3;

/** What a user's crosses share whatever the candidate: the hashes of their kinds and of the user's codes. */
interface CrossedUser {
  /**
   * By latest distinct item, the latest first: crossed with the candidate, and its category with the candidate's. As many as there are. The item is null
   * where it came after the release.
   */
  readonly items: readonly { readonly item: number | null; readonly category: number }[];
  readonly attributes: readonly number[];
  readonly segment: number;
  /** By whether the candidate was bought before. */
  readonly bought: readonly [number, number];
}

/** Kinds of cross; the pairs of the latest items come before. */
const kinds = {
  attribute: 2 * crossedItems,
  segment: 2 * crossedItems + 1,
  bought: 2 * crossedItems + 2,
  item: 2 * crossedItems + 3,
} as const;

/** Hash of a kind and the first code of a cross; with the second one mixed in, modulo the buckets, it is the cross's bucket. */
const hashOf = (kind: number, code: number): number => mixBits(mixBits(kind) ^ code);

/** What was learned of: codes of a category behind these count as not known, and items as new ones. */
interface Learned {
  readonly category: AttributeColumn;
  readonly categories: number;
  readonly items: number;
}

function categoryOf({ category, categories }: Learned, item: number): number {
  const code = category.codes[item]!;
  return code < categories ? code : -1;
}

function crossedUser({ events, attributes }: RankQuery, { segment }: UserState, learned: Learned): CrossedUser {
  const items: number[] = [];
  for (let at = events.items.length - 1; at >= 0 && items.length < crossedItems; at--) {
    const item = events.items[at]!;
    if (!items.includes(item)) items.push(item);
  }
  const named = [...attributes.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, crossedAttributes);
  return {
    items: items.map((item, k) => ({
      item: item < learned.items ? hashOf(2 * k, item) : null,
      category: hashOf(2 * k + 1, categoryOf(learned, item)),
    })),
    // One kind for all: the name is in the hash, so a missing attribute moves no other.
    attributes: named.map(([name, value]) => hashOf(kinds.attribute, hashString(`${name}\u0000${value}`))),
    segment: hashOf(kinds.segment, segment),
    bought: [hashOf(kinds.bought, 0), hashOf(kinds.bought, 1)],
  };
}

/**
 * Rows whose crosses depend on ids of one release's catalogue: a release is trained and served with the same one. Runs for every candidate: no
 * closures, whose making costs more than the hashing.
 */
function fillCrosses(
  out: Int32Array,
  at: number,
  item: number,
  bought: boolean,
  crossed: CrossedUser,
  learned: Learned,
  buckets: number,
): void {
  const own = categoryOf(learned, item);
  // A new item shares no bucket with what was learned of another.
  const isNew = item >= learned.items;
  let to = at;
  for (let k = 0; k < crossedItems; k++) {
    const last = crossed.items[k];
    out[to++] = last === undefined || last.item === null || isNew ? -1 : mixBits(last.item ^ item) % buckets;
    out[to++] = last === undefined ? -1 : mixBits(last.category ^ own) % buckets;
  }
  for (let a = 0; a < crossedAttributes; a++) {
    const attribute = crossed.attributes[a];
    out[to++] = attribute === undefined ? -1 : mixBits(attribute ^ own) % buckets;
  }
  out[to++] = isNew ? -1 : mixBits(crossed.segment ^ item) % buckets;
  out[to++] = mixBits(crossed.bought[bought ? 1 : 0] ^ own) % buckets;
  out[to++] = isNew ? -1 : mixBits(hashOf(kinds.item, item)) % buckets;
}

/** In place. */
export function standardise(features: Float32Array, { mean, scale }: Pick<InputMaker, "mean" | "scale">): Float32Array {
  const width = mean.length;
  for (let at = 0; at < features.length; at += width) {
    for (let c = 0; c < width; c++) {
      const value = (features[at + c]! - mean[c]!) * scale[c]!;
      features[at + c] = Math.min(cutDeviations, Math.max(-cutDeviations, value));
    }
  }
  return features;
}

type CategoryMaker = Pick<InputMaker, "catalog" | "itemsReleased" | "columns" | "embedded" | "starts" | "buckets">;

/** Categories and crosses of the positions. */
export function categoriesOf(
  maker: CategoryMaker,
  user: UserState,
  query: RankQuery,
  positions: Int32Array,
): Pick<RequestInputs, "categories" | "crosses"> {
  const { columns, embedded, starts, catalog, buckets } = maker;
  const categories = new Int32Array(positions.length * embedded.length);
  const crosses = new Int32Array(positions.length * crossCount);
  // The category is the first of the embedded columns.
  const learned = { category: catalog.category, categories: embedded[0]!.size, items: maker.itemsReleased };
  const crossed = crossedUser(query, user, learned);
  const segment = columns.length;
  for (let i = 0; i < positions.length; i++) {
    const item = query.candidates[positions[i]!]!;
    const row = i * embedded.length;
    for (let c = 0; c < columns.length; c++) {
      const code = columns[c]!.codes[item]!;
      categories[row + c] = starts[c]! + (code < 0 || code >= embedded[c]!.size ? embedded[c]!.size : code);
    }
    categories[row + segment] = starts[segment]! + user.segment;
    fillCrosses(crosses, i * crossCount, item, user.own.items.has(item), crossed, learned, buckets);
  }
  return { categories, crosses };
}

/** 0, 1, ... */
export function positionsTo(count: number): Int32Array {
  const positions = new Int32Array(count);
  for (let i = 0; i < count; i++) positions[i] = i;
  return positions;
}

/** All that the network is fed for a request, SASRec apart. */
export function requestInputs(maker: InputMaker, query: RankQuery, positions: Int32Array): RequestInputs {
  const user = userOf(maker, query);
  const numeric = maker.table.compute(user, query.candidates, query.sources, query.nowSeconds, positions);
  return { numeric: standardise(numeric, maker), ...categoriesOf(maker, user, query, positions) };
}
