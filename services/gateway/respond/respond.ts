/** Turns a pipeline's result into the answer, with its coverage and grade. */

import type { PipelineResult } from "#libs/pipeline/pipeline.ts";
import { Grade, type RecommendedItem, type RecommendResponse, UserKnowledge } from "#protos/recommender.ts";
import { catalogItem } from "../catalog-item.ts";
import { type Explained, type ItemContributions, unexplained } from "../explain/contributions.ts";
import { explainCandidate } from "../explain/reasons.ts";
import { explainRules, type RuleReasons } from "../explain/rules.ts";
import type { GatewayQuery, Knowledge } from "../query.ts";
import type { RankingNote } from "../rank/ranking.ts";

const knowledgeToProto: Readonly<Record<Knowledge, UserKnowledge>> = {
  known: UserKnowledge.USER_KNOWLEDGE_KNOWN,
  unknown: UserKnowledge.USER_KNOWLEDGE_UNKNOWN,
  session: UserKnowledge.USER_KNOWLEDGE_SESSION,
  unavailable: UserKnowledge.USER_KNOWLEDGE_UNAVAILABLE,
};

/** What the pipeline of this gateway answers. */
export type ServedResult = PipelineResult<GatewayQuery, RankingNote>;

/** The worst rung of the ladder that applies. */
export function gradeOf(result: ServedResult): Grade {
  const missing = result.sources.some(({ outcome }) => outcome === "late" || outcome === "failed");
  // With every source answering, the last resort only fills what a filter or an item without neighbours left empty.
  if (result.lastResort && missing) return Grade.GRADE_STATIC;
  if (result.query.knowledge === "unavailable") return Grade.GRADE_IMPERSONAL;
  if (!result.ranked) return Grade.GRADE_UNRANKED;
  if (missing || result.degraded.length > 0) return Grade.GRADE_PARTIAL;
  return Grade.GRADE_FULL;
}

function itemAt(result: ServedResult, position: number, { pinned, moved }: RuleReasons, contributions: ItemContributions): RecommendedItem {
  const { query, candidates, scores } = result;
  const { catalog } = query.release;
  const item = candidates.items[position]!;
  return {
    itemId: catalog.ids[item]!,
    score: Number.isFinite(scores[position]) ? scores[position]! : 0,
    reasons: [...pinned, ...explainCandidate(query, candidates, position), ...moved],
    ...catalogItem(catalog, item),
    contributions: [...(contributions.get(catalog.ids[item]!) ?? [])],
  };
}

function releasesOf(result: ServedResult): Record<string, string> {
  const releases: Record<string, string> = { pinned: result.query.release.manifest.id };
  for (const { source, release } of result.sources) if (release !== "") releases[source] = release;
  return releases;
}

export function respond(
  result: ServedResult,
  recommendationId: string,
  traceId: string,
  { items: contributions, problem }: Explained = unexplained,
): RecommendResponse {
  const byRules = explainRules(result.query, result.candidates.items);
  const count = (outcome: string): number => result.sources.filter((source) => source.outcome === outcome).length;
  return {
    recommendationId,
    items: Array.from(result.chosen, (position) => itemAt(result, position, byRules(position), contributions)),
    grade: gradeOf(result),
    coverage: {
      user: knowledgeToProto[result.query.knowledge],
      events: result.query.history.itemIds.length,
      asked: result.sources.length - count("not_asked"),
      answered: count("answered"),
      late: count("late"),
      failed: count("failed"),
      sources: result.sources.map(({ source, outcome, candidates, milliseconds, release }) => ({
        source,
        outcome,
        candidates,
        milliseconds,
        release,
      })),
      stages: result.stages.map((stage) => ({ ...stage })),
      removed: result.removed.map((removal) => ({ ...removal })),
      // The list is what its grade says, explained or not.
      degraded: [...result.degraded, ...(problem === null ? [] : [problem])],
      rules: [...result.query.rules.names],
      candidatesFound: result.candidates.items.length,
      candidatesRanked: result.rankedCount,
    },
    releases: releasesOf(result),
    traceId,
  };
}
