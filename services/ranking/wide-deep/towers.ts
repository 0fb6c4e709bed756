/** Which columns of the network's input a two-tower network reads where. */

import { itemFeatures } from "#libs/features/item-features.ts";
import { userFeatures } from "#libs/features/user-item-features.ts";
import { type DeepSizes, deepWidth } from "#libs/models/wide-deep/inputs.ts";
import type { TowerColumns } from "#libs/models/wide-deep/network.ts";
import { type EmbeddedColumn, segmentColumn } from "./inputs.ts";

/** Features of an item that also say something of the user. */
const mixed = /^(segment|stranger|sleeper)_/;

/**
 * The user's tower reads features of the user alone, the age segment and SASRec's state; the item's reads features and attributes of the item alone.
 * What says how the two belong together (sources, own purchases, affinities, products) is for neither.
 */
export function towerColumns(features: readonly string[], embedded: readonly EmbeddedColumn[], sizes: DeepSizes): TowerColumns {
  const user = new Float32Array(deepWidth(sizes));
  const item = new Float32Array(deepWidth(sizes));
  features.forEach((name, column) => {
    if ((userFeatures as readonly string[]).includes(name)) user[column] = 1;
    if ((itemFeatures as readonly string[]).includes(name) && !mixed.test(name)) item[column] = 1;
  });
  embedded.forEach(({ name }, column) => {
    const from = sizes.numeric + column * sizes.embedding;
    (name === segmentColumn ? user : item).fill(1, from, from + sizes.embedding);
  });
  if (sizes.d > 0) user.fill(1, deepWidth(sizes) - sizes.d);
  return { user, item };
}
