/** What each group of inputs adds to a score of Wide & Deep, by leaving it out. */

import { groupFeatures } from "#libs/features/groups.ts";
import { deepWidth } from "#libs/models/wide-deep/inputs.ts";
import type { Contributions } from "#libs/serve/ranker.ts";
import type { NetworkInputs, WideDeepRanker } from "./ranker.ts";

interface ColumnGroups {
  readonly names: readonly string[];
  /** Group of each column of `deep`. */
  readonly of: Int32Array;
}

/** Beside the groups of features: embeddings of attributes, SASRec, and the crosses, which are no column of `deep` and come last. */
function columnGroups({ table, sizes }: WideDeepRanker): ColumnGroups {
  const features = groupFeatures(table.names);
  const of = new Int32Array(deepWidth(sizes));
  of.set(features.of);
  const names = [...features.names, "attributes"];
  const embedded = sizes.numeric + sizes.columns * sizes.embedding;
  of.fill(names.length - 1, sizes.numeric, embedded);
  if (sizes.d > 0) {
    names.push("sequence");
    of.fill(names.length - 1, embedded);
  }
  return { names: [...names, "crosses"], of };
}

/**
 * The score less the score with the group's inputs at their average over the training: at nothing they would be where no candidate ever was. Groups
 * that say the same share what they say, so the contributions of a row need not add up to its score.
 */
export async function leaveOut(artifact: WideDeepRanker, { deep, wide, rows }: NetworkInputs): Promise<Contributions> {
  const { names, of } = columnGroups(artifact);
  const { average } = artifact;
  const width = deepWidth(artifact.sizes);
  const count = names.length;
  const crosses = count - 1;
  // One row as it is, then one without each group.
  const all = rows * (count + 1);
  const without = new Float32Array(all * width);
  const sums = new Float32Array(all);
  for (let row = 0; row < rows; row++) {
    const own = deep.subarray(row * width, (row + 1) * width);
    for (let g = -1; g < count; g++) {
      const to = row * (count + 1) + g + 1;
      const copy = without.subarray(to * width, (to + 1) * width);
      copy.set(own);
      for (let c = 0; c < width; c++) if (of[c] === g) copy[c] = average[c]!;
      sums[to] = g === crosses ? average[width]! : wide[row]!;
    }
  }
  const { scores } = await artifact.session.run({ deep: without, wide: sums }, { rows: all });
  const values = new Float64Array(rows * count);
  for (let row = 0; row < rows; row++) {
    const at = row * (count + 1);
    for (let g = 0; g < count; g++) values[row * count + g] = scores![at]! - scores![at + g + 1]!;
  }
  return { groups: names, values };
}
