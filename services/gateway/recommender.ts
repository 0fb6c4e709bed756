/** The handlers of Recommender: admit, run the pipeline, respond. */

import { randomUUID } from "node:crypto";
import type { EventBus } from "#libs/bus/bus.ts";
import type { Clock } from "#libs/core/clock.ts";
import type { AnswerLimit } from "#libs/pipeline/answer-limit.ts";
import type { Pipeline, PipelineObserver } from "#libs/pipeline/pipeline.ts";
import { runPipeline } from "#libs/pipeline/run.ts";
import type { ReleaseFollower } from "#libs/release/follower.ts";
import { type ClockMode, servingNow } from "#libs/release/serving-clock.ts";
import type { CallContext } from "#libs/rpc/call.ts";
import type { Client, Implementation } from "#libs/rpc/definition.ts";
import type { LiveCatalog } from "#libs/serve/live-catalog.ts";
import type { Telemetry } from "#libs/telemetry/telemetry.ts";
import type { ProfilesDefinition } from "#protos/profiles.ts";
import type { RankerDefinition } from "#protos/ranker.ts";
import { Grade, type RecommenderDefinition, type RecommendResponse } from "#protos/recommender.ts";
import { admitPopular, admitRecommend, admitSimilar } from "./admit/admit.ts";
import { type Explained, explainScores, unexplained } from "./explain/contributions.ts";
import { getUser } from "./get-user.ts";
import { deleteItem, type ItemIntake, upsertItems } from "./intake/items.ts";
import { recordEvents } from "./intake/record-events.ts";
import { eraseUser, mergeSession } from "./intake/subjects.ts";
import type { GatewayQuery } from "./query.ts";
import type { RankingNote } from "./rank/ranking.ts";
import type { GatewayRelease } from "./release.ts";
import { respond, type ServedResult } from "./respond/respond.ts";
import type { ServedRecorder } from "./respond/served-recorder.ts";
import type { RuleBook } from "./rules/rule-book.ts";

export interface RecommenderParts {
  readonly releases: ReleaseFollower<GatewayRelease>;
  readonly pipeline: Pipeline<GatewayQuery, RankingNote>;
  /** Runs where `limit` has no place. */
  readonly shedPipeline: Pipeline<GatewayQuery, RankingNote>;
  readonly limit: AnswerLimit;
  readonly rules: Pick<RuleBook, "count">;
  readonly profiles: Client<typeof ProfilesDefinition>;
  readonly ranker: Client<typeof RankerDefinition>;
  readonly bus: EventBus;
  readonly live: Pick<LiveCatalog, "words" | "untilSeen">;
  /** The stores' key of a subject. */
  readonly keyOf: (subject: string) => string;
  readonly served: Pick<ServedRecorder, "featureRows" | "record">;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly clockMode: ClockMode;
  /** Milliseconds for an answer whose caller sets no deadline. */
  readonly deadlineMs: number;
}

/** Of what is left of the deadline: the rest brings the list to the caller, explained or not. */
const explainShare = 0.5;

function observerOf({ metrics, span }: Telemetry, clock: Clock): PipelineObserver {
  return {
    stage: async (name, run) => {
      const started = clock.monotonicMs();
      try {
        return await span(`modiste.pipeline.${name}`, {}, run);
      } finally {
        metrics.stage(name, (clock.monotonicMs() - started) / 1000);
      }
    },
    sourceCandidates: (source, count) => metrics.sourceCandidates(source, count),
  };
}

const gradeNames = new Map<number, string>(Object.entries(Grade).map(([name, value]) => [value as number, name.replace("GRADE_", "")]));

export function createRecommender(parts: RecommenderParts): Implementation<typeof RecommenderDefinition> {
  const { releases, pipeline, shedPipeline, limit, telemetry, clock } = parts;
  const shed = telemetry.metrics.counter("modiste_answers_shed_total", "Answers for which nobody was asked: too many were under way", []);
  const observer = observerOf(telemetry, clock);
  const items: ItemIntake = { bus: parts.bus, live: parts.live, nowSeconds: () => clock.nowSeconds() };
  const now = ({ manifest }: GatewayRelease): number => servingNow(manifest, clock.nowSeconds(), parts.clockMode);

  const explain = (result: ServedResult, signal: AbortSignal, endsMs: number): Promise<Explained> => {
    const budget = AbortSignal.timeout(Math.max(0, Math.floor((endsMs - clock.monotonicMs()) * explainShare)));
    return observer.stage("explain", () => explainScores(parts.ranker, result, AbortSignal.any([signal, budget])));
  };

  const answer = async (call: CallContext, admit: (release: GatewayRelease) => GatewayQuery): Promise<RecommendResponse> => {
    const startedMs = clock.monotonicMs();
    const endsMs = startedMs + Math.min(parts.deadlineMs, call.remainingMs());
    const recommendationId = randomUUID();
    const featureRows = parts.served.featureRows(recommendationId);
    const query = await observer.stage("admit", async () => ({ ...admit(releases.current().artifact), featureRows }));
    const run = (which: RecommenderParts["pipeline"]): Promise<ServedResult> =>
      runPipeline(which, query, query.limit, {
        signal: call.signal,
        remainingMs: () => Math.max(0, endsMs - clock.monotonicMs()),
        nowMs: () => clock.monotonicMs(),
        observer,
      });
    const isWhole = limit.enter();
    if (!isWhole) shed.inc();
    const result = isWhole
      ? await run(pipeline).finally(() => limit.leave((clock.monotonicMs() - startedMs) / parts.deadlineMs))
      : await run(shedPipeline);
    const explained = query.explain && isWhole ? await explain(result, call.signal, endsMs) : unexplained;
    const response = await observer.stage("respond", async () => respond(result, recommendationId, telemetry.traceId() ?? "", explained));
    parts.rules.count(result.query.rules);
    parts.served.record(result, response);
    telemetry.metrics.answer(query.surface.name, gradeNames.get(response.grade) ?? "");
    return response;
  };

  return {
    recommend: (request, call) => answer(call, (release) => admitRecommend(request, release, now(release))),
    similarItems: (request, call) => answer(call, (release) => admitSimilar(request, release, now(release))),
    popular: (request, call) => answer(call, (release) => admitPopular(request, release, now(release))),
    recordEvents: (request) => {
      const release = releases.current().artifact;
      return recordEvents(request.events, release, now(release), parts.bus);
    },
    upsertItems: (request) => upsertItems(request, releases.current().artifact, items),
    deleteItem: (request) => deleteItem(request, releases.current().artifact, items),
    mergeSession: (request) => mergeSession(request, now(releases.current().artifact), parts.bus),
    eraseUser: (request) => {
      const instants = { nowSeconds: now(releases.current().artifact), wallSeconds: clock.nowSeconds() };
      return eraseUser(request, instants, parts.bus, parts.keyOf);
    },
    getUser: ({ subject }) => getUser(subject, parts.profiles, releases.current().artifact.catalog),
  };
}
