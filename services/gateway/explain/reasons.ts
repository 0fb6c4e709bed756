/** Why an item is in the answer: from what contributed, never invented. */

import { reciprocalRank } from "#libs/pipeline/fusion.ts";
import type { CandidateTable } from "#libs/pipeline/pipeline.ts";
import type { Reason } from "#protos/recommender.ts";
import type { GatewayQuery } from "../query.ts";

/** Most reasons of one item that sources gave. */
const reasonsMax = 3;

/** English for a reason word; `because` is the name of the item that contributed most, "" when there is none. */
const texts: Readonly<Record<string, (because: string) => string>> = {
  bought_together: (because) => (because ? `often bought with ${because}` : "often bought with what you bought"),
  repurchase: () => "you bought this before",
  viewed_next: (because) => (because ? `often looked at after ${because}` : "often looked at next"),
  same_session: (because) => (because ? `looked at together with ${because}` : "looked at in visits like this one"),
  same_product: (because) => (because ? `another version of ${because}` : "another version of something you know"),
  popular_week: () => "popular this week",
  popular: () => "popular in this shop",
  popular_segment: () => "popular with your age",
  popular_category: () => "popular in a category that you buy",
  popular_static: () => "popular in this shop",
  popular_product: () => "a new version of something popular",
  unsold: () => "not bought by anybody yet",
  trending: () => "selling faster than last week",
  similar_content: (because) => (because ? `similar to ${because}` : "similar to what you looked at"),
  liked_by_similar: (because) => (because ? `liked by people who like ${because}` : "liked by people with your taste"),
};

function reasonText(word: string, source: string, because: string): string {
  return texts[word]?.(because) ?? `suggested by ${source}`;
}

/** Reasons of the candidate at a position, strongest first by the weighted reciprocal rank that its source gave it. */
export function explainCandidate(query: GatewayQuery, candidates: CandidateTable, position: number): Reason[] {
  const { catalog, part } = query.release;
  const reasons: { strength: number; reason: Reason }[] = [];
  for (const { source, ranks, reasons: words, reasonWords, because } of candidates.sources) {
    const rank = ranks[position]!;
    if (rank === 0) continue;
    const kind = reasonWords[words[position]!] ?? source;
    const becauseItemId = because[position] ?? "";
    const item = catalog.indexOf.get(becauseItemId);
    const name = item === undefined ? "" : catalog.names[item]!;
    const strength = (part.fusion[source] ?? 1) * reciprocalRank(rank);
    reasons.push({ strength, reason: { kind, source, becauseItemId, text: reasonText(kind, source, name), rule: "" } });
  }
  return reasons
    .sort((a, b) => b.strength - a.strength || (a.reason.source < b.reason.source ? -1 : 1))
    .slice(0, reasonsMax)
    .map(({ reason }) => reason);
}
