/** Which items a shop can be assumed to sell, where its data say nothing of stock. */

import { secondsPerDay } from "#libs/core/clock.ts";
import type { Catalog } from "./catalog.ts";

/**
 * Days without a sale after which an item counts as gone. Half of all H&M articles sell 80 % of their units within 112 days,
 * and 95 % of a day's purchases are of articles sold in the four days before.
 */
const idleDaysMax = 60;

/**
 * Which items may be listed. `serving`: sold within 60 days, or never yet, since an item never sold is new. `available`: sold within 60
 * days; a replay of the past drops what was never sold, for data sets list no day of first offering, so that at a past instant "never sold
 * yet" is mostly "will be launched", which nobody could have known. `sold`: ever sold before. `all`: the whole catalogue, as many published
 * protocols have it.
 */
export type ItemPolicy = "serving" | "available" | "sold" | "all";

/** Whether the policy lets the item be listed at the instant; `catalog` as of that instant. */
export function isAvailable(catalog: Catalog, item: number, nowSeconds: number, policy: ItemPolicy): boolean {
  const last = catalog.lastSaleSeconds[item]!;
  if (policy === "all") return true;
  if (last === 0) return policy === "serving";
  return policy === "sold" || nowSeconds - last <= idleDaysMax * secondsPerDay;
}
