/** One release part, served by ONNX Runtime and by tfjs on libtensorflow in its process: the same scores. `npm run tfjs:install` first. */

import { describe, expect, it } from "vitest";
import { systemClock } from "#libs/core/clock.ts";
import { noProgress } from "#libs/core/progress.ts";
import { historyBefore } from "#libs/data/splits.ts";
import { catalogAsOf, countItems } from "#libs/features/item-statistics.ts";
import { openExecutor } from "#libs/graph/executors/executor.ts";
import type { PlaceNetwork, RankQuery } from "#libs/serve/ranker.ts";
import { createFixtureShop } from "#libs/testing/fixture.ts";
import { createMemoryPart } from "#libs/testing/memory-part.ts";
import { createPlacement } from "../../services/ranking/devices/place.ts";
import { ranker } from "../../services/ranking/ranker.ts";

const shop = createFixtureShop();
const statistics = countItems(shop.interactions, shop.users, shop.nowSeconds);
const catalog = catalogAsOf(shop.catalog, statistics);

function queryOf(user: number): RankQuery {
  const { start, end } = historyBefore(shop.interactions, user, shop.nowSeconds);
  const { items, times, types } = shop.interactions;
  const candidates = Int32Array.from(
    new Set([...shop.future[user]!, ...Array.from({ length: 60 }, (_, i) => (user + i * 3) % catalog.itemCount)]),
  );
  const scores = Array.from(candidates, (item) => (item % 7) / 7);
  return {
    candidates,
    sources: [{ source: "itemcf", scores, ranks: scores.map((_, i) => i + 1) }],
    events: { items: items.slice(start, end), times: times.slice(start, end), types: types.slice(start, end) },
    attributes: new Map(),
    nowSeconds: shop.nowSeconds,
  };
}

async function trainedPart() {
  const part = createMemoryPart("ranking");
  const queries = Array.from({ length: 100 }, (_, user) => {
    const query = queryOf(user);
    const taken = new Set(shop.future[user]!);
    return { query, labels: Uint8Array.from(query.candidates, (item) => (taken.has(item) ? 1 : 0)), taken: taken.size };
  });
  await ranker.fit({
    weeks: [{ nowSeconds: shop.nowSeconds, catalog, statistics, queries }],
    sources: ["itemcf"],
    serving: { catalog, statistics },
    sequence: null,
    settings: { kind: "wide-deep", epochs: 2 },
    seed: 1,
    threads: 0,
    part,
    progress: noProgress,
    signal: new AbortController().signal,
  });
  return part;
}

const missing = await openExecutor("tfjs-cpu").then(
  () => null,
  (error: unknown) => (error as Error).message,
);

/** Of a score, or of 1 where it is smaller; float32 summed in another order. */
const tolerance = 1e-4;

describe("a release part on tfjs-cpu", () => {
  if (missing !== null) {
    it(`is not tested: ${missing}`, (context) => context.skip());
    return;
  }
  it("scores as on ONNX Runtime, in a process of its own", async () => {
    const part = await trainedPart();
    const told: string[] = [];
    const place: PlaceNetwork = createPlacement({
      settings: { device: "tfjs-cpu", deviceLimitMs: 10_000, batchWaitMs: 0, batchRows: 4096 },
      clock: systemClock,
      watch: () => ({
        ready: () => told.push("ready"),
        lost: (how) => told.push(how),
        refused: ({ message }) => told.push(message),
        answered: (by) => told.push(by),
        missed: (why) => told.push(why),
      }),
    });
    const [cpu, device] = [
      await ranker.load({ part: part.reader(), catalog, sequence: null }),
      await ranker.load({ part: part.reader(), catalog, sequence: null, place }),
    ];
    expect(told).toEqual(["ready"]);
    const queries = Array.from({ length: 32 }, (_, user) => queryOf(100 + user));
    const found = await Promise.all(queries.map((query) => ranker.score(device, query)));
    for (const [i, query] of queries.entries()) {
      const expected = await ranker.score(cpu, query);
      expected.forEach((score, at) => {
        expect(Math.abs(found[i]![at]! - score)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(score)));
      });
    }
    expect(new Set(told)).toEqual(new Set(["ready", "device"]));
    await ranker.close(device);
    await ranker.close(cpu);
    part.dispose();
  });
});
