/** One request is one trace; metrics carry the names of DESIGN section 8 and no ids. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openTestShop, type TestShop } from "../support/shop.ts";
import { sourcesFor } from "../support/sources.ts";
import { type Answer, type RunningShop, runOneProcess, until } from "./running-shop.ts";

let shop: TestShop;
let running: RunningShop;

beforeAll(async () => {
  shop = await openTestShop();
  running = await runOneProcess(shop);
});

afterAll(async () => {
  await running?.close();
  await shop?.remove();
});

interface Span {
  readonly span_id: string;
  readonly parent_span_id: string | null;
  readonly service: string;
  readonly name: string;
  readonly kind: string;
  readonly ok: boolean;
}

const ask = (user: string, headers: Record<string, string> = {}): Promise<Answer> =>
  fetch(`${running.url}/v1/recommendations?user_id=${user}`, { headers }).then((response) => response.json() as Promise<Answer>);

/** Its parents as a path of names, the root first. */
function pathOf(spans: readonly Span[], span: Span): string[] {
  const parent = spans.find(({ span_id }) => span_id === span.parent_span_id);
  return [...(parent ? pathOf(spans, parent) : []), `${span.service} ${span.kind} ${span.name}`];
}

describe("a request", () => {
  it("is one tree of spans: gateway, stages, and both sides of every call", async () => {
    const answer = await until(
      () => ask(shop.userIds[0]!),
      ({ grade }) => grade === "FULL",
      200,
    );
    const { spans } = await running.get<{ spans: Span[] }>(`/v1/traces/${answer.trace_id}`);
    const recommend = "modiste.v1.Recommender/Recommend";
    const root = [`gateway client ${recommend}`, `gateway server ${recommend}`];
    const paths = spans.map((span) => pathOf(spans, span));
    for (const stage of ["admit", "hydrate", "retrieve", "merge", "filter", "rank", "arrange", "respond"]) {
      expect(paths).toContainEqual([...root, `gateway internal modiste.pipeline.${stage}`]);
    }
    const calls = [
      ["hydrate", "profile", "modiste.v1.Profiles/GetProfiles"],
      ["rank", "ranking", "modiste.v1.Ranker/Rank"],
      ...sourcesFor("recommend").map((source) => ["retrieve", source, "modiste.v1.CandidateSource/Generate"] as const),
    ];
    for (const [stage, service, method] of calls) {
      const expected = [...root, `gateway internal modiste.pipeline.${stage}`, `gateway client ${method}`, `${service} server ${method}`];
      expect(paths).toContainEqual(expected);
    }
    // Every span hangs in this tree: only the root has no parent here.
    expect(spans.filter(({ parent_span_id }) => !spans.some(({ span_id }) => span_id === parent_span_id)).length).toBe(1);
    expect(spans.every(({ ok }) => ok)).toBe(true);
  });

  it("continues the trace of its caller", async () => {
    const traceId = "0af7651916cd43dd8448eb211c80319c";
    const answer = await ask(shop.userIds[1]!, { traceparent: `00-${traceId}-b7ad6b7169203331-01` });
    expect(answer.trace_id).toBe(traceId);
    const { spans } = await running.get<{ spans: Span[] }>(`/v1/traces/${traceId}`);
    expect(spans.some(({ parent_span_id }) => parent_span_id === "b7ad6b7169203331")).toBe(true);
  });
});

describe("metrics", () => {
  const text = async (): Promise<string> => (await fetch(`${running.url}/metrics`)).text();
  /** Series without their values. */
  const series = (metrics: string): Set<string> =>
    new Set(metrics.split("\n").flatMap((line) => (line.startsWith("modiste_") ? [line.slice(0, line.lastIndexOf(" "))] : [])));

  /** Every kind of request once, by somebody whom nobody knows. */
  async function requests(id: string): Promise<void> {
    const [known] = shop.userIds;
    const item = (await ask(known!)).items[0]!.item_id;
    await ask(id);
    await running.get(`/v1/items/${item}/similar`);
    await running.get(`/v1/popular?age=${Math.floor(Math.random() * 90)}`);
    await running.post("/v1/recommendations", { session_id: id, events: [{ item_id: item, type: "view" }] });
    await running.post("/v1/events", { events: [{ user_id: id, item_id: item, type: "purchase" }] });
    await running.get(`/v1/users/${id}`);
    for (const path of [`/v1/recommendations?surface=${id}`, `/v1/items/${id}/similar`, `/${id}`])
      await (await fetch(running.url + path)).text();
  }

  it("have the names that dashboards ask for", async () => {
    await requests("first");
    const metrics = await text();
    for (const name of [
      'modiste_rpc_server_duration_seconds_bucket{le="0.15",service="itemcf",method="modiste.v1.CandidateSource/Generate",code="ok"}',
      'modiste_rpc_server_duration_seconds_count{service="gateway",method="modiste.v1.Recommender/Recommend",code="ok"}',
      'modiste_pipeline_stage_seconds_count{stage="retrieve"}',
      'modiste_source_candidates_count{source="popularity"}',
      "modiste_event_lag_seconds_count",
      `modiste_release_info{part="lightgcn",release="${shop.release}"}`,
    ]) {
      expect(metrics).toContain(name);
    }
    expect(metrics).toMatch(/modiste_answers_total\{surface="home",grade="(FULL|PARTIAL)"\} \d+/);
  });

  it("grow by no series with users, sessions, items and what strangers type", async () => {
    // What a late answer on a busy machine adds is bounded: codes and grades.
    for (let i = 0; i < 5; i++) await requests(`warm-${i}`);
    const before = series(await text());
    for (let i = 0; i < 30; i++) await requests(`random-${i}-${Math.random().toString(36).slice(2)}`);
    const after = series(await text());
    const added = [...after].filter((name) => !before.has(name) && !/code="deadline_exceeded"|code="cancelled"|grade=/.test(name));
    expect(added).toEqual([]);
    expect([...after].filter((name) => name.includes("random-"))).toEqual([]);
  });
});
