/** What a history is to the network: one row for each event, and what is known of its items. */

import type { AttributeColumn } from "#libs/catalog/catalog.ts";
import type { Random } from "#libs/core/random.ts";
import { createTable, fillNormal, type Table } from "#libs/models/neural/weights.ts";
import type { SasrecSettings } from "#libs/models/sasrec/settings.ts";
import type { Arena, Block, SparseKernels } from "#libs/sparse/wasm.ts";

/** Events by user, oldest first; user u's are [offsets[u], offsets[u + 1]). */
export interface EventSequences {
  readonly itemCount: number;
  readonly offsets: Int32Array;
  readonly items: Int32Array;
  /** Seconds since 1970. */
  readonly times: ArrayLike<number>;
  /** `eventCode` of libs/events. */
  readonly types: Uint8Array;
  /** For `attributes: "all"`. */
  readonly columns: readonly AttributeColumn[];
}

/** Rows of the table of gaps: 0 for the first event, then doubling minutes up to 2^30, some two thousand years. */
export const gapBuckets = 32;
/** Rows of the table of types: one more than the largest code of libs/events. */
export const typeCodes = 7;

/** Bucket of the time between two events, in seconds. */
export function gapBucket(seconds: number): number {
  return 1 + Math.min(gapBuckets - 2, Math.floor(Math.log2(1 + Math.max(0, seconds) / 60)));
}

/** What is added to the vector of an event's item. */
export interface ContextTables {
  /** [length, d]; the last row is that of the latest event. */
  readonly positions: Table;
  readonly types: Table | null;
  readonly gaps: Table | null;
}

export function createContext(arena: Arena, { length, dimensions: d, eventTypes, timeGaps }: SasrecSettings): ContextTables {
  return {
    positions: createTable(arena, length, d),
    types: eventTypes === "input" ? createTable(arena, typeCodes, d) : null,
    gaps: timeGaps === "input" ? createTable(arena, gapBuckets, d) : null,
  };
}

export const contextTables = (context: ContextTables): [string, Table][] =>
  Object.entries(context).filter((entry): entry is [string, Table] => entry[1] !== null);

export function initializeContext(context: ContextTables, deviation: number, random: Random): void {
  for (const [, { weights }] of contextTables(context)) fillNormal(weights.values, deviation, random);
}

/** Row numbers of what a batch's positions add, [positions] each; -1: nothing. */
export interface ContextRows {
  readonly positions: Block<Int32Array>;
  readonly types: Block<Int32Array>;
  readonly gaps: Block<Int32Array>;
}

export const createContextRows = (arena: Arena, count: number): ContextRows => ({
  positions: arena.int32(count),
  types: arena.int32(count),
  gaps: arena.int32(count),
});

/** Adds the rows of all tables to `out` [count, d]. */
export function addContext(
  kernels: SparseKernels,
  context: ContextTables,
  rows: ContextRows,
  count: number,
  out: Block<Float32Array>,
): void {
  for (const [name, { weights, d }] of contextTables(context))
    kernels.gatherSum(weights.at, rows[name as keyof ContextRows].at, count, d, out.at, 1);
}

/** Adds the gradient [count, d] of the rows to the tables'. */
export function spreadContext(
  kernels: SparseKernels,
  context: ContextTables,
  rows: ContextRows,
  count: number,
  gradient: Block<Float32Array>,
): void {
  for (const [name, table] of contextTables(context)) {
    kernels.scatterSum(gradient.at, rows[name as keyof ContextRows].at, count, table.d, table.gradient.at);
  }
}

/** Type and gap of the event at `place`, whose user's history starts at `first`. */
export function describeEvent(
  { times, types }: Pick<EventSequences, "times" | "types">,
  place: number,
  first: number,
): { type: number; gap: number } {
  return { type: types[place]!, gap: place === first ? 0 : gapBucket(times[place]! - times[place - 1]!) };
}
