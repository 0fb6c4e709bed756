/** No skew between training and serving: the running service answers golden requests as the trainer did. */

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { itemsDefault } from "#libs/events/limits.ts";
import { openFolderStore } from "#libs/release/folder-store.ts";
import type { GoldenRequest } from "#libs/release/manifest.ts";
import { loadGateway } from "../../services/gateway/part.ts";
import { openTestShop, type TestShop } from "../support/shop.ts";
import { type Answer, itemIds, type RunningShop, runOneProcess } from "./running-shop.ts";

let shop: TestShop;
let running: RunningShop;
let golden: readonly GoldenRequest[];
let learned: Readonly<Record<string, number>>;

beforeAll(async () => {
  shop = await openTestShop();
  const store = openFolderStore(join(shop.home, "releases"));
  const manifest = await store.manifest(shop.release);
  golden = manifest.golden;
  learned = (await loadGateway(await store.part(manifest, "gateway"))).quotas;
  running = await runOneProcess(shop);
});

afterAll(async () => {
  await running?.close();
  await shop?.remove();
});

const ask = ({ user_id, n, now_seconds }: GoldenRequest): Promise<Answer> =>
  running.post("/v1/recommendations", { user_id, n, now: now_seconds });

describe("golden requests", () => {
  it("are there, for histories of different lengths", () => {
    expect(golden.length).toBe(8);
    expect(golden.every(({ items }) => items.length === 12)).toBe(true);
    expect(new Set(golden.map(({ name }) => name)).size).toBeGreaterThan(4);
  });

  it("are answered by the running service as by the trainer", async () => {
    const served: Record<string, string[]> = {};
    for (const request of golden) {
      const answer = await ask(request);
      expect(answer.grade).toBe("FULL");
      served[`${request.user_id.slice(0, 8)} (${request.name})`] = itemIds(answer);
    }
    expect(served).toEqual(Object.fromEntries(golden.map(({ user_id, name, items }) => [`${user_id.slice(0, 8)} (${name})`, items])));
  });

  it("were made with the quotas that serving asks for", async () => {
    const { coverage } = await ask(golden[0]!);
    expect(Object.values(learned).every((quota) => quota >= 2 * itemsDefault)).toBe(true);
    for (const { source, candidates } of coverage.sources) expect(candidates).toBeLessThanOrEqual(learned[source]!);
  });

  it("see as many events in serving as the trainer counted", async () => {
    for (const request of golden) {
      const { coverage } = await ask(request);
      expect(coverage.events).toBe(Math.min(200, Number.parseInt(request.name, 10)));
    }
  });
});
