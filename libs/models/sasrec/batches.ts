/** The buffers of a step, and which items, positions and draws fill them. */

import type { Random } from "#libs/core/random.ts";
import { type ContextRows, createContextRows, describeEvent, type EventSequences } from "#libs/models/sasrec/inputs.ts";
import type { ComposedRows } from "#libs/models/sasrec/item-vectors.ts";
import type { PackedRows } from "#libs/models/sasrec/packing.ts";
import type { SasrecSettings } from "#libs/models/sasrec/settings.ts";
import type { Arena, Block } from "#libs/sparse/wasm.ts";

export interface Batch {
  /** Places in the composed rows of each position's item and target, -1: padding. [batch rows * length]. */
  readonly inputs: Block<Int32Array>;
  readonly targets: Block<Int32Array>;
  /** The same of the draws, [negatives]. */
  readonly negatives: Block<Int32Array>;
  readonly context: ContextRows;
  /** [batch rows * length, d]; also take the gradients back. */
  readonly rows: Block<Float32Array>;
  readonly targetRows: Block<Float32Array>;
  /** [negatives, d] with the sampled loss. */
  readonly table: Block<Float32Array>;
  /** Of a position in the loss, [batch rows * length]; they sum to 1. */
  readonly weights: Float32Array;
  readonly mask: Float32Array;
  /** On the logits of the draws, [negatives]. */
  readonly bias: Float32Array;
  /** Fills the numbers above (not the rows) from rows [from, ...) of an epoch, and `composed.ids` with the items at work; answers how many. */
  choose(epoch: PackedRows, from: number, composed: ComposedRows, random: Random): number;
}

/** `targetTypes`: 1 where events of the type are to be foretold, by code. */
export function createBatch(arena: Arena, settings: SasrecSettings, sequences: EventSequences, targetTypes: Uint8Array): Batch {
  const { batchRows, length, dimensions: d, negatives: drawn } = settings;
  const sampled = settings.loss === "sampled";
  const count = batchRows * length;
  const { items, types, itemCount } = sequences;
  const firstOf = firstPlaces(sequences);
  const placeOf = new Int32Array(itemCount).fill(-1);
  const batch: Omit<Batch, "choose"> = {
    inputs: arena.int32(count),
    targets: arena.int32(count),
    negatives: arena.int32(sampled ? drawn : 0),
    context: createContextRows(arena, count),
    rows: arena.float32(count * d),
    targetRows: arena.float32(count * d),
    table: arena.float32(sampled ? drawn * d : 0),
    weights: new Float32Array(count),
    mask: new Float32Array(batchRows * length * length),
    // Uniform draws stand for the whole catalogue: the sum over them is items / draws times as large in expectation.
    bias: new Float32Array(sampled ? drawn : 0).fill(Math.log(itemCount / drawn)),
  };
  const fillContext = (at: number, place: number): void => {
    const { type, gap } = place < 0 ? { type: -1, gap: -1 } : describeEvent(sequences, place, firstOf[place]!);
    batch.context.types.values[at] = type;
    batch.context.gaps.values[at] = gap;
  };
  return {
    ...batch,
    choose: (epoch, from, composed, random) => {
      const ids = composed.ids.values;
      let known = 0;
      const placed = (item: number): number => {
        if (placeOf[item]! < 0) {
          ids[known] = item;
          placeOf[item] = known++;
        }
        return placeOf[item]!;
      };
      if (!sampled) for (let item = 0; item < itemCount; item++) placed(item);
      let targets = 0;
      for (let at = 0; at < count; at++) {
        const row = from * length + at;
        const place = row < epoch.rows * length ? epoch.places[row]! : -1;
        const counts = place >= 0 && targetTypes[types[place + 1]!] === 1;
        batch.inputs.values[at] = place < 0 ? -1 : placed(items[place]!);
        batch.targets.values[at] = counts ? placed(items[place + 1]!) : -1;
        batch.context.positions.values[at] = place < 0 ? -1 : epoch.positions[row]!;
        batch.weights[at] = counts ? 1 : 0;
        if (counts) targets++;
        fillContext(at, place);
      }
      for (let at = 0; at < count; at++) batch.weights[at]! /= Math.max(1, targets);
      if (sampled) for (let n = 0; n < drawn; n++) batch.negatives.values[n] = placed(random.below(itemCount));
      for (let i = 0; i < known; i++) placeOf[ids[i]!] = -1;
      return known;
    },
  };
}

/** Items that a step has at most at work at once. */
export const composedMost = ({ loss, batchRows, length, negatives }: SasrecSettings, itemCount: number): number =>
  loss === "full" ? itemCount : Math.min(itemCount, 2 * batchRows * length + negatives);

/** Where the history of each event's user starts, [events]. */
function firstPlaces({ offsets, items }: EventSequences): Int32Array {
  const first = new Int32Array(items.length);
  for (let user = 0; user + 1 < offsets.length; user++) first.fill(offsets[user]!, offsets[user], offsets[user + 1]);
  return first;
}
