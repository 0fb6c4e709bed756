/** Early stopping: the last event of some users is held out of the training, and the step that ranks it best is kept. */

import { createRandom } from "#libs/core/random.ts";
import type { EventSequences } from "#libs/models/sasrec/inputs.ts";

export interface HeldOut {
  /** Without the held-out events. */
  readonly training: EventSequences;
  /** Users of whom one is held out, and their items, [held]. */
  readonly users: Int32Array;
  readonly items: Int32Array;
}

/** Events that a user has at least, for one to be held out: two are left to learn from. */
const eventsMin = 3;

/** Holds out the last event, where it is of a target type, of up to `most` users, the same under a seed. */
export function holdOutLast(sequences: EventSequences, targetTypes: Uint8Array, most: number, seed: number): HeldOut {
  const { offsets, types } = sequences;
  const random = createRandom(seed, "sasrec validation");
  const able: number[] = [];
  for (let user = 0; user + 1 < offsets.length; user++) {
    const end = offsets[user + 1]!;
    if (end - offsets[user]! >= eventsMin && targetTypes[types[end - 1]!] === 1) able.push(user);
  }
  const share = most / Math.max(1, able.length);
  const chosen = Int32Array.from(able.filter(() => share >= 1 || random.next() < share));
  const items = chosen.map((user) => sequences.items[offsets[user + 1]! - 1]!);
  return { training: withoutLast(sequences, chosen), users: chosen, items };
}

function withoutLast(sequences: EventSequences, users: Int32Array): EventSequences {
  const { offsets } = sequences;
  const keep = new Uint8Array(sequences.items.length).fill(1);
  for (const user of users) keep[offsets[user + 1]! - 1] = 0;
  const left = new Int32Array(offsets.length);
  const positions = new Int32Array(sequences.items.length - users.length);
  let at = 0;
  for (let user = 0; user + 1 < offsets.length; user++) {
    for (let i = offsets[user]!; i < offsets[user + 1]!; i++) if (keep[i] === 1) positions[at++] = i;
    left[user + 1] = at;
  }
  return {
    ...sequences,
    offsets: left,
    items: positions.map((i) => sequences.items[i]!),
    times: Float64Array.from(positions, (i) => sequences.times[i]!),
    types: Uint8Array.from(positions, (i) => sequences.types[i]!),
  };
}
