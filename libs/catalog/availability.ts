/** Which items a shop can be assumed to sell, where its data say nothing of stock. */

import { secondsPerDay } from "#libs/core/clock.ts";
import type { Catalog } from "./catalog.ts";

/**
 * Days without a sale after which an item counts as gone. Half of all H&M articles sell 80 % of their units within 112 days,
 * and 95 % of a day's purchases are of articles sold in the four days before.
 */
const idleDaysMax = 60;

/**
 * What an item means that was never sold. Serving keeps it: it is new. A replay of the past drops it: data sets list no day of first
 * offering, so at a past instant "never sold yet" is mostly "will be launched", which nobody could have known.
 */
export type UnsoldItems = "keep" | "drop";

/** Sold within 60 days before the instant; `unsold` decides on what was never sold. */
export function isAvailable(catalog: Catalog, item: number, nowSeconds: number, unsold: UnsoldItems): boolean {
  const last = catalog.lastSaleSeconds[item]!;
  return last === 0 ? unsold === "keep" : nowSeconds - last <= idleDaysMax * secondsPerDay;
}
