/** Item-to-item similarities, from co-occurrence or by EASE. */

import type { Progress } from "#libs/core/progress.ts";
import type { Interactions } from "#libs/data/interactions.ts";
import { checkEaseSize, fitEase, type NeighbourTable } from "#libs/models/itemcf/ease.ts";
import { open, type PairsTask } from "#libs/models/itemcf/pairs-worker.ts";
import type { ItemCfSettings } from "#libs/models/itemcf/settings.ts";
import { collectEntries, type Entries } from "#libs/models/itemcf/weights.ts";
import { createPace } from "#libs/sparse/pace.ts";
import { createPool, sharedFloat32, sharedInt32 } from "#libs/sparse/pool.ts";

/** Item i's neighbours, best first, are [offsets[i], offsets[i + 1]). */
export interface Neighbours {
  /** [items + 1]. */
  readonly offsets: Int32Array;
  readonly items: Int32Array;
  /** Scaled so that the best neighbours of all items average 1, whatever the weighting. */
  readonly similarities: Float32Array;
}

/** Deterministic for any number of threads. Throws `invalid_argument` where `method: ease` meets too large a catalogue. */
export async function fitNeighbours(
  interactions: Interactions,
  nowSeconds: number,
  settings: ItemCfSettings,
  threads: number,
  progress: Progress,
  signal: AbortSignal,
): Promise<Neighbours> {
  if (settings.method === "ease") checkEaseSize(interactions.itemCount, settings);
  const pace = createPace(signal);
  await pace.turn();
  const entries = await collectEntries(interactions, nowSeconds, settings, pace, progress);
  const neighbourItems = sharedInt32(entries.itemCount * settings.neighbours);
  const similarities = sharedFloat32(entries.itemCount * settings.neighbours);
  const table = { neighbourItems, similarities };
  if (settings.method === "ease") await fitEase(entries, settings, table, threads, pace, progress, signal);
  else await countPairs(entries, settings, table, threads, progress, signal);
  return pack(entries.itemCount, settings.neighbours, neighbourItems, similarities);
}

async function countPairs(
  entries: Entries,
  settings: ItemCfSettings,
  { neighbourItems, similarities }: NeighbourTable,
  threads: number,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const module = new URL("./pairs-worker.ts", import.meta.url);
  const pool = createPool({ threads, module, open, input: { entries, settings, neighbourItems, similarities }, signal });
  try {
    let done = 0;
    await Promise.all(
      evenTasks(entries, settings).map(async (task) => {
        await pool.run(task);
        done += task.to - task.from;
        progress({ step: "itemcf: counting pairs", done, total: entries.itemCount, unit: "items" });
      }),
    );
  } finally {
    await pool.close();
  }
}

/** Ranges of items with about the same number of pairs, a few hundred in all. Popular items stand anywhere, so ranges differ in length. */
function evenTasks(entries: Entries, settings: ItemCfSettings): PairsTask[] {
  const { itemCount, itemOffsets } = entries;
  const most = Math.max(2000, entries.items.length / 400);
  const tasks: PairsTask[] = [];
  let from = 0;
  let load = 0;
  for (let item = 0; item < itemCount; item++) {
    load += Math.min(itemOffsets[item + 1]! - itemOffsets[item]!, settings.maxUsersPerItem);
    if (load >= most || item + 1 === itemCount) {
      tasks.push({ from, to: item + 1 });
      from = item + 1;
      load = 0;
    }
  }
  return tasks;
}

function pack(itemCount: number, k: number, neighbourItems: Int32Array, similarities: Float32Array): Neighbours {
  const offsets = new Int32Array(itemCount + 1);
  let best = 0;
  let rows = 0;
  for (let item = 0; item < itemCount; item++) {
    let count = 0;
    while (count < k && neighbourItems[item * k + count]! >= 0) count++;
    offsets[item + 1] = offsets[item]! + count;
    if (similarities[item * k]! > 0) {
      best += similarities[item * k]!;
      rows++;
    }
  }
  const scale = rows > 0 ? rows / best : 1;
  const items = new Int32Array(offsets[itemCount]!);
  const scaled = new Float32Array(items.length);
  for (let item = 0; item < itemCount; item++) {
    const count = offsets[item + 1]! - offsets[item]!;
    items.set(neighbourItems.subarray(item * k, item * k + count), offsets[item]!);
    for (let n = 0; n < count; n++) scaled[offsets[item]! + n] = similarities[item * k + n]! * scale;
  }
  return { offsets, items, similarities: scaled };
}
