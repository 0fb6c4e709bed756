/** States of users from their events: what scores items, in validation, evaluation and serving alike. */

import type { Session } from "#libs/graph/executors/executor.ts";
import { gapBucket } from "#libs/models/sasrec/inputs.ts";
import { fillMask } from "#libs/models/sasrec/packing.ts";
import { throwIfAborted } from "#libs/sparse/pace.ts";

/** What rows of events are made of; every matrix has width d. */
export interface RowTables {
  readonly d: number;
  /** Latest events that are read. */
  readonly length: number;
  /** [items + 1, d]; the last is the unknown item. */
  readonly items: Float32Array;
  /** [length, d], the last for the latest event. */
  readonly positions: Float32Array;
  /** By event code and by bucket; null: no input. */
  readonly types: Float32Array | null;
  readonly gaps: Float32Array | null;
  /** State of whom nothing is known, [d]. */
  readonly nobody: Float32Array;
}

/** A user's events, oldest first; item -1: unknown. */
export interface EventHistory {
  readonly items: ArrayLike<number>;
  readonly times: ArrayLike<number>;
  readonly types: ArrayLike<number>;
}

function addRow(to: Float32Array, at: number, table: Float32Array, row: number, d: number): void {
  for (let c = 0; c < d; c++) to[at + c]! += table[row * d + c]!;
}

/** Writes the rows of the latest events into `out` at position `start`, as many as fit before `end`; answers where they begin. */
function writeRows(tables: RowTables, history: EventHistory, out: Float32Array, start: number, end: number): number {
  const { d, length, items, positions, types, gaps } = tables;
  const unknown = items.length / d - 1;
  const count = Math.min(history.items.length, end - start);
  const first = history.items.length - count;
  for (let i = 0; i < count; i++) {
    const at = (end - count + i) * d;
    const event = first + i;
    const item = history.items[event]!;
    addRow(out, at, items, item < 0 || item > unknown ? unknown : item, d);
    addRow(out, at, positions, length - count + i, d);
    if (types) addRow(out, at, types, history.types[event]!, d);
    if (gaps) addRow(out, at, gaps, event === 0 ? 0 : gapBucket(history.times[event]! - history.times[event - 1]!), d);
  }
  return end - count;
}

/** Sizes of batches by the longest history in them: padding all to the longest would double the time of typical data. */
const buckets = [0.25, 0.5, 1] as const;
const batchUsers = 64;

/**
 * States [users, d]: what the network makes of each history's latest events; `nobody` without any. The inner product with an
 * item's vector is its score. `history(u)` answers user u's events. Throws `cancelled`.
 */
export async function encodeUsers(
  session: Session,
  weights: Readonly<Record<string, Float32Array>>,
  tables: RowTables,
  users: number,
  history: (user: number) => EventHistory,
  signal: AbortSignal,
): Promise<Float32Array> {
  const { d } = tables;
  const states = new Float32Array(users * d);
  const lengths = buckets.map((share) => Math.max(1, Math.ceil(tables.length * share)));
  const groups: number[][] = lengths.map(() => []);
  for (let user = 0; user < users; user++) {
    const count = Math.min(history(user).items.length, tables.length);
    if (count === 0) states.set(tables.nobody, user * d);
    else groups[lengths.findIndex((length) => count <= length)]!.push(user);
  }
  for (const [g, group] of groups.entries()) {
    const length = lengths[g]!;
    for (let from = 0; from < group.length; from += batchUsers) {
      throwIfAborted(signal);
      const batch = Math.min(batchUsers, group.length - from);
      const rows = new Float32Array(batch * length * d);
      const starts = new Int32Array(batch * length);
      for (let b = 0; b < batch; b++) {
        const start = writeRows(tables, history(group[from + b]!), rows, b * length, (b + 1) * length) - b * length;
        // Padding sees itself only, so that no softmax is over nothing.
        for (let column = 0; column < length; column++) starts[b * length + column] = Math.min(column, start);
      }
      const mask = new Float32Array(batch * length * length);
      fillMask({ starts, length, rows: batch }, 0, mask);
      const { states: all } = await session.run({ ...weights, rows, mask }, { batch, length });
      for (let b = 0; b < batch; b++) {
        const last = ((b + 1) * length - 1) * d;
        states.set(all!.subarray(last, last + d), group[from + b]! * d);
      }
    }
  }
  return states;
}
