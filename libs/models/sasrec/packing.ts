/** An epoch's training rows: windows of the histories, several short ones in a row, so that few positions are padding. */

import { createRandom, type Random, shuffle } from "#libs/core/random.ts";

/** Histories by user: user u's events are [offsets[u], offsets[u + 1]), oldest first. */
export interface Sequences {
  readonly offsets: Int32Array;
  readonly items: Int32Array;
}

/** Matrices [rows, length], row-major. */
export interface PackedRows {
  readonly rows: number;
  readonly length: number;
  /** Place in `Sequences.items` of the input; the target is the one after it. -1: padding. */
  readonly places: Int32Array;
  /** Row of the position table: the last of a window has the last, length - 1. -1: padding. */
  readonly positions: Int32Array;
  /** Column in which the position's window starts: it sees the columns from there to itself. Of padding, its own. */
  readonly starts: Int32Array;
}

/** Inputs [from, to) of one user; the target of place p is p + 1. */
interface Window {
  readonly from: number;
  readonly to: number;
}

/**
 * Windows of at most `length` inputs that cover a history of `pairs` inputs. A longer one is cut at an offset that differs every time, and half of
 * the time its end is there once more as serving reads it.
 */
function windowsOf(from: number, pairs: number, length: number, random: Random): Window[] {
  if (pairs <= length) return [{ from, to: from + pairs }];
  const windows: Window[] = [];
  for (let at = random.below(length) - length; at < pairs; at += length) {
    const window = { from: from + Math.max(0, at), to: from + Math.min(pairs, at + length) };
    if (window.to > window.from) windows.push(window);
  }
  if (random.next() < 0.5) windows.push({ from: from + pairs - length, to: from + pairs });
  return windows;
}

/** Rows of windows, each at most `length` long in all: best fit by decreasing length, ties in random order. O(windows length). */
function fill(windows: readonly Window[], length: number, random: Random): Window[][] {
  const sorted = windows
    .map((window) => ({ window, size: window.to - window.from, key: random.next() }))
    .sort((a, b) => b.size - a.size || a.key - b.key);
  const rows: Window[][] = [];
  /** Rows by the space left in them. */
  const open: Window[][][] = Array.from({ length: length + 1 }, () => []);
  for (const { window, size } of sorted) {
    let space = size;
    while (space <= length && open[space]!.length === 0) space++;
    const row = space <= length ? open[space]!.pop()! : [];
    if (space > length) rows.push(row);
    row.push(window);
    open[Math.min(space, length) - size]!.push(row);
  }
  return rows;
}

/** Rows of one epoch, the same for the same seed and epoch; users of fewer than two events teach nothing. */
export function packEpoch({ offsets }: Pick<Sequences, "offsets">, length: number, seed: number, epoch: number): PackedRows {
  const random = createRandom(seed, `sasrec epoch ${epoch}`);
  const windows: Window[] = [];
  for (let user = 0; user + 1 < offsets.length; user++) {
    const pairs = offsets[user + 1]! - offsets[user]! - 1;
    if (pairs > 0) windows.push(...windowsOf(offsets[user]!, pairs, length, random));
  }
  const rows = fill(windows, length, random);
  shuffle(rows, random);
  const shared = () => new Int32Array(new SharedArrayBuffer(rows.length * length * 4)).fill(-1);
  const packed: PackedRows = { rows: rows.length, length, places: shared(), positions: shared(), starts: shared() };
  rows.forEach((row, r) => {
    let column = 0;
    for (const { from, to } of row) {
      const start = column;
      for (let place = from; place < to; place++, column++) {
        const at = r * length + column;
        packed.places[at] = place;
        packed.positions[at] = length - (to - from) + (place - from);
        packed.starts[at] = start;
      }
    }
    for (; column < length; column++) packed.starts[r * length + column] = column;
  });
  return packed;
}

/** What a hidden position adds to a logit: e to it is 0 in 32 bits. */
const hidden = -1e9;

/** The attention's mask [rows, length, length] of rows [from, from + rows) of `starts`; rows past the last see only themselves. */
export function fillMask(
  { starts, length, rows: all }: Pick<PackedRows, "starts" | "length" | "rows">,
  from: number,
  mask: Float32Array,
): void {
  mask.fill(hidden);
  const rows = mask.length / (length * length);
  for (let r = 0; r < rows; r++) {
    for (let column = 0; column < length; column++) {
      const start = from + r < all ? starts[(from + r) * length + column]! : column;
      const at = (r * length + column) * length;
      mask.fill(0, at + start, at + column + 1);
    }
  }
}
