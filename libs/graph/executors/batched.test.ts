import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ModisteError } from "#libs/core/errors.ts";
import { createGraph } from "../graph.ts";
import * as ops from "../ops.ts";
import { input, parameter } from "../tensor.ts";
import { batchRuns } from "./batched.ts";
import { openExecutor, type Session } from "./executor.ts";

const x = input("x", ["rows", 3]);
const graph = createGraph({
  product: ops.matmul(x, parameter("w", [3, 2])),
  sum: ops.add(ops.sum(x, [1]), input("more", ["rows"])),
});
const weights = { w: Float32Array.of(1, 2, 3, 4, 5, 6) };

/** How often the session beneath ran, and with how many rows. */
interface Counted extends Session {
  readonly rows: number[];
}

async function openCounted(): Promise<Counted> {
  const session = await (await openExecutor("reference")).open(graph, { threads: 1, weights });
  const rows: number[] = [];
  return {
    executor: session.executor,
    rows,
    run: (feeds, sizes) => {
      rows.push(sizes!.rows!);
      return session.run(feeds, sizes);
    },
    close: () => session.close(),
  };
}

const feedsOf = (rows: number, first: number) => ({
  x: Float32Array.from({ length: rows * 3 }, (_, i) => first + i),
  more: new Float32Array(rows).fill(first),
});

const listed = (outputs: Readonly<Record<string, Float32Array>>) => Object.entries(outputs).map(([name, values]) => [name, [...values]]);
const usual = { graph, size: "rows", rowsMax: 100, waitMs: 0 };

describe("joined runs", () => {
  it("give what single runs give, whatever comes together", async () => {
    const plain = await openCounted();
    const turns = fc.array(fc.array(fc.nat(6), { maxLength: 6 }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(turns, fc.integer({ min: 1, max: 12 }), fc.constantFrom(0, 1), async (arrivals, rowsMax, waitMs) => {
        const counted = await openCounted();
        const batched = batchRuns(counted, { ...usual, rowsMax, waitMs });
        const asked: { readonly feeds: ReturnType<typeof feedsOf>; readonly found: Promise<Readonly<Record<string, Float32Array>>> }[] = [];
        for (const arrival of arrivals) {
          for (const rows of arrival) {
            const feeds = feedsOf(rows, asked.length);
            asked.push({ feeds, found: batched.run(feeds) });
          }
          await new Promise(setImmediate);
        }
        for (const { feeds, found } of asked)
          expect(listed(await found)).toEqual(listed(await plain.run(feeds, { rows: feeds.more.length })));
        const most = Math.max(rowsMax, ...arrivals.flat());
        expect(counted.rows.every((rows) => rows <= most)).toBe(true);
        await batched.close();
      }),
      { numRuns: 60 },
    );
  });

  it("are one run for all that come in a turn, and for all that come while one is under way", async () => {
    const counted = await openCounted();
    const batched = batchRuns(counted, usual);
    const turn = [batched.run(feedsOf(2, 0)), batched.run(feedsOf(3, 1))];
    await turn[0];
    expect(counted.rows).toEqual([5]);
    const first = batched.run(feedsOf(1, 0));
    const later = new Promise<void>((resolve) => setImmediate(resolve)).then(() =>
      Promise.all([batched.run(feedsOf(4, 0)), batched.run(feedsOf(5, 0))]),
    );
    await Promise.all([first, later]);
    expect(counted.rows.reduce((sum, rows) => sum + rows, 0)).toBe(15);
    expect(counted.rows.length).toBeLessThanOrEqual(3);
    await batched.close();
  });

  it("come back one after the other, whenever the next one comes", async () => {
    const batched = batchRuns(await openCounted(), usual);
    for (let ticks = 0; ticks < 12; ticks++) {
      for (let tick = 0; tick < ticks; tick++) await null;
      expect((await batched.run(feedsOf(1, ticks))).sum).toHaveLength(1);
    }
    await batched.close();
  });

  it("start at once when the rows are full, however long the wait", async () => {
    const counted = await openCounted();
    const batched = batchRuns(counted, { ...usual, rowsMax: 4, waitMs: 1e8 });
    await Promise.all([batched.run(feedsOf(2, 0)), batched.run(feedsOf(2, 1))]);
    expect(counted.rows).toEqual([4]);
    await batched.close();
  });

  it("fail together when the run fails, and a wrong feed fails alone", async () => {
    const broken = { ...(await openCounted()), run: async () => Promise.reject(new ModisteError("internal", "broken", "it broke")) };
    const failing = batchRuns(broken, usual);
    for (const outcome of await Promise.allSettled([failing.run(feedsOf(1, 0)), failing.run(feedsOf(2, 0))]))
      expect(outcome).toMatchObject({ status: "rejected", reason: { reason: "broken" } });
    await failing.close();
    const batched = batchRuns(await openCounted(), usual);
    const [wrong, right] = await Promise.allSettled([
      batched.run({ ...feedsOf(2, 0), more: new Float32Array(1) }),
      batched.run(feedsOf(2, 0)),
    ]);
    expect(wrong).toMatchObject({ status: "rejected", reason: { code: "invalid_argument", field: "more" } });
    expect(right.status).toBe("fulfilled");
    await batched.close();
  });

  it("are refused, each of them, when the session is closed", async () => {
    const batched = batchRuns(await openCounted(), { ...usual, waitMs: 1e8 });
    const waiting = Promise.allSettled([batched.run(feedsOf(1, 0)), batched.run(feedsOf(2, 0))]);
    await batched.close();
    for (const outcome of await waiting) expect(outcome).toMatchObject({ status: "rejected", reason: { code: "cancelled" } });
    await expect(batched.run(feedsOf(1, 0))).rejects.toMatchObject({ reason: "session_closed" });
  });

  it("need rows everywhere", async () => {
    const session = await openCounted();
    const total = createGraph({ total: ops.sum(x) });
    expect(() => batchRuns(session, { ...usual, graph: total })).toThrow('[invalid_argument] total: cannot be joined along "rows"');
  });
});
