/** Features of the user, and of what the user did with an item and its kin. */

import type { Catalog } from "#libs/catalog/catalog.ts";
import { usualRebuyDays } from "./item-features.ts";
import type { ItemStatistics } from "./item-statistics.ts";
import type { OwnItem } from "./own-purchases.ts";
import type { UserState } from "./user-state.ts";

/** The same in all rows of a request: what they change is which other features count. */
export const userFeatures = [
  "user_log_events",
  "user_idle_days",
  "user_log_baskets",
  "user_log_basket_size",
  "user_log_basket_days",
  "user_rebought",
] as const;

/** All 0 where the user never bought the item. */
const boughtNames = [
  "bought",
  "bought_log_count",
  "bought_log_baskets",
  "bought_recency_7",
  "bought_recency_30",
  "bought_recency_90",
  "bought_basket_share",
  "bought_share_since_first",
  "bought_basket_recency",
  "bought_weight_80",
  "bought_weight_50",
  "bought_due",
  "bought_own_due",
] as const;

const otherNames = ["group_bought", "group_recency_30", "looked_recency_1", "looked_log_count", "liked", "disliked", "price_gap"] as const;

export const userItemFeatures = [...boughtNames, ...otherNames] as const;

/** Logarithm of how late a purchase is against the days after which it is usually made again; cut at e^3. */
const overdue = (days: number, usual: number): number => Math.min(3, Math.max(-3, Math.log((days + 1) / (usual + 1))));

function fillBought(out: Float32Array, at: number, own: OwnItem, baskets: number, rebuyDays: number): void {
  out[at] = 1;
  out[at + 1] = Math.log1p(own.count);
  out[at + 2] = Math.log1p(own.baskets);
  out[at + 3] = Math.exp(-own.days / 7);
  out[at + 4] = Math.exp(-own.days / 30);
  out[at + 5] = Math.exp(-own.days / 90);
  out[at + 6] = own.baskets / baskets;
  out[at + 7] = own.baskets / (own.firstBasket + 2);
  out[at + 8] = 1 / (1 + own.lastBasket);
  out[at + 9] = own.weight80;
  out[at + 10] = own.weight50;
  out[at + 11] = overdue(own.days, rebuyDays);
  if (own.baskets > 1) out[at + 12] = overdue(own.days, (own.firstDays - own.days) / (own.baskets - 1));
}

/** Writes the features of one row at `out[at...]`. */
export type FillUserItem = (out: Float32Array, at: number, user: UserState, item: number) => void;

export function fillUser(out: Float32Array, at: number, { events, daysSinceLast, own }: UserState): void {
  out[at] = Math.log1p(events);
  out[at + 1] = Math.log1p(daysSinceLast);
  out[at + 2] = Math.log1p(own.baskets);
  out[at + 3] = Math.log1p(own.count / Math.max(1, own.baskets));
  out[at + 4] = Math.log1p(own.daysBetween);
  out[at + 5] = own.rebought;
}

/** Items behind those of the statistics are bought again as the shop's average is. */
export function createUserItemFeatures({ prices, productGroup }: Catalog, stats: ItemStatistics): FillUserItem {
  const { rebuyDays } = stats;
  const usual = usualRebuyDays(stats);
  return (out, at, user, item) => {
    const own = user.own.items.get(item);
    if (own) fillBought(out, at, own, user.own.baskets, rebuyDays[item] ?? usual);
    const to = at + boughtNames.length;
    const group = user.boughtGroups.get(productGroup.codes[item]!);
    if (group) {
      out[to] = 1;
      out[to + 1] = Math.exp(-group.days / 30);
    }
    const looked = user.looked.get(item);
    if (looked) {
      out[to + 2] = Math.exp(-looked.days);
      out[to + 3] = Math.log1p(looked.count);
    }
    out[to + 4] = user.liked.has(item) ? 1 : 0;
    out[to + 5] = user.disliked.has(item) ? 1 : 0;
    out[to + 6] = prices[item]! > 0 && !Number.isNaN(user.logPrice) ? Math.min(3, Math.abs(Math.log(prices[item]!) - user.logPrice)) : 0;
  };
}
