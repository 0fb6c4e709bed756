/** The rank stage: as many candidates as time allows are scored, the best by fusion first; the others follow in the order of fusion. */

import { assert } from "#libs/core/errors.ts";
import { selectCandidates } from "./merge.ts";
import { orderByScore } from "./order.ts";
import type { CandidateTable, Pipeline, RunContext } from "./pipeline.ts";
import { failureOf, within } from "./within.ts";

export interface RankedTable<Note> {
  /** Aligned with the whole table. */
  readonly scores: Float64Array;
  readonly ranked: boolean;
  readonly rankedCount: number;
  readonly note: Note | null;
  /** What is missing: "shortened", or why the scorer gave nothing; null when nothing is. */
  readonly degraded: string | null;
}

export interface RankWork {
  readonly table: CandidateTable;
  /** Items that the page needs. */
  readonly limit: number;
  /** Whether the scorer is to be asked. */
  readonly asked: boolean;
  readonly budgetMs: number;
}

/** Candidates that are ranked however short the time, for each item of the page: caps and rules pass some over. */
const leastPerItem = 2;

/** Smallest width of the scores' range, as a share of the largest of them: steps between thousands of candidates stay far above rounding. */
const widthLeast = 1e-9;

/** A score that is to sink: not finite, or as low as a number goes. */
const sinks = (score: number): boolean => !(score > -Number.MAX_VALUE && score < Number.POSITIVE_INFINITY);

/**
 * Scores of the whole table: those of the ranked positions as they are, below them the others in the order given, in equal steps over a range as wide
 * as that of the ranked ones, so that the scale on which boosts act stays. What sinks stays below all. Scores may be as large as 1e300.
 */
export function placeBelow(scores: Float64Array, ranked: Int32Array, others: Int32Array): Float64Array {
  const all = new Float64Array(ranked.length + others.length);
  const standing = scores.filter((score) => !sinks(score));
  const high = standing.reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY);
  const low = standing.reduce((least, score) => Math.min(least, score), Number.POSITIVE_INFINITY);
  const [from, width] =
    standing.length === 0 ? [0, 1] : [low, Math.max(high - low, widthLeast * Math.max(1, Math.abs(high), Math.abs(low)))];
  ranked.forEach((position, i) => {
    all[position] = scores[i]!;
  });
  others.forEach((position, place) => {
    all[position] = from - (width * (place + 1)) / others.length;
  });
  return all;
}

/** Throws only when the caller left or an invariant of ours broke. */
export async function rankCandidates<Query, Note>(
  pipeline: Pipeline<Query, Note>,
  query: Query,
  { table, limit, asked, budgetMs }: RankWork,
  context: Pick<RunContext, "signal" | "nowMs">,
): Promise<RankedTable<Note>> {
  const { scorer, pace } = pipeline;
  const found = table.items.length;
  const fused = scorer.fallback(query, table);
  const unasked = { scores: fused, rankedCount: 0, note: null };
  if (!asked || found === 0 || !scorer.applies(query)) return { ...unasked, ranked: true, degraded: null };
  if (budgetMs <= 0) return { ...unasked, ranked: false, degraded: "deadline_exceeded" };
  const count = Math.min(found, Math.max(leastPerItem * limit, pace.fits(budgetMs)));
  const byFusion = count < found ? orderByScore(fused) : new Int32Array(0);
  // In the order of the table, which decides ties.
  const chosen = byFusion.slice(0, count).sort();
  const best = count < found ? selectCandidates(table, chosen) : table;
  const started = context.nowMs();
  try {
    const { scores, note } = await within(budgetMs, context.signal, (given) => scorer.score(query, best, given));
    assert(scores.length === count, `${scorer.name} gave ${scores.length} scores for ${count} candidates`);
    pace.ranked(count, context.nowMs() - started);
    if (count === found) return { scores, ranked: true, rankedCount: count, note, degraded: null };
    const all = placeBelow(scores, chosen, byFusion.subarray(count));
    return { scores: all, ranked: true, rankedCount: count, note, degraded: "shortened" };
  } catch (cause) {
    const { outcome, reason } = failureOf(cause, context.signal);
    if (outcome === "late") pace.gaveUp(count, context.nowMs() - started);
    return { ...unasked, ranked: false, degraded: reason };
  }
}
