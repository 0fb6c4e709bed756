/** The gateway: the pipeline behind gRPC and HTTP. */

import { choice, integer, list, millis, number, text } from "#libs/config/fields.ts";
import { defineConfig } from "#libs/config/schema.ts";
import { createAnswerLimit } from "#libs/pipeline/answer-limit.ts";
import { bind } from "#libs/rpc/definition.ts";
import { gatewayHttpPort } from "#libs/serve/fleet-row.ts";
import { catalogSettings, openLiveCatalog } from "#libs/serve/live-catalog.ts";
import { liveSettings } from "#libs/serve/live-counters.ts";
import { nearlineSettings, openEventBus } from "#libs/serve/nearline.ts";
import { serveReleases } from "#libs/serve/release-library.ts";
import { releaseSettings } from "#libs/serve/release-settings.ts";
import { defineService, type ServiceModule } from "#libs/serve/service.ts";
import { subjectKey } from "#libs/store/subject-key.ts";
import { CandidateSourceDefinition } from "#protos/candidate_source.ts";
import { ProfilesDefinition } from "#protos/profiles.ts";
import { RankerDefinition } from "#protos/ranker.ts";
import { RecommenderDefinition } from "#protos/recommender.ts";
import { startHttp } from "./http/server.ts";
import { eventStreams } from "./intake/stream-events.ts";
import { definePipeline, defineShedPipeline } from "./pipeline.ts";
import { createRecommender } from "./recommender.ts";
import { type GatewayRelease, type LoadedGateway, loadGatewayRelease, snapshotsOf } from "./release.ts";
import { createServedRecorder } from "./respond/served-recorder.ts";
import { fleetSource } from "./retrieve/fleet-source.ts";
import { openRuleBook } from "./rules/rule-book.ts";

const config = defineConfig({
  ...releaseSettings,
  ...nearlineSettings,
  ...liveSettings,
  ...catalogSettings,
  httpHost: text("HTTP_HOST", "address that HTTP listens on", { fallback: "127.0.0.1" }),
  httpPort: integer("HTTP_PORT", "port of HTTP; 0 takes a free one", { min: 0, max: 65_535, fallback: gatewayHttpPort }),
  httpHosts: list("HTTP_HOSTS", "Host names that HTTP answers to beside loopback ones; none, and keys in MODISTE_RPC_KEYS: all", {
    fallback: [],
  }),
  httpLingerMs: millis("HTTP_LINGER_MS", "how long connections that callers keep open are still answered when the process ends", {
    max: 60_000,
    fallback: 1000,
  }),
  deadlineMs: millis("DEADLINE_MS", "time for an answer whose caller sets no deadline", { min: 5, max: 60_000, fallback: 150 }),
  answersMax: integer(
    "ANSWERS_MAX",
    "answers worked on at once; fewer while they take four fifths of DEADLINE_MS, and who finds no place gets the release's popular list (STATIC)",
    { min: 1, max: 10_000, fallback: 64 },
  ),
  rulesFile: text("RULES_FILE", "YAML file of pins, boosts and hidden items (docs/rules.md), read again when it changes", { fallback: "" }),
  servedShare: number("SERVED_SHARE", "share of answers whose record goes to the topic modiste.served.v1", { min: 0, max: 1, fallback: 1 }),
  featuresShare: number(
    "SERVED_FEATURES_SHARE",
    "share of ranked answers whose record holds features for `modiste skew`, some 20 KB each",
    {
      min: 0,
      max: 1,
      fallback: 0.01,
    },
  ),
  page: choice("PAGE", "whether the page is served", ["on", "off"], { fallback: "on" }),
});

export interface GatewayOptions {
  /** Most candidates that are ranked for one request. */
  readonly candidatesMax: number;
  /** What the table says of a source beside its row, by its name. */
  readonly sources: Readonly<Record<string, GatewaySource>>;
}

export interface GatewaySource {
  /** Kinds of request that it has something to say to. */
  readonly serves: readonly ("recommend" | "similar" | "popular")[];
  /** A few words for people. */
  readonly hint: string;
}

/** Of a source that is not named. */
const unnamed: GatewaySource = { serves: ["recommend", "similar", "popular"], hint: "" };

export function gatewayService(options: GatewayOptions): ServiceModule {
  return defineService({
    config,
    start: async (context) => {
      const { connect, fleet, telemetry, clock, log, config: settings } = context;
      const loaded = await serveReleases<LoadedGateway>(context, {
        load: (library, manifest) => loadGatewayRelease(library, manifest, context),
        retire: ({ artifact }) => artifact.close(),
      });
      const releases = snapshotsOf(loaded);
      const serving = (): GatewayRelease | null => (releases.notReady() === null ? releases.current().artifact : null);
      const rules = await openRuleBook({ file: settings.rulesFile, release: serving, context });
      const profiles = connect(ProfilesDefinition, "profile", { idempotent: ["getProfiles", "exportProfile"] });
      const sources = fleet
        .filter(({ kind }) => kind === "source")
        .map(({ name, budgetMs, quota }) => {
          const client = connect(CandidateSourceDefinition, name, { idempotent: ["generate"] });
          const { serves } = options.sources[name] ?? unnamed;
          return fleetSource({ name, budgetMs, quota, serves, client });
        });
      const ranker = connect(RankerDefinition, "ranking", { idempotent: ["rank"] });
      const clients = { profiles, ranker, sources, rules, candidatesMax: options.candidatesMax };
      const bus = await openEventBus(context);
      const { servedShare, featuresShare } = settings;
      const served = createServedRecorder({ bus, clock, log, metrics: telemetry.metrics, servedShare, featuresShare });
      const parts = {
        releases,
        pipeline: definePipeline(clients),
        shedPipeline: defineShedPipeline(clients),
        limit: createAnswerLimit(settings.answersMax),
        rules,
        profiles,
        ranker,
        bus,
        live: await openLiveCatalog(context),
        keyOf: (subject: string) => subjectKey(subject, context.subjectHashKey),
        served,
        telemetry,
        clock,
        clockMode: settings.clock,
        deadlineMs: settings.deadlineMs,
      };
      const hints = Object.fromEntries(sources.map(({ name }) => [name, (options.sources[name] ?? unnamed).hint]));
      const http = await startHttp({ context, settings, releases, client: connect(RecommenderDefinition, "gateway"), hints });
      return {
        bindings: [bind(RecommenderDefinition, createRecommender(parts), eventStreams)],
        ready: () => releases.notReady(),
        drain: () => http.drain(),
        close: async () => {
          await http.close();
          await served.close();
        },
      };
    },
  });
}
