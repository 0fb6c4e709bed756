/** Served features are those that the release, the data set and the events give again; a planted difference is found and named. */

import { rename } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readPublished, topics } from "#libs/bus/bus.ts";
import { openLmdbBus } from "#libs/bus/lmdb-bus.ts";
import { eventCode } from "#libs/events/event.ts";
import { typeOfKey } from "#libs/features/day-counts.ts";
import { stateFolders } from "#libs/serve/nearline.ts";
import { type LiveCounts, RankerDefinition } from "#protos/ranker.ts";
import { RecommenderDefinition } from "#protos/recommender.ts";
import { Served } from "#protos/served.ts";
import { describeSkew } from "../../services/cli/commands/skew.ts";
import { homeFolders } from "../../services/cli/home.ts";
import { measureSkew, type SkewOptions, type SkewReport } from "../../services/cli/skew/skew.ts";
import { loadModels } from "../../services/fleet.ts";
import { openTestShop, type TestShop } from "../support/shop.ts";
import { copyRelease } from "./altered-release.ts";
import { type Answer, type RunningShop, runOneProcess, until } from "./running-shop.ts";

/** Midnight after the last day of the test shop's data. */
const dataEnd = 1_600_819_200;

let shop: TestShop;
const answers: Pick<Answer, "recommendation_id" | "items" | "releases">[] = [];

const openBus = () => openLmdbBus(join(shop.home, "state", stateFolders.bus));

async function skew(overrides: Partial<SkewOptions> = {}): Promise<SkewReport> {
  const { home } = shop;
  const bus = openBus();
  try {
    return await measureSkew({
      folders: homeFolders(home),
      bus,
      models: await loadModels(),
      data: null,
      before: Number.MAX_SAFE_INTEGER,
      recordsMax: 1000,
      tolerance: 0,
      ...overrides,
    });
  } finally {
    await bus.close();
  }
}

async function servedRecords(): Promise<Served[]> {
  const bus = openBus();
  const served: Served[] = [];
  await readPublished(bus, topics.served, async ({ records }) => void served.push(...records.map(({ value }) => Served.decode(value))));
  await bus.close();
  return served;
}

/** Records with features, as the gateway wrote them. */
let written: Served[];

/** Publishes changed records behind all others; only the latest `recordsMax` are compared. */
async function publishServed(records: readonly Served[]): Promise<Pick<SkewOptions, "recordsMax">> {
  const bus = openBus();
  await bus.publish(
    topics.served,
    records.map((served) => ({ key: served.recommendationId, value: Served.encode(served).finish() })),
  );
  await bus.close();
  return { recordsMax: records.length };
}

const differing = ({ features }: SkewReport): string[] => features.filter(({ differ }) => differ > 0).map(({ feature }) => feature);

/** As of an instant of the past, which only gRPC can ask for. */
async function askAsOf({ started }: RunningShop, userId: string, nowSeconds: number): Promise<void> {
  const answer = await started.connector.connect(RecommenderDefinition, "local:gateway").recommend({ userId, nowSeconds });
  const items = answer.items.map(({ itemId, score }) => ({ item_id: itemId, score, reasons: [], contributions: [] }));
  answers.push({ recommendation_id: answer.recommendationId, items, releases: answer.releases });
}

/** Sells an item at the serving instant, until the ranker knows it. */
async function sellLive({ started, post }: RunningShop, itemId: string): Promise<void> {
  const events = Array.from({ length: 40 }, (_, i) => ({ user_id: `crowd-${i}`, item_id: itemId, type: "purchase", value: 3 + i / 8 }));
  await post("/v1/events", { events });
  const ranker = started.connector.connect(RankerDefinition, "local:ranking");
  const rank = () => ranker.rank({ release: shop.release, nowSeconds: dataEnd, itemIds: [itemId], featureRows: 1 });
  await until(rank, ({ features }) => purchasesIn(features?.live) >= events.length);
}

const purchasesIn = (live: LiveCounts | undefined): number =>
  (live?.items ?? []).reduce(
    (sum, { keys, counts }) => sum + counts.reduce((all, count, i) => all + (isPurchase(keys[i]!) ? count : 0), 0),
    0,
  );
const isPurchase = (key: number): boolean => typeOfKey(key) === eventCode.purchase;

async function shopAbout(running: RunningShop): Promise<void> {
  const ask = async (body: object): Promise<Answer> => {
    const answer = await running.post("/v1/recommendations", body);
    answers.push(answer);
    return answer;
  };
  for (const user_id of shop.userIds) {
    const { items } = await ask({ user_id });
    // Events that count, one of them posted twice, one that the user takes back.
    const [first, second, third] = items.map(({ item_id }) => item_id);
    await running.post("/v1/events", {
      events: [
        { event_id: `${user_id}-a`, user_id, item_id: first, type: "purchase", value: 9.5, time: dataEnd - 30 },
        { event_id: `${user_id}-a`, user_id, item_id: first, type: "purchase", value: 9.5, time: dataEnd - 30 },
        { user_id, item_id: second, type: "like" },
        { user_id, item_id: third, type: "dislike" },
      ],
    });
    await ask({ user_id });
  }
  await sellLive(running, answers[0]!.items[0]!.item_id);
  for (const user_id of shop.userIds) await ask({ user_id });
  const item_id = answers[0]!.items[5]!.item_id;
  await ask({ session_id: "visitor", events: [{ item_id, type: "view", time: dataEnd - 5 }] });
  await ask({ user_id: shop.userIds[1], session_id: "visitor", events: [{ item_id, type: "cart" }] });
  await askAsOf(running, shop.userIds[2]!, dataEnd - 14 * 86_400);
  await ask({ user_id: "stranger" });
  await ask({});
  await running.get("/v1/popular?n=3");
}

beforeAll(async () => {
  shop = await openTestShop();
  const running = await runOneProcess(shop, {
    env: { MODISTE_SERVED_FEATURES_SHARE: "1", MODISTE_DEADLINE_MS: "5000", MODISTE_LIVE_COUNTERS_MS: "20", MODISTE_LIVE_REBUILD_MS: "20" },
  });
  try {
    await shopAbout(running);
  } finally {
    await running.close();
  }
  written = (await servedRecords()).filter(({ features }) => features);
});

afterAll(() => shop?.remove());

describe("the records of answers", () => {
  it("are there for every answer, with the list that was given", async () => {
    const records = await servedRecords();
    expect(records).toHaveLength(answers.length + 1);
    answers.forEach((answer, i) => {
      expect(records[i]).toMatchObject({
        recommendationId: answer.recommendation_id,
        itemIds: answer.items.map(({ item_id }) => item_id),
        releases: answer.releases,
        model: "logistic",
      });
    });
    expect(records.at(-1)).toMatchObject({ kind: "popular", subjects: [], model: "", features: undefined });
  });
});

describe("skew", () => {
  it("is zero between what was served and what is computed again", async () => {
    const report = await skew();
    expect(differing(report)).toEqual([]);
    expect(report).toMatchObject({ compared: answers.length, unreadable: 0, skipped: {} });
    const rows = report.features.find(({ feature }) => feature === "bought")!.rows;
    expect(rows).toBeGreaterThan(answers.length);
    expect(report.features.every(({ maxDifference }) => maxDifference === 0)).toBe(true);
    expect(describeSkew(report)).toMatch(/no feature differs by more than 0$/);
  });

  it("is zero with sales that the ranker's counts followed, and the log has as many", async () => {
    expect(written.filter(({ features }) => purchasesIn(features?.rows?.live) >= 40).length).toBeGreaterThan(0);
    const rows = (await skew()).features.find(({ feature }) => feature === "live.purchases");
    expect(rows).toMatchObject({ differ: 0, maxDifference: 0 });
    expect(rows!.rows).toBeGreaterThan(shop.userIds.length);
  });

  it("is found where a record tells of live sales that the log does not have", async () => {
    const more = written.map((served) => {
      const rows = served.features!.rows!;
      const items = rows.live?.items.map((item) => ({ ...item, counts: item.counts.map((count) => count + 1) }));
      return { ...served, features: { ...served.features!, rows: { ...rows, live: items && { ...rows.live!, items } } } };
    });
    const names = differing(await skew(await publishServed(more)));
    expect(names).toContain("live.purchases");
    expect(names).toContain("log_count_7");
    expect(names).not.toContain("bought");
  });

  it("is found where the statistics of the release are not those that served", async () => {
    const altered = await copyRelease(shop.home, shop.release, "r-altered");
    await altered.tensors("ranking", (arrays) => {
      const counts = arrays.get("count7") as Float32Array;
      counts.forEach((count, item) => {
        counts[item] = count + 1;
      });
    });
    const aside = join(shop.home, "aside");
    const [own, theirs] = [join(shop.home, "releases", shop.release), join(shop.home, "releases", altered.id)];
    await altered.manifest((manifest) => ({ ...manifest, id: shop.release }));
    await rename(own, aside);
    await rename(theirs, own);
    const report = await skew();
    await rename(own, theirs);
    await rename(aside, own);
    expect(differing(report)).toContain("log_count_7");
    expect(differing(report)).not.toContain("bought");
    const { differ, maxDifference, meanDifference } = report.features.find(({ feature }) => feature === "log_count_7")!;
    expect(differ).toBeGreaterThan(0);
    expect(maxDifference).toBeGreaterThanOrEqual(meanDifference);
    expect(describeSkew(report)).toMatch(/skew in .*log_count_7/);
  });

  it("is found where profiles were seeded with other events than the data set's", async () => {
    const report = await skew({ before: dataEnd - 7 * 86_400 });
    expect(differing(report)).toContain("history.events");
  });

  it("is found where the instant is not the one that was served for", async () => {
    const later = written.map((served) => {
      const request = { ...served.features!.request!, nowSeconds: served.nowSeconds + 86_400 };
      return { ...served, features: { ...served.features!, request } };
    });
    const names = differing(await skew(await publishServed(later)));
    expect(names).toContain("bought_recency_7");
    expect(names).toContain("idle_days");
    expect(names).not.toContain("log_count_7");
  });

  it("is found where a served value is not what is computed, and forgiven within the tolerance", async () => {
    const changed = written.map((served) => {
      const rows = served.features!.rows!;
      const width = rows.values.length / rows.positions.length;
      const values = rows.values.map((value, i) => (i % width === 3 ? value + 0.5 : value));
      return { ...served, features: { ...served.features!, rows: { ...rows, values } } };
    });
    const latest = await publishServed(changed);
    const { features } = await skew({ ...latest, tolerance: 1e-6 });
    expect(features.filter(({ differ }) => differ > 0)).toHaveLength(1);
    expect(features[0]!.maxDifference).toBeCloseTo(0.5, 5);
    expect(features[0]!.meanDifference).toBeCloseTo(0.5, 5);
    expect(differing(await skew({ ...latest, tolerance: 0.6 }))).toEqual([]);
  });

  it("names a record whose features have another hash, or whose rows do not go with them", async () => {
    const withRows = (rows: object): Served[] => [
      { ...written[0]!, features: { ...written[0]!.features!, rows: { ...written[0]!.features!.rows!, ...rows } } },
    ];
    const id = written[0]!.recommendationId;
    await expect(skew(await publishServed(withRows({ hash: "other" })))).rejects.toThrow(
      new RegExp(`record ${id}: its features \\(other\\) are not those of release ${shop.release}`),
    );
    await expect(skew(await publishServed(withRows({ values: [1, 2] })))).rejects.toThrow(new RegExp(`record ${id}: `));
    await expect(skew(await publishServed(withRows({ positions: [9999] })))).rejects.toThrow(/do not go with its candidates/);
  });

  it("leaves out records of a release that is not stored and tells of them; with none of another it names both", async () => {
    const gone = written.map((served) => ({
      ...served,
      features: { ...served.features!, request: { ...served.features!.request!, release: "r-gone" } },
    }));
    await expect(skew(await publishServed(gone))).rejects.toThrow(new RegExp(`are of release r-gone; stored are .*${shop.release}`));
    const report = await skew(await publishServed([...gone.slice(0, 2), ...written.slice(0, 3)]));
    expect(report).toMatchObject({ compared: 3, skipped: { "r-gone": 2 } });
    expect(describeSkew(report)).toMatch(/left out: 2 of release r-gone, which is stored no more/);
  });

  it("says so when nothing was served, or nothing with features", async () => {
    const quiet = await openTestShop();
    const folders = homeFolders(quiet.home);
    const bus = openLmdbBus(join(quiet.home, "state", stateFolders.bus));
    await expect(skew({ folders, bus })).rejects.toThrow(/modiste\.served\.v1 of this home has no records/);
    await bus.publish(topics.served, [
      { key: "u", value: Served.encode(Served.fromPartial({ recommendationId: "r" })).finish() },
      { key: "u", value: Uint8Array.of(255, 255, 255, 1) },
    ]);
    await expect(skew({ folders, bus })).rejects.toThrow(
      /2 records of answers, 1 of them unreadable, but none holds features: MODISTE_SERVED_FEATURES_SHARE/,
    );
    await bus.close();
    await quiet.remove();
  });
});
