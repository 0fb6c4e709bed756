/**
 * A request's candidates: its recent items vote for their neighbours, for themselves (again) and for their product's other items; its running
 * session, where there is one, for what comes next. The best session score counts `sessionVote` times the best sum of the other votes (or
 * `sessionVote` where there is none), the others in proportion.
 */

import { secondsPerDay } from "#libs/core/clock.ts";
import { eventCode } from "#libs/events/event.ts";
import type { Ballot } from "#libs/models/itemcf/ballot.ts";
import type { Neighbours } from "#libs/models/itemcf/fit.ts";
import type { ItemCfSettings } from "#libs/models/itemcf/settings.ts";
import { type AllowedRows, type CandidateColumns, decay, recentItems, type SubjectEvents, seedItems } from "#libs/models/query.ts";
import { predictNext, type SessionModel, sessionReasons } from "#libs/models/session/predict.ts";
import { runningSession } from "#libs/models/session/running-session.ts";
import { weightsByCode } from "#libs/models/settings.ts";

export const itemCfReasons = ["bought_together", "repurchase", "same_product", ...sessionReasons] as const;
const reasonCode = { together: 0, repurchase: 1, sameProduct: 2, session: 3 } as const;

export interface ItemCfArtifact {
  readonly settings: ItemCfSettings;
  readonly neighbours: Neighbours;
  /** Items of a product group, best sellers first; group g is [offsets[g], offsets[g + 1]). */
  readonly groups: { readonly ofItem: Int32Array; readonly offsets: Int32Array; readonly items: Int32Array };
  /** Decayed sales, [items]. */
  readonly sales: Float32Array;
  /** null where none were learned. */
  readonly sessions: SessionModel | null;
  /** Scratch of one synchronous request. */
  readonly ballot: Ballot;
}

export interface ItemCfQuery extends SubjectEvents {
  readonly limit: number;
  readonly seeds: Int32Array;
  readonly allowed: AllowedRows | null;
}

/** Groups with their items by sales; items without a group are alone. O(items log items). */
export function groupItems(codes: Int32Array, groupCount: number, sales: Float32Array): ItemCfArtifact["groups"] {
  const order = Int32Array.from(codes.keys())
    .filter((item) => codes[item]! >= 0)
    .sort((a, b) => codes[a]! - codes[b]! || sales[b]! - sales[a]! || a - b);
  const offsets = new Int32Array(groupCount + 1);
  for (const item of order) offsets[codes[item]! + 1]!++;
  for (let group = 0; group < groupCount; group++) offsets[group + 1]! += offsets[group]!;
  return { ofItem: codes, offsets, items: order };
}

/** O(historyItems * neighbours), and a session's lookups (predict.ts) while it runs: well below a millisecond. A request whose items are all unknown or alone gets an empty list. */
export function vote(artifact: ItemCfArtifact, query: ItemCfQuery): CandidateColumns {
  const { settings, ballot } = artifact;
  const bySeeds = query.seeds.length > 0;
  const recent = bySeeds ? seedItems(query.seeds) : recentItems(query, weightsByCode(settings), settings);
  let weight = 1;
  for (let r = 0; r < recent.items.length; r++) {
    const item = recent.items[r]!;
    voteForNeighbours(artifact, item, weight * recent.weights[r]!);
    voteForGroup(artifact, item, weight * recent.weights[r]!);
    if (!bySeeds) weight *= settings.rankDecay;
  }
  for (const item of recent.disliked) voteForNeighbours(artifact, item, settings.dislikeVote);
  const own = bySeeds ? new Map<number, number>() : voteForRepurchase(artifact, query);
  if (!bySeeds) voteForSession(artifact, query);
  const best = ballot.best(query.limit, new Set([...recent.disliked, ...query.seeds]), query.allowed);
  // What the user has bought is bought again, whoever else votes for it.
  return {
    ...best,
    reasons: best.reasons.map((reason, c) => (own.has(best.items[c]!) ? reasonCode.repurchase : reason)),
    because: best.because.map((because, c) => (own.has(best.items[c]!) ? best.items[c]! : because)),
  };
}

function voteForNeighbours({ neighbours, ballot }: ItemCfArtifact, item: number, weight: number): void {
  const { offsets, items, similarities } = neighbours;
  for (let n = offsets[item]!; n < offsets[item + 1]!; n++) ballot.add(items[n]!, weight * similarities[n]!, reasonCode.together, item);
}

/** The group's best seller gets the full vote, others by their share of its sales, with a tenth for those that do not sell. */
function voteForGroup({ groups, sales, settings, ballot }: ItemCfArtifact, item: number, weight: number): void {
  const group = groups.ofItem[item]!;
  if (group < 0 || settings.sameProductSimilarity === 0) return;
  const from = groups.offsets[group]!;
  const best = sales[groups.items[from]!]!;
  let named = 0;
  for (let at = from; at < groups.offsets[group + 1]! && named < settings.sameProductItems; at++) {
    const other = groups.items[at]!;
    if (other === item) continue;
    const share = best > 0 ? 0.1 + 0.9 * (sales[other]! / best) : 0.1;
    ballot.add(other, weight * settings.sameProductSimilarity * share, reasonCode.sameProduct, item);
    named++;
  }
}

/** Each purchase votes for its own item, by age alone, so that bought twice counts twice. Answers the items bought. */
function voteForRepurchase({ settings, ballot }: ItemCfArtifact, query: ItemCfQuery): Map<number, number> {
  const sums = new Map<number, number>();
  if (settings.repurchaseSimilarity === 0) return sums;
  for (let e = query.items.length - 1; e >= 0; e--) {
    if (query.types[e] !== eventCode.purchase) continue;
    const item = query.items[e]!;
    if (!sums.has(item) && sums.size === settings.historyItems) break;
    const age = (query.nowSeconds - query.times[e]!) / secondsPerDay;
    sums.set(item, (sums.get(item) ?? 0) + settings.purchaseWeight * decay(age, settings.repurchaseHalfLifeDays));
  }
  for (const [item, sum] of sums) ballot.add(item, settings.repurchaseSimilarity * sum, reasonCode.repurchase, item);
  return sums;
}

function voteForSession({ settings, sessions, ballot }: ItemCfArtifact, query: ItemCfQuery): void {
  if (sessions === null || settings.sessionVote === 0) return;
  const { items, scores, reasons, because } = predictNext(sessions, runningSession(query, weightsByCode(settings), settings));
  const scale = settings.sessionVote * (ballot.largest() || 1);
  for (let c = 0; c < items.length; c++) ballot.add(items[c]!, scale * scores[c]!, reasonCode.session + reasons[c]!, because[c]!);
}
