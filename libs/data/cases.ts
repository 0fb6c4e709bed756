/** What is evaluated: users at an instant, what may be known of them, and what they took next. Every split makes these. */

import { createHash } from "node:crypto";
import { secondsPerDay } from "#libs/core/clock.ts";
import { invalid } from "#libs/core/errors.ts";
import { createRandom } from "#libs/core/random.ts";
import { type EventType, eventCode } from "#libs/events/event.ts";
import type { Interactions } from "./interactions.ts";
import { historyBefore, interactionsBetween, sliceBefore, type TimeWindow } from "./splits.ts";

export interface Cases {
  /** Words for reports, such as "2020-09-16" or "leave last out". */
  readonly name: string;
  /** What models may be fitted on; nothing of it is at or after `endSeconds`. */
  readonly train: Interactions;
  readonly endSeconds: number;
  /** Where the history of case c is read: all of its user's interactions before nowSeconds[c]. Often `train` itself. */
  readonly histories: Interactions;
  /** User of each case, [cases]; a user may have several. */
  readonly users: Int32Array;
  /** [cases]. */
  readonly nowSeconds: Float64Array;
  /** What the user of case c took: items [offsets[c], offsets[c + 1]), distinct. [cases + 1]. */
  readonly offsets: Int32Array;
  readonly items: Int32Array;
}

export interface CaseOptions {
  /** Events that count as taken. */
  readonly types: readonly EventType[];
  /** Users that count; null: all. */
  readonly users: ((user: number) => boolean) | null;
}

const codesOf = (types: readonly EventType[]): number[] => types.map((type) => eventCode[type]);

/** Users who took something in the window, with all that was before it. The case's instant is the window's start. */
export function windowCases(interactions: Interactions, window: TimeWindow, options: CaseOptions): Cases {
  const truth = interactionsBetween(interactions, window.from, window.to, { types: codesOf(options.types) });
  const kept = Int32Array.from(truth.users.keys()).filter((at) => options.users === null || options.users(truth.users[at]!));
  const train = sliceBefore(interactions, window.from);
  const lists = Array.from(kept, (at) => truth.items.subarray(truth.offsets[at]!, truth.offsets[at + 1]!));
  return {
    name: new Date(window.from * 1000).toISOString().slice(0, 10),
    train,
    endSeconds: window.from,
    histories: train,
    users: kept.map((at) => truth.users[at]!),
    nowSeconds: new Float64Array(kept.length).fill(window.from),
    ...packLists(lists),
  };
}

function packLists(lists: readonly ArrayLike<number>[]): { offsets: Int32Array; items: Int32Array } {
  const offsets = new Int32Array(lists.length + 1);
  lists.forEach((list, c) => {
    offsets[c + 1] = offsets[c]! + list.length;
  });
  const items = new Int32Array(offsets[lists.length]!);
  lists.forEach((list, c) => {
    items.set(list, offsets[c]);
  });
  return { offsets, items };
}

/** A copy without the positions for which `keep` is 0. */
export function selectInteractions(interactions: Interactions, keep: Uint8Array): Interactions {
  const { userCount, itemCount } = interactions;
  const offsets = new Int32Array(userCount + 1);
  const positions = new Int32Array(keep.reduce((count, bit) => count + bit, 0));
  for (let user = 0, at = 0; user < userCount; user++) {
    for (let i = interactions.offsets[user]!; i < interactions.offsets[user + 1]!; i++) if (keep[i] === 1) positions[at++] = i;
    offsets[user + 1] = at;
  }
  return {
    userCount,
    itemCount,
    offsets,
    items: positions.map((i) => interactions.items[i]!),
    times: Uint32Array.from(positions, (i) => interactions.times[i]!),
    types: Uint8Array.from(positions, (i) => interactions.types[i]!),
    values: Float32Array.from(positions, (i) => interactions.values[i]!),
  };
}

/**
 * Positions [from, end) of a user's history that are held out; from === end: the user is no case. What stands at or after `from` is never
 * fitted on, case or not: for validation it is the test part.
 */
type HeldOut = (interactions: Interactions, user: number) => { readonly from: number; readonly end: number };

/** Cuts each user's own end off: what is left of all users is what models are fitted on. */
function leaveOut(interactions: Interactions, name: string, options: CaseOptions, heldOut: HeldOut): Cases {
  const wanted = new Set(codesOf(options.types));
  const keep = new Uint8Array(interactions.items.length).fill(1);
  const users: number[] = [];
  const instants: number[] = [];
  const lists: number[][] = [];
  let end = 0;
  for (let user = 0; user < interactions.userCount; user++) {
    const held = heldOut(interactions, user);
    // What comes after the held-out part must not be learned from either.
    keep.fill(0, held.from, interactions.offsets[user + 1]!);
    if (held.from > interactions.offsets[user]!) end = Math.max(end, interactions.times[held.from - 1]! + 1);
    const taken = new Set<number>();
    for (let i = held.from; i < held.end; i++) if (wanted.has(interactions.types[i]!)) taken.add(interactions.items[i]!);
    if (taken.size === 0 || (options.users !== null && !options.users(user))) continue;
    users.push(user);
    // Never before the last event of the history: public data have many events of one second.
    instants.push(Math.max(interactions.times[held.from]!, interactions.times[held.from - 1]! + 1));
    lists.push([...taken]);
  }
  const train = selectInteractions(interactions, keep);
  return {
    name,
    train,
    endSeconds: end,
    histories: train,
    users: Int32Array.from(users),
    nowSeconds: Float64Array.from(instants),
    ...packLists(lists),
  };
}

/** The `back`-th last interaction of each user with at least two before it is the case (0: the last one, 1: the one before, for validation). */
export function leaveLastOut(interactions: Interactions, back: number, options: CaseOptions): Cases {
  return leaveOut(interactions, back === 0 ? "leave last out" : `leave out the last but ${back}`, options, ({ offsets }, user) => {
    const end = Math.max(offsets[user]!, offsets[user + 1]! - back);
    return end - 1 > offsets[user]! ? { from: end - 1, end } : { from: end, end };
  });
}

/** The last day (UTC) of each user's interactions with something before it is the case; `back`: days before that one. */
export function leaveLastBasketOut(interactions: Interactions, back: number, options: CaseOptions): Cases {
  const day = (i: number): number => Math.floor(interactions.times[i]! / secondsPerDay);
  return leaveOut(
    interactions,
    back === 0 ? "leave last basket out" : `leave out the last basket but ${back}`,
    options,
    ({ offsets }, user) => {
      const start = offsets[user]!;
      let end = offsets[user + 1]!;
      for (let skipped = 0; skipped < back && end > start; skipped++) end = startOfDay(start, end, day);
      const from = end > start ? startOfDay(start, end, day) : start;
      return from > start ? { from, end } : { from: end, end };
    },
  );
}

function startOfDay(start: number, end: number, day: (i: number) => number): number {
  let from = end - 1;
  while (from > start && day(from - 1) === day(end - 1)) from--;
  return from;
}

/**
 * A given split whose test part, from `testFrom` on, holds sequences: the last event of each is what was taken, the others are known.
 * Models are fitted on the training part only, so that no line of a test file teaches the answer of another.
 */
export function givenLastCases(interactions: Interactions, testFrom: number, options: CaseOptions): Cases {
  const wanted = new Set(codesOf(options.types));
  const users: number[] = [];
  const instants: number[] = [];
  const lists: number[][] = [];
  for (let user = 0; user < interactions.userCount; user++) {
    const last = interactions.offsets[user + 1]! - 1;
    if (last < interactions.offsets[user]! || interactions.times[last]! < testFrom || !wanted.has(interactions.types[last]!)) continue;
    if (options.users !== null && !options.users(user)) continue;
    users.push(user);
    instants.push(interactions.times[last]!);
    lists.push([interactions.items[last]!]);
  }
  if (users.length === 0) throw invalid("split", "the given test part holds nobody", "split_empty");
  return {
    name: "given split, last of each",
    train: sliceBefore(interactions, testFrom),
    endSeconds: testFrom,
    histories: interactions,
    users: Int32Array.from(users),
    nowSeconds: Float64Array.from(instants),
    ...packLists(lists),
  };
}

/** A given split: all from `testFrom` on is the test part. */
export function givenCases(interactions: Interactions, testFrom: number, options: CaseOptions): Cases {
  const cases = windowCases(interactions, { from: testFrom, to: Number.MAX_SAFE_INTEGER }, options);
  if (cases.users.length === 0) throw invalid("split", "the given test part holds nobody", "split_empty");
  return { ...cases, name: "given split" };
}

/**
 * Validation inside a training part that has no order of its own: a seeded share of each user's items is held out, of users who
 * keep at least one item. For given splits whose files are sorted by item.
 */
export function sampledCases(interactions: Interactions, share: number, seed: number, options: CaseOptions): Cases {
  const wanted = new Set(codesOf(options.types));
  const random = createRandom(seed, "held-out interactions");
  const keep = new Uint8Array(interactions.items.length).fill(1);
  const users: number[] = [];
  const lists: number[][] = [];
  let end = 0;
  for (let user = 0; user < interactions.userCount; user++) {
    const [start, stop] = [interactions.offsets[user]!, interactions.offsets[user + 1]!];
    if (stop > start) end = Math.max(end, interactions.times[stop - 1]! + 1);
    const own = new Set<number>();
    const held = new Set<number>();
    for (let i = start; i < stop; i++) {
      const item = interactions.items[i]!;
      if (own.has(item) || held.has(item)) continue;
      if (wanted.has(interactions.types[i]!) && random.next() < share) held.add(item);
      else own.add(item);
    }
    if (own.size === 0) held.clear();
    // By item, not by event: an item that is to be found must not stand among what is known.
    for (let i = start; i < stop; i++) if (held.has(interactions.items[i]!)) keep[i] = 0;
    if (held.size === 0 || (options.users !== null && !options.users(user))) continue;
    users.push(user);
    lists.push([...held]);
  }
  const train = selectInteractions(interactions, keep);
  const nowSeconds = new Float64Array(users.length).fill(end);
  return {
    name: `${share * 100} % of the training part`,
    train,
    endSeconds: end,
    histories: train,
    users: Int32Array.from(users),
    nowSeconds,
    ...packLists(lists),
  };
}

/** The cases of a seeded sample of users, at most `most` cases; all when there are fewer. */
export function sampleCases<C extends Omit<Cases, "train">>(cases: C, most: number, seed: number): C {
  if (cases.users.length <= most) return cases;
  const random = createRandom(seed, "sampled cases");
  const order = Int32Array.from(cases.users.keys());
  for (let i = 0; i < most; i++) {
    const j = i + random.below(order.length - i);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  const chosen = order.subarray(0, most).sort();
  return {
    ...cases,
    users: chosen.map((c) => cases.users[c]!),
    nowSeconds: Float64Array.from(chosen, (c) => cases.nowSeconds[c]!),
    ...packLists(Array.from(chosen, (c) => cases.items.subarray(cases.offsets[c]!, cases.offsets[c + 1]!))),
  };
}

/** What happened to the user of a case before it, as positions of `histories`. */
export function historyOf({ histories, users, nowSeconds }: Cases, c: number): { start: number; end: number } {
  return historyBefore(histories, users[c]!, nowSeconds[c]!);
}

/** Fingerprint of the sequences that figures are of, 16 hex digits: training part, histories, instants and truth. Two runs compare only with the same. */
export function casesDigest(cases: Cases): string {
  const hash = createHash("sha256");
  const add = (array: Int32Array | Uint32Array | Uint8Array | Float64Array): void => {
    hash.update(`${array.length};`);
    hash.update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  };
  for (const { offsets, items, times, types } of cases.histories === cases.train ? [cases.train] : [cases.train, cases.histories]) {
    for (const column of [offsets, items, times, types]) add(column);
  }
  for (const column of [cases.users, cases.nowSeconds, cases.offsets, cases.items]) add(column);
  return hash.digest("hex").slice(0, 16);
}
