/** Time: who hangs is left behind within the deadline and told to stop; who leaves takes the work behind with them. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ModisteError } from "#libs/core/errors.ts";
import { Faults } from "#libs/rpc/faults.ts";
import { RecommenderDefinition } from "#protos/recommender.ts";
import { type Answer, type RunningShop, runOneProcess, until } from "../e2e/running-shop.ts";
import { openTestShop, type TestShop } from "../support/shop.ts";
import { sourcesFor } from "../support/sources.ts";

interface ServedCall {
  readonly service: string;
  readonly signal: AbortSignal;
}

/** Tells of every call that reaches a service, with the signal that its handler gets. */
class WatchedFaults extends Faults {
  readonly calls: ServedCall[] = [];
  private readonly waiting = new Map<string, (call: ServedCall) => void>();

  /** Resolves with the next call of a service. */
  next(service: string): Promise<ServedCall> {
    return new Promise((resolve) => this.waiting.set(service, resolve));
  }

  override apply<T>(service: string, method: string, signal: AbortSignal, next: () => Promise<T>): Promise<T> {
    const call = { service, signal };
    this.calls.push(call);
    this.waiting.get(service)?.(call);
    this.waiting.delete(service);
    return super.apply(service, method, signal, next);
  }
}

const faults = new WatchedFaults();
let shop: TestShop;
let running: RunningShop;

beforeAll(async () => {
  shop = await openTestShop();
});

afterEach(async () => {
  faults.clear();
  await running?.close();
});

afterAll(() => shop?.remove());

const start = async (deadlineMs: number): Promise<void> => {
  running = await runOneProcess(shop, { faults, env: { MODISTE_DEADLINE_MS: String(deadlineMs) } });
  await until(ask, ({ grade }) => grade === "FULL", 200);
};

const ask = (): Promise<Answer> => running.post("/v1/recommendations", { user_id: shop.userIds[3] });

/** As a caller who has that long. */
const askWithin = async (timeoutMs: number, more: Readonly<Record<string, unknown>> = {}): Promise<Answer> => {
  const headers = { "content-type": "application/json", "x-modiste-timeout-ms": String(timeoutMs) };
  const body = JSON.stringify({ user_id: shop.userIds[3], ...more });
  const response = await fetch(`${running.url}/v1/recommendations`, { method: "POST", headers, body });
  return (await response.json()) as Answer;
};

function aborted(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    signal.addEventListener("abort", () => resolve(signal.reason));
  });
}

describe("a part that hangs", () => {
  const sources = sourcesFor("recommend");

  it.each(sources)("%s: the answer is PARTIAL, names it, and its work is aborted", async (source) => {
    await start(1000);
    faults.set(source, { kind: "hang" });
    const hanging = faults.next(source);
    const answer = await until(ask, ({ coverage }) => coverage.degraded.length === 1, 50);
    const counts = { asked: sources.length, answered: sources.length - 1 };
    expect(answer).toMatchObject({ grade: "PARTIAL", coverage: { degraded: [`${source}:deadline_exceeded`], ...counts } });
    expect(answer.items.length).toBe(12);
    await aborted((await hanging).signal);
  });

  it("ranking and profile: answered inside the deadline all the same", async () => {
    await start(1000);
    faults.set("ranking", { kind: "hang" });
    faults.set("profile", { kind: "hang" });
    const hanging = [faults.next("ranking"), faults.next("profile")];
    const started = performance.now();
    const answer = await ask();
    // Twice the deadline: the machine may be slow, but nothing waits for what hangs.
    expect(performance.now() - started).toBeLessThan(2000);
    expect(answer.grade).toBe("IMPERSONAL");
    expect(answer.coverage.degraded).toEqual(["profile:deadline_exceeded", "ranking:deadline_exceeded"]);
    for (const call of await Promise.all(hanging)) await aborted(call.signal);
  });

  it("the caller's own deadline counts when it is shorter", async () => {
    await start(60_000);
    faults.set("profile", { kind: "hang" });
    const headers = { "content-type": "application/json", "x-modiste-timeout-ms": "1000" };
    const response = await fetch(`${running.url}/v1/recommendations`, { method: "POST", headers, body: JSON.stringify({ user_id: "x" }) });
    expect(response.status).toBe(200);
    expect(((await response.json()) as Answer).coverage.degraded).toContain("profile:deadline_exceeded");
  });
});

describe("a caller with little time", () => {
  it("gets the best candidates ranked by a slow ranker, and is told; with time again, all", async () => {
    await start(2000);
    faults.set("ranking", { kind: "delay", ms: 200 });
    // So often that the pace of the fast ranker is forgotten.
    for (let i = 0; i < 15; i++) await ask();
    const short = await until(
      () => askWithin(360),
      ({ coverage }) => coverage.degraded.includes("ranking:shortened"),
      50,
    );
    const { candidates_found: found, candidates_ranked: ranked } = short.coverage;
    expect(short.grade).toBe("PARTIAL");
    expect(ranked).toBeGreaterThanOrEqual(24);
    expect(ranked).toBeLessThan(found);
    expect(short.items).toHaveLength(12);
    faults.clear();
    const { coverage } = await until(ask, ({ grade }) => grade === "FULL", 200);
    expect(coverage.candidates_ranked).toBe(coverage.candidates_found);
  });
});

describe("a caller who asks why", () => {
  it("hears what adds to each score, and gets the list without it from a ranker too slow to look twice", async () => {
    await start(60_000);
    const { items, grade } = await askWithin(60_000, { explain: true });
    expect(grade).toBe("FULL");
    for (const { contributions } of items) expect(contributions.length).toBeGreaterThan(3);
    faults.set("ranking", { kind: "delay", ms: 500 });
    const late = await until(
      () => askWithin(900, { explain: true }),
      ({ coverage }) => coverage.degraded.some((word) => word.startsWith("explain:")),
      50,
    );
    expect(late.items).toHaveLength(12);
    for (const { contributions } of late.items) expect(contributions).toEqual([]);
  });
});

describe("a caller that leaves", () => {
  /** With a minute for everything, only the leaving can end the hanging call within the test. */
  async function startHanging(): Promise<void> {
    await start(60_000);
    faults.set("profile", { kind: "hang" });
  }

  it("over HTTP cancels the work behind the request", async () => {
    await startHanging();
    const call = faults.next("profile");
    const leaving = new AbortController();
    const body = JSON.stringify({ user_id: shop.userIds[0] });
    const headers = { "content-type": "application/json" };
    const request = fetch(`${running.url}/v1/recommendations`, { method: "POST", body, headers, signal: leaving.signal });
    request.catch(() => undefined);
    const { signal } = await call;
    leaving.abort();
    expect(await aborted(signal)).toMatchObject({ code: "cancelled" });
  });

  it("over gRPC cancels the work behind the call", async () => {
    await startHanging();
    const client = running.started.connector.connect(RecommenderDefinition, `dns:///127.0.0.1:${running.rpcPort}`);
    const call = faults.next("profile");
    const leaving = new AbortController();
    const answer = client.recommend({ userId: shop.userIds[0]! }, { signal: leaving.signal, timeoutMs: 50_000 });
    const refused = answer.catch((error: unknown) => error);
    const { signal } = await call;
    leaving.abort();
    expect(await aborted(signal)).toMatchObject({ code: "cancelled" });
    expect(await refused).toBeInstanceOf(ModisteError);
  });

  it("after its answer disturbs nobody else on the same connection", async () => {
    await start(1000);
    // Keep-alive: one socket, many requests. What listens for its end must not gather.
    const warnings: string[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning.name);
    process.on("warning", onWarning);
    for (let i = 0; i < 40; i++) await running.get("/v1/popular?n=1");
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", onWarning);
    expect(warnings).not.toContain("MaxListenersExceededWarning");
  });
});
