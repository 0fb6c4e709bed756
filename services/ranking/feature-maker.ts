/** Features of candidates as every ranker computes them, and what a release keeps for it. */

import type { AttributeColumn, Catalog } from "#libs/catalog/catalog.ts";
import type { NamedCatalog } from "#libs/catalog/overlay.ts";
import { ModisteError } from "#libs/core/errors.ts";
import { columnAt, createFeatureTable, type FeatureTable, featureHash, featureNames, featureVersion } from "#libs/features/features.ts";
import { type PreparedItems, prepareItems, totalsBySegment, withSales } from "#libs/features/item-features.ts";
import type { ItemStatistics } from "#libs/features/item-statistics.ts";
import type { LiveView } from "#libs/features/live-counts.ts";
import { ageStatistics, followStatistics } from "#libs/features/live-statistics.ts";
import { segmentNames } from "#libs/features/segment.ts";
import { affinityColumns, createUserState, type UserState } from "#libs/features/user-state.ts";
import type { PartReader, PartWriter } from "#libs/release/part.ts";
import type { FeatureRows, RankQuery } from "#libs/serve/ranker.ts";
import type { Pace } from "#libs/sparse/pace.ts";

/** Item statistics with what is computed of them once. */
interface PreparedStatistics extends PreparedItems {
  readonly statistics: ItemStatistics;
}

export interface FeatureMaker {
  /** As the release has it, where what a user bought keeps its price, or with what the shop has said since. */
  readonly catalog: Catalog;
  /** Items of the release: those behind them were never sold, and nothing was learned of them. */
  readonly itemsReleased: number;
  readonly columns: readonly AttributeColumn[];
  readonly table: FeatureTable;
  readonly sources: readonly string[];
  readonly released: PreparedStatistics;
  /** What the table is made of. */
  readonly counted: { readonly prepared: PreparedStatistics; readonly prices: Float32Array };
  /** The release's own sales as of the day that was followed last. */
  readonly aged: { readonly today: number; readonly prepared: PreparedStatistics } | null;
  /** What the table's sales follow, and the totals by segment that it divides by; null for the release alone. */
  readonly live: { readonly view: LiveView; readonly segmentTotals: Float64Array } | null;
}

export function createFeatureMaker(catalog: Catalog, statistics: ItemStatistics, sources: readonly string[]): FeatureMaker {
  const released = { statistics, ...prepareItems(catalog, statistics) };
  const table = createFeatureTable(catalog, statistics, sources, released);
  const counted = { prepared: released, prices: catalog.prices };
  const columns = affinityColumns(catalog);
  return { catalog, itemsReleased: catalog.itemCount, columns, table, sources, released, counted, aged: null, live: null };
}

async function agePrepared({ catalog, released }: FeatureMaker, view: LiveView, pace: Pace): Promise<PreparedStatistics> {
  const statistics = await ageStatistics(released.statistics, view, pace);
  if (statistics === released.statistics) return released;
  const all = Int32Array.from({ length: view.itemCount }, (_, item) => item);
  return { ...released, statistics, still: await withSales(released.still, all, catalog, statistics, pace) };
}

/** The maker with the sales of the view; the given one is left as it is. What it answers depends on release and view alone. */
export async function followLive<Maker extends FeatureMaker>(maker: Maker, view: LiveView, pace: Pace): Promise<Maker> {
  const { catalog, sources, released } = maker;
  const { today } = view;
  const aged = maker.aged?.today === today ? maker.aged : { today, prepared: await agePrepared(maker, view, pace) };
  const { statistics, prices, changed } = await followStatistics(aged.prepared.statistics, catalog.prices, view, pace);
  const priced = { ...catalog, prices };
  const still = await withSales(aged.prepared.still, changed, priced, statistics, pace);
  const segmentTotals = view.segmentTotals ?? totalsBySegment(statistics);
  const table = createFeatureTable(priced, statistics, sources, { still, totals: segmentTotals });
  const counted = { prepared: { statistics, still, totals: segmentTotals }, prices };
  return { ...maker, table, released, counted, aged, live: { view, segmentTotals } };
}

/** Prices of the shop's word where it has one, else of the last sale. */
function pricesOver(catalog: NamedCatalog, released: Float32Array, sold: Float32Array): Float32Array {
  const prices = catalog.prices.slice();
  if (sold !== released) for (let item = 0; item < sold.length; item++) if (prices[item] === released[item]) prices[item] = sold[item]!;
  return prices;
}

/** The maker with what the shop has said of its items since the release; the given one, loaded or followed, is left as it is. O(items). */
export function extendMaker<Maker extends FeatureMaker>(maker: Maker, catalog: NamedCatalog): Maker {
  const { counted, sources, columns: own } = maker;
  const { prepared } = counted;
  const places = [maker.catalog.category, ...maker.catalog.attributes];
  const columns = own.map((column) => [catalog.category, ...catalog.attributes][places.indexOf(column)]!);
  const priced = { ...catalog, prices: pricesOver(catalog, maker.catalog.prices, counted.prices) };
  const table = createFeatureTable(priced, prepared.statistics, sources, prepared, columns);
  return { ...maker, catalog, columns, table };
}

/** What it takes to fill rows. */
export type RowMaker = Pick<FeatureMaker, "catalog" | "columns" | "table" | "live">;

export function userOf(
  { catalog, columns }: Pick<FeatureMaker, "catalog" | "columns">,
  { events, attributes, nowSeconds }: RankQuery,
): UserState {
  return createUserState(catalog, columns, events, attributes.get("age"), nowSeconds);
}

export function featuresOf(maker: RowMaker, query: RankQuery, positions: Int32Array): FeatureRows {
  const { table, live } = maker;
  const values = table.compute(userOf(maker, query), query.candidates, query.sources, query.nowSeconds, positions);
  return { names: table.names, values, live };
}

/** The query for the candidates at these positions alone. */
export function queryOf(query: RankQuery, positions: Int32Array): RankQuery {
  return {
    ...query,
    candidates: positions.map((position) => query.candidates[position]!),
    sources: query.sources.map((column) => columnAt(column, positions)),
  };
}

export function writeStatistics(part: PartWriter, statistics: ItemStatistics): void {
  const { nowSeconds: _, ...arrays } = statistics;
  part.tensors(arrays);
}

export function readStatistics(part: PartReader, nowSeconds: number, items: number): ItemStatistics {
  return {
    nowSeconds,
    count1: part.float32("count1", items),
    count7: part.float32("count7", items),
    countBefore7: part.float32("countBefore7", items),
    count28: part.float32("count28", items),
    countBefore28: part.float32("countBefore28", items),
    buyers: part.float32("buyers", items),
    rebuyers: part.float32("rebuyers", items),
    rebought28: part.float32("rebought28", items),
    rebuyDays: part.float32("rebuyDays", items),
    segment28: part.float32("segment28", segmentNames.length * items),
    firstSale: part.uint32("firstSale", items),
    lastSale: part.uint32("lastSale", items),
    lastPrice: part.float32("lastPrice", items),
  };
}

/** What a part says of the features that it was trained on. */
export interface TrainedOn {
  readonly sources: readonly string[];
  readonly feature_hash: string;
  /** Missing in parts of before version 2. */
  readonly feature_version?: number | undefined;
}

/** Before anything else of the part is read. Throws `failed_precondition` naming release and part when it was trained on other features. */
export function checkFeatures(
  part: PartReader,
  catalog: Catalog,
  { sources, feature_hash: hash, feature_version: version = 1 }: TrainedOn,
): void {
  if (featureHash(featureNames(sources, affinityColumns(catalog))) === hash) return;
  const other = version === featureVersion ? "" : ` (version ${version}, this code's is ${featureVersion})`;
  throw new ModisteError(
    "failed_precondition",
    "feature_hash",
    `release ${part.release}, part ${part.part}: trained on other features than this code computes${other}: modiste train`,
  );
}
