/** What every transport of the seam must do. Called once for each. No test measures time: short deadlines and events only. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ModisteError } from "#libs/core/errors.ts";
import type { CallContext } from "#libs/rpc/call.ts";
import { bind } from "#libs/rpc/definition.ts";
import { CandidateSourceDefinition } from "#protos/candidate_source.ts";
import { RankerDefinition } from "#protos/ranker.ts";
import { admission, introspection, resilience, telemetry } from "./rpc-contract-policies.ts";
import { answerOne, failure, ranker, throwing } from "./rpc-handlers.ts";
import { aborted, defer, type RpcHarness } from "./rpc-harness.ts";

export function rpcContract(transport: string, open: () => Promise<RpcHarness>): void {
  describe(`the seam over ${transport}`, () => {
    let harness: RpcHarness;
    beforeEach(async () => {
      harness = await open();
    });
    afterEach(() => harness.close());
    const fixture = (): RpcHarness => harness;
    describe("messages", () => messages(fixture));
    describe("errors", () => errors(fixture));
    describe("deadlines and cancellation", () => deadlines(fixture));
    describe("telemetry", () => telemetry(fixture));
    describe("admission", () => admission(fixture));
    describe("resilience", () => resilience(fixture));
    describe("health and reflection", () => introspection(fixture));
  });
}

function messages(harness: () => RpcHarness): void {
  it("carries a typed request and answer, with defaults for what was left out", async () => {
    let seen: unknown;
    const peer = await harness().serve([
      ranker(async (request) => {
        seen = request;
        return { scores: request.itemIds.map((_, i) => i / 2) };
      }),
    ]);
    const answer = await peer.connect(RankerDefinition).rank({ itemIds: ["a", "b"], nowSeconds: 5 });
    expect(answer).toEqual({ release: "", scores: [0, 0.5], model: "" });
    expect(seen).toEqual({
      release: "",
      nowSeconds: 5,
      itemIds: ["a", "b"],
      events: undefined,
      user: undefined,
      sources: [],
      featureRows: 0,
      contributionRows: 0,
    });
  });

  it("shares no memory between caller and callee", async () => {
    const scores = [1, 2];
    const peer = await harness().serve([
      ranker(async (request) => {
        request.itemIds.push("planted");
        request.sources[0]!.scores[0] = 99;
        return { scores };
      }),
    ]);
    const request = { itemIds: ["a"], sources: [{ source: "itemcf", scores: [0.5], ranks: [1], pinned: true }] };
    const before = structuredClone(request);
    const answer = await peer.connect(RankerDefinition).rank(request);
    answer.scores.push(3);
    expect(request).toEqual(before);
    expect(scores).toEqual([1, 2]);
  });

  it("refuses a request over the limit and goes on", async () => {
    const peer = await harness().serve([ranker(answerOne)]);
    const client = peer.connect(RankerDefinition);
    const error = await failure(client.rank({ itemIds: ["x".repeat(5 * 1024 * 1024)] }));
    expect(error).toMatchObject({ code: "resource_exhausted", reason: "message_too_large" });
    expect((await client.rank({})).scores).toEqual([1]);
  });

  it("refuses it at the server too, where the caller does not", async () => {
    const peer = await harness().serve([ranker(async () => ({ model: "x".repeat(2000) }))], { server: { messageBytesMax: 1000 } });
    const error = await failure(peer.connect(RankerDefinition).rank({}));
    expect(error).toMatchObject({ code: "resource_exhausted", reason: "message_too_large" });
  });

  it("hands metadata over under lower-case names", async () => {
    let seen: string | undefined;
    const peer = await harness().serve([
      ranker(async (_request, context) => {
        seen = context.metadata.get("x-shop");
        return {};
      }),
    ]);
    await peer.connect(RankerDefinition).rank({}, { metadata: { "x-shop": "hm" } });
    expect(seen).toBe("hm");
  });
}

function errors(harness: () => RpcHarness): void {
  it("keeps code, reason, field and message, and drops the cause", async () => {
    const thrown = new ModisteError("not_found", "item_unknown", "no such item", { field: "item_ids[0]", cause: new Error("secret") });
    const peer = await harness().serve([ranker(throwing(thrown))]);
    const error = await failure(peer.connect(RankerDefinition).rank({}));
    expect(error).toMatchObject({ code: "not_found", reason: "item_unknown", field: "item_ids[0]", message: "[not_found] no such item" });
    expect(error.cause).toBeUndefined();
  });

  it("turns an unknown error into internal, hides it, and logs it once with its cause", async () => {
    const peer = await harness().serve([ranker(throwing(new TypeError("password is hunter2")))]);
    const error = await failure(peer.connect(RankerDefinition).rank({}));
    expect(error).toMatchObject({ code: "internal", reason: "unexpected" });
    expect(error.cause).toBeUndefined();
    expect(`${error.message}${error.stack}`).not.toContain("hunter2");
    const lines = harness().logged.filter((line) => line.level === "error");
    expect(lines).toHaveLength(1);
    expect(JSON.stringify(lines[0]?.err)).toContain("hunter2");
    expect(lines[0]?.trace_id).toMatch(/^[0-9a-f]{32}$/);
  });

  it("logs what a caller did wrong at debug only", async () => {
    const peer = await harness().serve([ranker(throwing(new ModisteError("invalid_argument", "invalid_field", "n: too large")))]);
    await failure(peer.connect(RankerDefinition).rank({}));
    expect(harness().logged.map((line) => line.level)).toEqual(["debug"]);
  });

  it("does not log again what a peer logged", async () => {
    const inner = await harness().serve([ranker(throwing(new Error("broken")))], { name: "inner" });
    const client = inner.connect(RankerDefinition);
    const outer = await harness().serve([
      bind(CandidateSourceDefinition, { generate: async () => ({ release: (await client.rank({})).release }) }),
    ]);
    await failure(outer.connect(CandidateSourceDefinition).generate({}));
    expect(harness().logged.filter((line) => line.level === "error")).toHaveLength(1);
  });

  it("says unimplemented for a service that is not there", async () => {
    const peer = await harness().serve([ranker(answerOne)]);
    const error = await failure(peer.connect(CandidateSourceDefinition).generate({}));
    expect(error).toMatchObject({ code: "unimplemented", reason: "unknown_method" });
  });
}

/** What a callee may see when the deadline passes: over a network its caller's leaving may arrive before its own timer. */
const gone = ["deadline_exceeded", "cancelled"];

function deadlines(harness: () => RpcHarness): void {
  it("ends a hanging call at its deadline, for the caller and for the callee", async () => {
    const left = defer<unknown>();
    const peer = await harness().serve([
      ranker(async (_request, context) => {
        left.resolve(await aborted(context.signal));
        return {};
      }),
    ]);
    const error = await failure(peer.connect(RankerDefinition).rank({}, { timeoutMs: 40 }));
    expect(error).toMatchObject({ code: "deadline_exceeded", reason: "deadline_exceeded" });
    expect(gone).toContain(((await left.promise) as ModisteError).code);
  });

  it("leaves a callee behind that ignores its signal", async () => {
    const release = defer<void>();
    const peer = await harness().serve([
      ranker(async () => {
        await release.promise;
        return {};
      }),
    ]);
    expect(await failure(peer.connect(RankerDefinition).rank({}, { timeoutMs: 30 }))).toMatchObject({ code: "deadline_exceeded" });
    release.resolve();
  });

  it("aborts the callee when the caller leaves", async () => {
    const [arrived, left] = [defer<void>(), defer<unknown>()];
    const peer = await harness().serve([
      ranker(async (_request, context) => {
        arrived.resolve();
        left.resolve(await aborted(context.signal));
        return {};
      }),
    ]);
    const leaving = new AbortController();
    const call = failure(peer.connect(RankerDefinition).rank({}, { signal: leaving.signal }));
    await arrived.promise;
    leaving.abort();
    expect(await call).toMatchObject({ code: "cancelled" });
    expect(await left.promise).toMatchObject({ code: "cancelled" });
  });

  it("passes deadline and cancellation on over two hops without being told", async () => {
    const contexts: CallContext[] = [];
    const left = defer<unknown>();
    const inner = await harness().serve(
      [
        ranker(async (_request, context) => {
          contexts.push(context);
          left.resolve(await aborted(context.signal));
          return {};
        }),
      ],
      {
        name: "inner",
      },
    );
    const client = inner.connect(RankerDefinition);
    const outer = await harness().serve([
      bind(CandidateSourceDefinition, {
        generate: async (_request, context) => {
          contexts.push(context);
          await client.rank({});
          return {};
        },
      }),
    ]);
    const error = await failure(outer.connect(CandidateSourceDefinition).generate({}, { timeoutMs: 80 }));
    expect(error.code).toBe("deadline_exceeded");
    expect(gone).toContain(((await left.promise) as ModisteError).code);
    const [first, second] = contexts;
    expect(first!.deadline).toBeDefined();
    expect(second!.deadline! - first!.deadline!).toBeLessThan(50);
    expect(second!.remainingMs()).toBeLessThan(50);
  });

  it("never lengthens what the surrounding call allows", async () => {
    let innerDeadline: number | undefined;
    const inner = await harness().serve(
      [
        ranker(async (_request, context) => {
          innerDeadline = context.deadline;
          return {};
        }),
      ],
      { name: "inner" },
    );
    const client = inner.connect(RankerDefinition);
    let outerDeadline: number | undefined;
    const outer = await harness().serve([
      bind(CandidateSourceDefinition, {
        generate: async (_request, context) => {
          outerDeadline = context.deadline;
          await client.rank({}, { timeoutMs: 60_000 });
          return {};
        },
      }),
    ]);
    await outer.connect(CandidateSourceDefinition).generate({}, { timeoutMs: 5_000 });
    expect(innerDeadline! - outerDeadline!).toBeLessThan(50);
  });

  it("does not call at all when the deadline has passed", async () => {
    let calls = 0;
    const peer = await harness().serve([
      ranker(async () => {
        calls++;
        return {};
      }),
    ]);
    expect(await failure(peer.connect(RankerDefinition).rank({}, { deadline: 1 }))).toMatchObject({ code: "deadline_exceeded" });
    expect(calls).toBe(0);
  });
}
