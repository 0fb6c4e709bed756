import { ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLogger, hashSubject } from "./log.ts";
import { type ProcessTelemetry, startTelemetry } from "./telemetry.ts";
import { fromTraceparent, toTraceparent } from "./trace-context.ts";

let telemetry: ProcessTelemetry;
beforeEach(async () => {
  telemetry = await startTelemetry({ version: "1", recentTraces: 2 });
});
afterEach(() => telemetry.close());

describe("spans", () => {
  it("nest, carry their service, and keep their result", async () => {
    const gateway = telemetry.service("gateway");
    const answer = await gateway.span("outer", { n: 1 }, async () =>
      telemetry.service("itemcf").span("inner", {}, () => gateway.traceId()),
    );
    const [outer, inner] = telemetry.recentTraces.get(answer ?? "");
    expect(outer).toMatchObject({ name: "outer", service: "gateway", parentSpanId: null, attributes: { n: 1 }, ok: true });
    expect(inner).toMatchObject({ name: "inner", service: "itemcf", parentSpanId: outer?.spanId });
    expect(gateway.traceId()).toBeUndefined();
  });

  it("say why they failed, and pass the error on", () => {
    const view = telemetry.service("gateway");
    expect(() => view.span("broken", {}, () => JSON.parse("{"))).toThrow(SyntaxError);
    const [traceId = ""] = telemetry.recentTraces.traceIds();
    expect(telemetry.recentTraces.get(traceId)[0]).toMatchObject({ ok: false, attributes: { "error.type": "internal" } });
  });

  it("are kept for the last traces only, and a bounded number each", () => {
    const view = telemetry.service("gateway");
    for (const name of ["a", "b", "c"]) view.span(name, {}, () => {});
    expect(telemetry.recentTraces.traceIds().map((id) => telemetry.recentTraces.get(id)[0]?.name)).toEqual(["b", "c"]);
    view.span("many", {}, () => {
      for (let i = 0; i < 600; i++) view.span("one", {}, () => {});
    });
    expect(telemetry.recentTraces.get(telemetry.recentTraces.traceIds()[1] ?? "")).toHaveLength(512);
  });

  it("are not recorded outside the sample, though traces still have ids", async () => {
    const unsampled = await startTelemetry({ version: "1", recentTraces: 5, sampleRatio: 0 });
    const traceId = unsampled.service("gateway").span("outer", {}, () => unsampled.service("gateway").traceId());
    expect(traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(unsampled.recentTraces.traceIds()).toEqual([]);
    await unsampled.close();
  });
});

describe("traceparent", () => {
  it("comes back as it went out", () => {
    const header = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
    expect(toTraceparent(fromTraceparent(ROOT_CONTEXT, header))).toBe(header);
  });

  it.each(["", "00-xyz", `ff-${"a".repeat(32)}-${"b".repeat(16)}-01`, `00-${"0".repeat(32)}-${"b".repeat(16)}-01`])(
    "ignores %j",
    (header) => {
      expect(trace.getSpanContext(fromTraceparent(ROOT_CONTEXT, header))).toBeUndefined();
    },
  );
});

it("names metrics as the dashboards expect", async () => {
  const { metrics } = telemetry;
  metrics.serverTimer("itemcf", "modiste.v1.CandidateSource/Generate").observe("ok", 0.0004);
  metrics.stage("rank", 0.002);
  metrics.answer("home", "FULL");
  metrics.sourceCandidates("itemcf", 300);
  metrics.eventLag(0.004);
  metrics.release("itemcf", "r1");
  metrics.release("itemcf", "r2");
  const text = await metrics.text();
  expect(text).toContain(
    'modiste_rpc_server_duration_seconds_bucket{le="0.0005",service="itemcf",method="modiste.v1.CandidateSource/Generate",code="ok"} 1',
  );
  expect(text).toContain('modiste_pipeline_stage_seconds_count{stage="rank"} 1');
  expect(text).toContain('modiste_answers_total{surface="home",grade="FULL"} 1');
  expect(text).toContain('modiste_source_candidates_count{source="itemcf"} 1');
  expect(text).toContain("modiste_event_lag_seconds_count 1");
  expect(text).toContain('modiste_release_info{part="itemcf",release="r2"} 1');
  expect(text).not.toContain('release="r1"');
});

describe("logs", () => {
  it("carry service, trace and error, one JSON object a line", () => {
    const lines: string[] = [];
    const log = createLogger({ service: "gateway", level: "info", destination: { write: (line) => void lines.push(line) } });
    const view = telemetry.service("gateway");
    const traceId = view.span("outer", {}, () => {
      log.warn({ err: new Error("broken") }, "late");
      log.debug("too fine");
      return view.traceId();
    });
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      level: "warn",
      service: "gateway",
      msg: "late",
      trace_id: traceId,
      err: { message: "broken" },
    });
  });

  it("are one readable line for people", () => {
    const lines: string[] = [];
    const log = createLogger({ service: "gateway", level: "info", pretty: true, destination: { write: (line) => void lines.push(line) } });
    log.info({ items: 12 }, "answered");
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} INFO {2}gateway {4}answered {2}items=12\n$/);
  });

  it("hash subjects under a key", () => {
    expect(hashSubject("user-1", "k")).toMatch(/^[0-9a-f]{16}$/);
    expect(hashSubject("user-1", "k")).not.toBe(hashSubject("user-1", "other"));
  });
});
