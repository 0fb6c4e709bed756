/**
 * What comes next in a running session: votes of similar sessions, and sequential rules.
 * - Sessions: VSKNN (Ludewig and Jannach, UMUAI 28, 2018) and STAN (Garg et al., SIGIR 2019). A past session n has the similarity
 *   sum over the running session's items i in n of place(i) ln(1 + N / n[i])^rarity, times 2^(-age / half-life), over length^lengthExponent; the best
 *   `sessionNeighbours` vote, each for its items by their distance from the latest matched one. Place and distance fall as STAN's exponentials
 *   or as VSKNN's lines: (position / length) and (1 - distance / scale).
 * - Rules: SR of the same authors: j that followed i by d places counts 1 / d, over the sessions of i.
 * The score is sessions / their best + ruleShare rules / their best, over (sessions of the item)^popularityExponent, times what the
 * running session's own items get; scaled so that the best is 1.
 */

import { type Ballot, createBallot } from "#libs/models/itemcf/ballot.ts";
import { rankingFor } from "#libs/models/itemcf/ranking.ts";
import type { SessionIndex } from "#libs/models/session/session-index.ts";
import type { SessionSettings } from "#libs/models/session/settings.ts";
import { createTopCollector, type TopCollector } from "#libs/sparse/top-k.ts";

export const sessionReasons = ["viewed_next", "same_session"] as const;
/** An item that neighbours have after the match follows it there; one that stood before only shares a session. */
const reasonCode = { next: 0, same: 1 } as const;

/** An index with what a request needs: 42 bytes an item and 13 a session more, for one synchronous request at a time. */
export interface SessionModel {
  readonly index: SessionIndex;
  readonly settings: SessionSettings;
  /** Weight of a match, [items]. */
  readonly rarity: Float32Array;
  /** Factor of a score, [items]. */
  readonly damping: Float32Array;
  /** Factor of a session's similarity: age and length, [sessions]. */
  readonly sessionFactors: Float32Array;
  readonly similarities: Float32Array;
  /** Place of the latest match, [sessions]. */
  readonly matchPlaces: Uint8Array;
  readonly matched: Int32Array;
  readonly collector: TopCollector;
  /** Weight of a vote at d places from the match, at [d - 1], [255]. */
  readonly byDistance: Float64Array;
  readonly sessionBallot: Ballot;
  readonly ruleBallot: Ballot;
}

/** Columns of equal length in no order; scores above 0 and at most 1. */
export interface SessionVotes {
  readonly items: Int32Array;
  readonly scores: Float32Array;
  /** Index into `sessionReasons`. */
  readonly reasons: Uint8Array;
  /** The item of the running session that contributed most. */
  readonly because: Int32Array;
}

export function createSessionModel(index: SessionIndex, settings: SessionSettings): SessionModel {
  const { offsets, ages, sessionCounts } = index;
  const sessions = ages.length;
  const halfLife = settings.sessionHalfLifeDays;
  return {
    index,
    settings,
    rarity: Float32Array.from(sessionCounts, (count) => Math.log(1 + sessions / (count + 1)) ** settings.sessionRarity),
    damping: Float32Array.from(sessionCounts, (count) => (count + 1) ** -settings.sessionPopularityExponent),
    sessionFactors: ages.map(
      (age, s) => (halfLife > 0 ? 2 ** (-age / halfLife) : 1) / (offsets[s + 1]! - offsets[s]!) ** settings.sessionLengthExponent,
    ),
    similarities: new Float32Array(sessions),
    matchPlaces: new Uint8Array(sessions),
    matched: new Int32Array(sessions),
    collector: createTopCollector(Math.min(settings.sessionNeighbours, sessions)),
    byDistance: distanceWeights(settings),
    sessionBallot: createBallot(sessionCounts.length),
    ruleBallot: createBallot(sessionCounts.length),
  };
}

/** `current`: the running session's items, the latest last. O(recent items * postings + neighbours * session length). */
export function predictNext(model: SessionModel, current: Int32Array): SessionVotes {
  const { settings, sessionBallot, ruleBallot } = model;
  const recent = current.subarray(Math.max(0, current.length - settings.sessionRecentItems));
  voteByNeighbours(model, recent);
  if (settings.ruleShare > 0) voteByRules(model, recent);
  const ruleScale = settings.ruleShare / (ruleBallot.largest() || 1);
  const sessionScale = 1 / (sessionBallot.largest() || 1);
  for (const item of ruleBallot.voted()) {
    sessionBallot.add(item, (ruleBallot.sum(item) * ruleScale) / sessionScale, ruleBallot.reason(item), ruleBallot.because(item));
  }
  const votes = collectVotes(model, current, sessionScale);
  sessionBallot.clear();
  ruleBallot.clear();
  return votes;
}

/** Plain loops: thousands of items in a request. */
function collectVotes({ settings, sessionBallot, damping }: SessionModel, current: Int32Array, scale: number): SessionVotes {
  const items = sessionBallot.voted().slice();
  const votes = {
    items,
    scores: new Float32Array(items.length),
    reasons: new Uint8Array(items.length),
    because: new Int32Array(items.length),
  };
  const own = new Set(current);
  const last = current[current.length - 1];
  let best = 0;
  for (let v = 0; v < items.length; v++) {
    const item = items[v]!;
    let score = sessionBallot.sum(item) * scale * damping[item]!;
    if (own.has(item)) score *= settings.sessionOwnFactor * (item === last ? settings.sessionLastFactor : 1);
    votes.scores[v] = score;
    votes.reasons[v] = sessionBallot.reason(item);
    votes.because[v] = sessionBallot.because(item);
    if (score > best) best = score;
  }
  if (best > 0) for (let v = 0; v < items.length; v++) votes.scores[v]! /= best;
  return votes;
}

/** Fills `similarities`, `matchPlaces` and `matched`; answers how many sessions share an item. */
function matchSessions(model: SessionModel, recent: Int32Array): number {
  const { index, settings, rarity, similarities, matchPlaces, matched } = model;
  const { postingOffsets, postingSessions, postingPlaces } = index;
  const linear = settings.sessionDecay === "linear";
  const seen = new Set<number>();
  let count = 0;
  for (let at = recent.length - 1; at >= 0; at--) {
    const item = recent[at]!;
    if (seen.has(item)) continue;
    seen.add(item);
    const back = recent.length - 1 - at;
    const weight = rarity[item]! * (linear ? (at + 1) / recent.length : Math.exp(-back / settings.sessionPositionScale));
    for (let p = postingOffsets[item]!; p < postingOffsets[item + 1]!; p++) {
      const session = postingSessions[p]!;
      if (similarities[session] === 0) {
        matched[count++] = session;
        matchPlaces[session] = postingPlaces[p]!;
      }
      similarities[session]! += weight;
    }
  }
  return count;
}

function voteByNeighbours(model: SessionModel, recent: Int32Array): void {
  const { index, settings, sessionFactors, similarities, matchPlaces, matched, collector, byDistance, sessionBallot } = model;
  const { offsets, items } = index;
  const count = matchSessions(model, recent);
  const ranking = rankingFor(collector, similarities.length, count, settings.sessionNeighbours);
  for (let m = 0; m < count; m++) {
    const session = matched[m]!;
    const similarity = similarities[session]! * sessionFactors[session]!;
    similarities[session] = 0;
    if (similarity > 0 && similarity >= ranking.threshold()) ranking.offer(session, similarity);
  }
  const neighbours = ranking.take();
  for (let n = 0; n < neighbours.positions.length; n++) {
    const session = neighbours.positions[n]!;
    const similarity = neighbours.scores[n]!;
    const match = offsets[session]! + matchPlaces[session]!;
    const because = items[match]!;
    for (let e = offsets[session]!; e < offsets[session + 1]!; e++) {
      const distance = e - match;
      const weight =
        distance > 0
          ? byDistance[distance - 1]!
          : distance < 0
            ? byDistance[-distance - 1]! * settings.sessionEarlierFactor
            : settings.sessionMatchFactor;
      if (weight > 0) sessionBallot.add(items[e]!, similarity * weight, distance > 0 ? reasonCode.next : reasonCode.same, because);
    }
  }
}

function distanceWeights({ sessionDecay, sessionDistanceScale: scale }: SessionSettings): Float64Array {
  return Float64Array.from({ length: 255 }, (_, beyond) =>
    sessionDecay === "linear" ? Math.max(0, 1 - (beyond + 1) / scale) : Math.exp(-beyond / scale),
  );
}

function voteByRules(model: SessionModel, recent: Int32Array): void {
  const { index, settings, ruleBallot } = model;
  const { offsets, items, postingOffsets, postingSessions, postingPlaces } = index;
  for (let back = 0; back < Math.min(recent.length, settings.ruleItems); back++) {
    const item = recent[recent.length - 1 - back]!;
    const from = postingOffsets[item]!;
    const to = postingOffsets[item + 1]!;
    const share = 0.5 ** back / (to - from);
    for (let p = from; p < to; p++) {
      const session = postingSessions[p]!;
      const place = offsets[session]! + postingPlaces[p]!;
      for (let e = place + 1; e < offsets[session + 1]!; e++) ruleBallot.add(items[e]!, share / (e - place), reasonCode.next, item);
      if (settings.ruleEarlierFactor === 0) continue;
      for (let e = place - 1; e >= offsets[session]!; e--) {
        ruleBallot.add(items[e]!, (settings.ruleEarlierFactor * share) / (place - e), reasonCode.same, item);
      }
    }
  }
}
