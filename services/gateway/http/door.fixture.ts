/** The HTTP door over the gateway's own handlers and six items: no other service, every message as callers see it. */

import { Agent, type IncomingHttpHeaders, request } from "node:http";
import { PassThrough } from "node:stream";
import { systemClock } from "#libs/core/clock.ts";
import { ModisteError } from "#libs/core/errors.ts";
import { createAnswerLimit } from "#libs/pipeline/answer-limit.ts";
import type { ReleaseFollower } from "#libs/release/follower.ts";
import { bind, type Client, type Implementation } from "#libs/rpc/definition.ts";
import { createLogger } from "#libs/telemetry/log.ts";
import { openLocalHarness, type PeerOptions } from "#libs/testing/rpc-harness.ts";
import { ProfileRecord, type ProfilesDefinition } from "#protos/profiles.ts";
import type { RankerDefinition } from "#protos/ranker.ts";
import { RecommenderDefinition } from "#protos/recommender.ts";
import { EventType } from "#protos/types.ts";
import { definePipeline, defineShedPipeline } from "../pipeline.ts";
import { createRecommender } from "../recommender.ts";
import type { GatewayRelease } from "../release.ts";
import { emptyRuleBook } from "../rules/rule-book.ts";
import { dataEnd, sixItems } from "../test-shop.fixture.ts";
import { startHttp } from "./server.ts";

/** The instant that the door's clock stands at. */
export const nowSeconds = dataEnd + 3600;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON; undefined where it is none. */
  readonly json: Readonly<Record<string, unknown>>;
  /** Local port of the connection that it came over. */
  readonly port: number;
}

export interface AskOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON, a text as it is. */
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** Asks over one connection that is kept alive, as long as the server keeps it. */
export interface Caller {
  ask(path: string, options?: AskOptions): Promise<Answer>;
  close(): void;
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}

function ask(address: string, agent: Agent, path: string, { method = "GET", headers = {}, body, signal }: AskOptions): Promise<Answer> {
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  const length =
    text === undefined ? {} : { "content-type": "application/json", "content-length": String(Buffer.byteLength(text as string)) };
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `${address}${path}`,
      { method, agent, headers: { ...length, ...headers }, ...(signal ? { signal } : {}) },
      (incoming) => {
        const chunks: Buffer[] = [];
        const port = incoming.socket.localPort ?? 0;
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        incoming.on("end", () => {
          const received = Buffer.concat(chunks).toString();
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text: received, json: parsed(received), port });
        });
      },
    );
    outgoing.on("error", reject);
    outgoing.end(text);
  });
}

export function openCaller(address: string): Caller {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return { ask: (path, options = {}) => ask(address, agent, path, options), close: () => agent.destroy() };
}

export interface TestDoor {
  readonly address: string;
  readonly caller: Caller;
  /** Lines of the door's and the handlers' logs. */
  readonly logged: readonly Record<string, unknown>[];
  /** Events that the bus took. */
  readonly published: readonly string[];
  /** Paths of all routes, as Fastify knows them. */
  readonly routes: ReadonlySet<string>;
  drain(): Promise<void>;
  close(): Promise<void>;
}

export interface DoorOptions {
  /** Handlers instead of the gateway's own. */
  readonly handlers?: Partial<Implementation<typeof RecommenderDefinition>>;
  /** Bearer keys of the callee and the key of the door's own calls. */
  readonly peer?: PeerOptions;
  readonly hosts?: readonly string[];
  readonly isKeyed?: boolean;
  readonly lingerMs?: number;
  /** Answers worked on at once. */
  readonly answersMax?: number;
}

/** What every user of the door did. */
const profileEvents = { itemIds: ["a0"], types: [3], timesSeconds: [dataEnd - 3600], values: [10] };

const profiles = {
  getProfiles: async ({ subjects = [] }: { readonly subjects?: readonly string[] }) => ({
    profiles: subjects.map((subject) => {
      const known = subject.startsWith("known");
      return { subject, known, attributes: { age: "31" }, events: known ? profileEvents : undefined, version: 1 };
    }),
  }),
  exportProfile: async ({ subject = "" }: { readonly subject?: string }) => {
    if (!subject.startsWith("known")) throw new ModisteError("not_found", "unknown_subject", "nothing is held of this subject");
    const events = [{ eventId: "e1", itemId: "a0", type: EventType.EVENT_TYPE_PURCHASE, timeSeconds: dataEnd - 3600, value: 10 }];
    return ProfileRecord.fromPartial({ subject, attributes: { age: "31" }, events });
  },
} as unknown as Client<typeof ProfilesDefinition>;

const ranker = {
  rank: async ({ itemIds = [] }: { readonly itemIds?: readonly string[] }) => ({
    scores: itemIds.map((_, place) => -place),
    model: "fixed",
  }),
} as unknown as Client<typeof RankerDefinition>;

function fixedFollower(release: GatewayRelease): ReleaseFollower<GatewayRelease> {
  const loaded = { release: release.manifest.id, manifest: release.manifest, artifact: release };
  return {
    current: () => loaded,
    pinned: () => loaded,
    notReady: () => null,
    remark: () => null,
    refresh: async () => undefined,
    close: async () => undefined,
  };
}

export async function openDoor(options: DoorOptions = {}): Promise<TestDoor> {
  const harness = await openLocalHarness();
  const releases = fixedFollower(sixItems());
  const published: string[] = [];
  const telemetry = harness.telemetry.service("gateway");
  const clients = { profiles, ranker, sources: [], rules: emptyRuleBook, candidatesMax: 500 };
  const own = createRecommender({
    releases,
    pipeline: definePipeline(clients),
    shedPipeline: defineShedPipeline(clients),
    limit: createAnswerLimit(options.answersMax ?? 64),
    rules: emptyRuleBook,
    profiles,
    ranker,
    bus: {
      publish: async (_topic, records) => void published.push(...records.map(({ key }) => key)),
      publishToAll: async (_topic, recordFor) => void published.push(recordFor([]).key),
      consume: async () => ({ finished: Promise.resolve(), close: async () => undefined }),
      ends: async () => new Map(),
      close: async () => undefined,
    },
    live: { words: new Map(), untilSeen: async () => true },
    keyOf: (subject) => `key of ${subject}`,
    served: { featureRows: () => 0, record: () => undefined },
    telemetry,
    clock: { ...systemClock, nowSeconds: () => nowSeconds },
    clockMode: "wall",
    deadlineMs: 10_000,
  });
  const peer = await harness.serve([bind(RecommenderDefinition, { ...own, ...options.handlers })], { name: "gateway", ...options.peer });
  const logged: Record<string, unknown>[] = [];
  const sink = new PassThrough().on("data", (line: Buffer) => logged.push(JSON.parse(line.toString()) as Record<string, unknown>));
  const routes = new Set<string>();
  const http = await startHttp({
    context: {
      telemetry,
      log: createLogger({ service: "gateway", level: "debug", destination: sink }),
      processReady: () => null,
      processRemarks: () => [],
      isKeyed: options.isKeyed ?? false,
    },
    settings: { httpHost: "127.0.0.1", httpPort: 0, httpHosts: options.hosts ?? [], httpLingerMs: options.lingerMs ?? 0, page: "on" },
    releases,
    client: peer.connect(RecommenderDefinition),
    hints: { fifth: "what is new" },
    onRoute: (path) => routes.add(path),
  });
  const caller = openCaller(http.address);
  return {
    address: http.address,
    caller,
    get logged() {
      return [...logged, ...harness.logged];
    },
    published,
    routes,
    drain: () => http.drain(),
    async close() {
      caller.close();
      await http.close();
      await harness.close();
    },
  };
}
