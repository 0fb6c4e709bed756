/** Pins of the rule file: which of them have a place in a list, and how the list closes around them. Pure. */

import type { ActivePin } from "../rules/active-rules.ts";

export interface PlacedPin extends ActivePin {
  /** Position in the candidate table. */
  readonly candidate: number;
  /** Place in the list from 0. */
  readonly place: number;
}

/**
 * Gives each pin its place, in the order of the file: the one wanted, or the next free one after it when an earlier pin has that. A pin is
 * passed over when its item is no candidate (filters have spoken), when an earlier pin has the item, or when no place is left in the list;
 * its item then stands where it would without the pin.
 */
export function placePins(pins: readonly ActivePin[], items: Int32Array, limit: number): PlacedPin[] {
  const wanted = new Set(pins.map(({ item }) => item));
  const candidates = new Map<number, number>();
  if (wanted.size > 0) items.forEach((item, position) => void (wanted.has(item) && candidates.set(item, position)));
  const taken = new Set<number>();
  return pins.flatMap((pin) => {
    const candidate = candidates.get(pin.item);
    let place = pin.position - 1;
    while (taken.has(place)) place++;
    if (candidate === undefined || place >= limit) return [];
    candidates.delete(pin.item);
    taken.add(place);
    return [{ ...pin, candidate, place }];
  });
}

/**
 * The list with the pins at their places; what stood there moves down. Where `list` ends before a pin's place, the pins follow its end in
 * the order of their places. `list` holds none of them, and has room for them.
 */
export function insertPins(list: Int32Array, placed: readonly PlacedPin[]): Int32Array {
  const whole = new Int32Array(list.length + placed.length);
  let next = 0;
  let at = 0;
  for (const { place, candidate } of [...placed].sort((a, b) => a.place - b.place)) {
    while (at < place && next < list.length) whole[at++] = list[next++]!;
    whole[at++] = candidate;
  }
  whole.set(list.subarray(next), at);
  return whole;
}
