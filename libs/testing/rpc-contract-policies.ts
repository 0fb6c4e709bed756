/** The half of the seam's contract that is policy: telemetry, admission, faults, retries, health. */

import { expect, it } from "vitest";
import { ModisteError } from "#libs/core/errors.ts";
import { bind } from "#libs/rpc/definition.ts";
import { Faults } from "#libs/rpc/faults.ts";
import { HealthDefinition } from "#libs/rpc/health.ts";
import { CandidateSourceDefinition } from "#protos/candidate_source.ts";
import { RankerDefinition } from "#protos/ranker.ts";
import { RecommenderDefinition } from "#protos/recommender.ts";
import { answerOne, failure, ranker, rankPath, recorder, throwing } from "./rpc-handlers.ts";
import { defer, type RpcHarness } from "./rpc-harness.ts";

export function telemetry(harness: () => RpcHarness): void {
  it("continues one trace over two hops, client span above server span", async () => {
    const inner = await harness().serve([ranker(answerOne)], { name: "inner" });
    const client = inner.connect(RankerDefinition);
    const outerTelemetry = harness().telemetry.service("outer");
    const generate = async (): Promise<object> =>
      outerTelemetry.span("modiste.pipeline.rank", {}, async () => {
        await client.rank({});
        return {};
      });
    const outer = await harness().serve([bind(CandidateSourceDefinition, { generate })], { name: "outer" });
    await outer.connect(CandidateSourceDefinition).generate({});
    const [traceId = ""] = harness().telemetry.recentTraces.traceIds();
    const spans = harness().telemetry.recentTraces.get(traceId);
    expect(harness().telemetry.recentTraces.traceIds()).toHaveLength(1);
    const tree = spans.map((span) => [
      span.service,
      span.kind,
      span.name,
      spans.find((other) => other.spanId === span.parentSpanId)?.name ?? null,
    ]);
    const generatePath = "modiste.v1.CandidateSource/Generate";
    expect(tree).toEqual([
      ["caller", "client", generatePath, null],
      ["outer", "server", generatePath, generatePath],
      ["outer", "internal", "modiste.pipeline.rank", generatePath],
      ["caller", "client", rankPath, "modiste.pipeline.rank"],
      ["inner", "server", rankPath, rankPath],
    ]);
  });

  it("counts calls on both sides by service, method and code", async () => {
    const peer = await harness().serve([ranker(throwing(new ModisteError("not_found", "item_unknown", "gone")))]);
    await failure(peer.connect(RankerDefinition).rank({}));
    const text = await harness().telemetry.metrics.text();
    const labels = `service="callee",method="${rankPath}",code="not_found"`;
    expect(text).toContain(`modiste_rpc_server_duration_seconds_count{${labels}} 1`);
    expect(text).toContain(`modiste_rpc_client_duration_seconds_count{${labels}} 1`);
  });
}

export function admission(harness: () => RpcHarness): void {
  it("asks for a key where keys are configured", async () => {
    const server = { keys: ["right"] };
    const open = await harness().serve([ranker(answerOne)], { name: "no-key", server });
    expect(await failure(open.connect(RankerDefinition).rank({}))).toMatchObject({ code: "unauthenticated", reason: "key_missing" });
    const wrong = await harness().serve([ranker(answerOne)], { name: "wrong-key", server, connector: { key: "wrong" } });
    expect(await failure(wrong.connect(RankerDefinition).rank({}))).toMatchObject({ code: "unauthenticated", reason: "key_unknown" });
    const right = await harness().serve([ranker(answerOne)], { name: "right-key", server, connector: { key: "right" } });
    expect((await right.connect(RankerDefinition).rank({})).scores).toEqual([1]);
    expect(await open.connect(HealthDefinition).check({ service: "" })).toEqual({ status: 1 });
  });

  it("refuses what overflows the queue, and drops what expired in it before its handler runs", async () => {
    const [arrived, finish] = [defer<void>(), defer<void>()];
    let calls = 0;
    const peer = await harness().serve(
      [
        ranker(async () => {
          calls++;
          arrived.resolve();
          await finish.promise;
          return {};
        }),
      ],
      { server: { concurrency: 1, queue: 1 } },
    );
    const client = peer.connect(RankerDefinition);
    const first = client.rank({});
    await arrived.promise;
    const queued = failure(client.rank({}, { timeoutMs: 120 }));
    const overflow = failure(client.rank({}));
    expect(await overflow).toMatchObject({ code: "resource_exhausted", reason: "overloaded" });
    expect(await queued).toMatchObject({ code: "deadline_exceeded" });
    await peer.connect(HealthDefinition).check({ service: "" }); // on the same connection, so behind the cancellation
    finish.resolve();
    await first;
    await client.rank({});
    expect(calls).toBe(2);
    const text = await harness().telemetry.metrics.text();
    expect(text).toContain('modiste_rpc_dropped_total{service="callee",why="overflow"} 1');
    expect(text).toContain('modiste_rpc_dropped_total{service="callee",why="expired"} 1');
  });
}

export function resilience(harness: () => RpcHarness): void {
  it("injects errors, delays, hangs and garbage", async () => {
    const faults = new Faults();
    const peer = await harness().serve([ranker(async () => ({ scores: [0.5, 1.5], model: "m" }))], { server: { faults } });
    const client = peer.connect(RankerDefinition);
    faults.set(rankPath, { kind: "error", code: "data_loss", times: 1 });
    expect(await failure(client.rank({}))).toMatchObject({ code: "data_loss", reason: "injected" });
    faults.set("callee", { kind: "hang", times: 1 });
    faults.clear(rankPath);
    expect(await failure(client.rank({}, { timeoutMs: 30 }))).toMatchObject({ code: "deadline_exceeded" });
    faults.set("callee", { kind: "garbage", times: 1 });
    expect((await client.rank({})).scores).toEqual([Number.NaN]);
    faults.set(`callee:${rankPath}`, { kind: "delay", ms: 5, times: 1 });
    expect((await client.rank({})).scores).toEqual([0.5, 1.5]);
  });

  it("tries again only what is idempotent, and only for codes that may pass", async () => {
    const faults = new Faults();
    const peer = await harness().serve([ranker(answerOne)], { server: { faults } });
    faults.set(rankPath, { kind: "error", code: "unavailable", times: 1 });
    const careful = await harness().serve([recorder], { name: "recorder", server: { faults } });
    faults.set("modiste.v1.Recommender/RecordEvents", { kind: "error", code: "unavailable", times: 1 });
    expect(await failure(careful.connect(RecommenderDefinition).recordEvents({}))).toMatchObject({ code: "unavailable" });
    faults.set(rankPath, { kind: "error", code: "unavailable", times: 1 });
    const idempotent = peer.connect(RankerDefinition, { idempotent: ["rank"] });
    expect((await idempotent.rank({})).scores).toEqual([1]);
    faults.set(rankPath, { kind: "error", code: "internal", times: 1 });
    expect(await failure(idempotent.rank({}))).toMatchObject({ code: "internal" });
  });

  it("opens the circuit after failures in a row, and closes it when the peer is well", async () => {
    const faults = new Faults();
    let calls = 0;
    const peer = await harness().serve(
      [
        ranker(async () => {
          calls++;
          return {};
        }),
      ],
      { server: { faults } },
    );
    const client = peer.connect(RankerDefinition, { circuitFailures: 3, circuitOpenMs: 100, retries: 0 });
    faults.set(rankPath, { kind: "error", code: "unavailable" });
    for (let i = 0; i < 3; i++) expect((await failure(client.rank({}))).reason).toBe("injected");
    expect(await failure(client.rank({}))).toMatchObject({ code: "unavailable", reason: "circuit_open" });
    faults.clear();
    await expect
      .poll(
        () =>
          client.rank({}).then(
            () => "well",
            () => "open",
          ),
        { interval: 20 },
      )
      .toBe("well");
    expect(calls).toBe(1);
  });

  it("counts a hanging peer as failing", async () => {
    const faults = new Faults();
    const peer = await harness().serve([ranker(answerOne)], { server: { faults } });
    const client = peer.connect(RankerDefinition, { circuitFailures: 2, circuitOpenMs: 60_000, retries: 0 });
    faults.set(rankPath, { kind: "hang" });
    for (let i = 0; i < 2; i++) expect((await failure(client.rank({}, { timeoutMs: 15 }))).code).toBe("deadline_exceeded");
    expect((await failure(client.rank({}, { timeoutMs: 15 }))).reason).toBe("circuit_open");
  });
}

export function introspection(harness: () => RpcHarness): void {
  it("answers health for the process and each service", async () => {
    const peer = await harness().serve([ranker(answerOne)]);
    const client = peer.connect(HealthDefinition);
    expect(await client.check({ service: "" })).toEqual({ status: 1 });
    peer.health.set(false);
    expect(await client.check({ service: "modiste.v1.Ranker" })).toEqual({ status: 2 });
    expect(await failure(client.check({ service: "nobody" }))).toMatchObject({ code: "not_found", reason: "unknown_service" });
  });

  it("lives while it is not ready, and asks nobody for a key to say so", async () => {
    const peer = await harness().serve([ranker(answerOne)], { server: { keys: ["secret"] } });
    peer.health.set(false);
    const client = peer.connect(HealthDefinition);
    expect(await client.check({ service: "liveness" })).toEqual({ status: 1 });
    expect(await client.check({ service: "" })).toEqual({ status: 2 });
  });

  it("lists its services", async () => {
    const peer = await harness().serve([ranker(answerOne)]);
    expect([...(await peer.services())].sort()).toEqual(["grpc.health.v1.Health", "modiste.v1.Ranker"]);
  });
}
