/** Which features are told together when a score is explained. */

import { counterFeatures, itemFeatures } from "./item-features.ts";
import { userFeatures, userItemFeatures } from "./user-item-features.ts";

/** What the user did with the item itself. */
const ownActs: readonly string[] = ["looked_recency_1", "looked_log_count", "liked", "disliked"];
const prices: readonly string[] = ["price_gap", "log_price"];

/**
 * The group of a feature: a source's name for what it said, `own_purchases`, `own_views_and_likes`, `affinity` (to attributes), `price`, `sales` (how
 * often the item sold), `novelty` (when it sold first and last) or `user`.
 */
export function featureGroup(name: string): string {
  const dot = name.indexOf(".");
  if (dot > 0) return name.slice(0, dot);
  if (prices.includes(name)) return "price";
  if (ownActs.includes(name)) return "own_views_and_likes";
  if ((userFeatures as readonly string[]).includes(name)) return "user";
  if ((userItemFeatures as readonly string[]).includes(name)) return "own_purchases";
  if (counterFeatures.has(name)) return "sales";
  return (itemFeatures as readonly string[]).includes(name) ? "novelty" : name;
}

export interface FeatureGroups {
  /** In the order of their first feature. */
  readonly names: readonly string[];
  /** Group of each feature, [features]. */
  readonly of: Int32Array;
}

export function groupFeatures(features: readonly string[]): FeatureGroups {
  const groups = features.map(featureGroup);
  const names = [...new Set(groups)];
  return { names, of: Int32Array.from(groups, (group) => names.indexOf(group)) };
}
