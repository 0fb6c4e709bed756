/** SASRec's states of the histories asked for lately: a user who asks again without a new event has the same one. */

import { createHash } from "node:crypto";
import type { EventHistory } from "#libs/models/sasrec/encoder.ts";
import type { SequenceStates } from "#libs/serve/ranker.ts";

/** At 64 dimensions 1.3 MB. */
const cachedMost = 5000;

/** By what the state is made of, not by the profile's version: events of the running session count too. */
function keyOf({ items, times, types }: EventHistory): string {
  const hash = createHash("sha1");
  for (const column of [items, times, types]) hash.update(Float64Array.from(column));
  return hash.digest("base64");
}

/**
 * Answers a single history's state from the latest `most`, least recently used first to go; several at once are always worked out. A state is shared
 * by its callers, who must not write into it. A failure is not kept.
 */
export function cacheStates(sequence: SequenceStates, most = cachedMost): SequenceStates {
  const states = new Map<string, Promise<Float32Array>>();
  return {
    tables: sequence.tables,
    states: (histories, signal) => {
      const [history, ...others] = histories;
      if (history === undefined || others.length > 0) return sequence.states(histories, signal);
      const key = keyOf(history);
      // The signal is one caller's; the state is for all who ask.
      const state = states.get(key) ?? sequence.states([history]).then((values) => values.slice());
      states.delete(key);
      states.set(key, state);
      state.catch(() => states.delete(key));
      if (states.size > most) states.delete(states.keys().next().value!);
      return state;
    },
  };
}
