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

/** The user's age segment is the last column; the others are the catalogue's. */
export function embeddedColumns({ columns }: Pick<FeatureMaker, "columns">): EmbeddedColumn[] {
  return [...columns.map(({ name, values }) => ({ name, size: values.length })), { name: "segment", size: segmentNames.length }];
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

/** Bucket of two codes of one kind of cross. */
const bucketOf = (kind: number, a: number, b: number, buckets: number): number => mixBits(mixBits(mixBits(kind) ^ a) ^ b) % buckets;

interface CrossedUser {
  /** Latest distinct items first, -1 past the last. */
  readonly items: Int32Array;
  readonly attributes: readonly number[];
}

function crossedUser({ events, attributes }: RankQuery): CrossedUser {
  const items = new Int32Array(crossedItems).fill(-1);
  let found = 0;
  for (let at = events.items.length - 1; at >= 0 && found < crossedItems; at--) {
    const item = events.items[at]!;
    if (!items.includes(item)) items[found++] = item;
  }
  const named = [...attributes.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, crossedAttributes);
  return { items, attributes: named.map(([name, value]) => hashString(`${name}\u0000${value}`)) };
}

/** Rows whose crosses depend on ids of one release's catalogue: a release is trained and served with the same one. */
function fillCrosses(
  out: Int32Array,
  at: number,
  item: number,
  user: UserState,
  crossed: CrossedUser,
  category: AttributeColumn,
  buckets: number,
): void {
  const own = category.codes[item]!;
  let to = at;
  let kind = 0;
  const put = (a: number, b: number): void => {
    out[to++] = bucketOf(kind++, a, b, buckets);
  };
  const none = (): void => {
    out[to++] = -1;
    kind++;
  };
  for (const last of crossed.items) {
    if (last < 0) {
      none();
      none();
      continue;
    }
    put(last, item);
    put(category.codes[last]!, own);
  }
  // One kind for all: the name is in the hash, so a missing attribute moves no other.
  for (let a = 0; a < crossedAttributes; a++) {
    const attribute = crossed.attributes[a];
    out[to++] = attribute === undefined ? -1 : bucketOf(kind, attribute, own, buckets);
  }
  kind++;
  put(user.segment, item);
  put(user.bought.has(item) ? 1 : 0, own);
  put(item, 0);
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

type CategoryMaker = Pick<InputMaker, "catalog" | "columns" | "embedded" | "starts" | "buckets">;

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
  const crossed = crossedUser(query);
  const segment = columns.length;
  for (let i = 0; i < positions.length; i++) {
    const item = query.candidates[positions[i]!]!;
    const row = i * embedded.length;
    for (let c = 0; c < columns.length; c++) {
      const code = columns[c]!.codes[item]!;
      categories[row + c] = starts[c]! + (code < 0 || code >= embedded[c]!.size ? embedded[c]!.size : code);
    }
    categories[row + segment] = starts[segment]! + user.segment;
    fillCrosses(crosses, i * crossCount, item, user, crossed, catalog.category, buckets);
  }
  return { categories, crosses };
}

/** All that the network is fed for a request, SASRec apart. */
export function requestInputs(maker: InputMaker, query: RankQuery): RequestInputs {
  const user = userOf(maker, query);
  const positions = Int32Array.from(query.candidates.keys());
  const numeric = maker.table.compute(user, query.candidates, query.sources, query.nowSeconds, positions);
  return { numeric: standardise(numeric, maker), ...categoriesOf(maker, user, query, positions) };
}
