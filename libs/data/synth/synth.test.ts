import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { createRandom } from "#libs/core/random.ts";
import { folderWith } from "../importers/fixture.ts";
import { findHmFiles, importHm } from "../importers/hm.ts";
import { createCalendar, dayAtShare, drawItem, lifeAt, stockLeft } from "./demand.ts";
import { measureRealism } from "./realism.ts";
import { dayCount, parseSynthSize, weekCount, weekOf } from "./sizes.ts";
import { synthesize } from "./synth.ts";

const tiny = { users: 300, items: 400, purchases: 7000 };

async function fingerprint(seed: number): Promise<string> {
  const dir = folderWith({});
  await synthesize({ size: tiny, seed, out: join(dir, "raw") });
  const manifest = await importHm(findHmFiles([join(dir, "raw")]), { out: join(dir, "data"), memoryLimitMb: 500 });
  return (
    manifest.fingerprint +
    createHash("sha256")
      .update(readFileSync(join(dir, "raw", "customers.csv")))
      .digest("hex")
  );
}

describe("synthesize", () => {
  it("gives the same shop for the same seed and another for another", async () => {
    expect(await fingerprint(5)).toBe(await fingerprint(5));
    expect(await fingerprint(6)).not.toBe(await fingerprint(5));
  });

  it("writes three files in the H&M layout and leaves nothing when it is cancelled", async () => {
    const dir = folderWith({});
    await synthesize({ size: tiny, seed: 1, out: join(dir, "raw") });
    expect(readdirSync(join(dir, "raw")).sort()).toEqual(["articles.csv", "customers.csv", "transactions.parquet"]);
    const cancelled = synthesize({ size: tiny, seed: 1, out: join(dir, "other"), signal: AbortSignal.abort() });
    await expect(cancelled).rejects.toThrow(/abort/i);
    expect(readdirSync(dir)).toEqual(["raw"]);
  });
});

/** Figures that do not depend on the size of the catalogue or of a week, and are steady with 6,000 customers. */
const scaleFree = [
  "tx_per_customer_mean",
  "tx_per_customer_median",
  "tx_single_share",
  "customer_gini",
  "basket_mean",
  "basket_median",
  "basket_one_share",
  "basket_p90",
  "inactive_90d",
  "channel_online",
  "basket_single_channel",
  "customer_single_channel",
  "season_ratio",
  "age_median",
  "age_missing",
  "fn_share",
  "club_active",
  "variants_per_product",
  "price_median",
  "days_to_50",
];

describe("realism of a shop with 6,000 customers", () => {
  const figures = new Map<string, Awaited<ReturnType<typeof measureRealism>>[number]>();

  beforeAll(async () => {
    const { mkdtempSync, rmSync } = await import("node:fs");
    const { tmpdir } = await import("node:os");
    const dir = mkdtempSync(join(tmpdir(), "modiste-synth-"));
    const raw = join(dir, "raw");
    await synthesize({ size: { users: 6000, items: 1200, purchases: 150_000 }, seed: 3, out: raw });
    await importHm(findHmFiles([raw]), { out: join(dir, "data") });
    for (const figure of await measureRealism(join(dir, "data"))) figures.set(figure.id, figure);
    rmSync(dir, { recursive: true, force: true });
  }, 60_000);

  it.each(scaleFree)("%s is inside its range", (id) => {
    expect(figures.get(id)).toMatchObject({ verdict: "inside" });
  });

  it("does not judge the twelve best sellers in so small a shop", () => {
    expect(figures.get("top12_articles")?.verdict).toBe("not_judged");
  });

  it("measures every figure of the table", () => {
    expect(figures.size).toBe(59);
  });
});

describe("calendar and life", () => {
  it("ends the last week with the last day", () => {
    expect(weekOf(dayCount - 1)).toBe(weekCount - 1);
    expect(weekOf(dayCount - 7)).toBe(weekCount - 1);
    expect(weekOf(0)).toBe(0);
  });

  it("finds the day of a share of the sales", () => {
    const calendar = createCalendar();
    expect(dayAtShare(calendar, 0)).toBe(0);
    expect(dayAtShare(calendar, 0.999999)).toBe(dayCount - 1);
    const random = createRandom(1);
    for (let i = 0; i < 200; i++) {
      const share = random.next();
      const day = dayAtShare(calendar, share);
      expect(calendar.cumulated[day]! <= share && share < calendar.cumulated[day + 1]!).toBe(true);
    }
  });

  it("spreads an article's demand over its life and adds up to one", () => {
    let sum = 0;
    for (let age = 0.05; age < 300; age += 0.1) sum += 0.1 * lifeAt(age, 100, 150);
    expect(sum).toBeCloseTo(1, 2);
    expect(lifeAt(-1, 100, 150)).toBe(0);
    expect(lifeAt(120, 100, 150)).toBe(0);
  });

  it("sells out of a Thursday's delivery until Wednesday, and never draws forever", () => {
    const random = createRandom(2);
    const tables = {
      start: Int32Array.of(0, 2, 3),
      items: Int32Array.of(7, 8, 9),
      accept: Float32Array.of(1, 1, 1),
      alias: Int32Array.of(0, 1, 2),
      slow: Uint8Array.of(0, 1, 1),
      left: Float64Array.of(1, 0.5, 0.2, 0.1, 0, 0, 0),
    };
    const shareOfSlow = (day: number): number => {
      let slow = 0;
      for (let i = 0; i < 2000; i++) slow += drawItem(tables, 0, day, random) === 8 ? 1 : 0;
      return slow / 2000;
    };
    const thursday = (Date.UTC(2020, 8, 17) - Date.UTC(2018, 8, 20)) / 86_400_000;
    expect(shareOfSlow(thursday)).toBeCloseTo(0.5, 1);
    expect(shareOfSlow(thursday + 1)).toBeCloseTo(0.333, 1);
    expect(shareOfSlow(thursday + 6)).toBeLessThan(0.01);
    expect(shareOfSlow(thursday + 7)).toBeCloseTo(0.5, 1);
    expect(drawItem(tables, 1, dayCount - 1, random)).toBe(9);
  });

  it("has all of a delivery at first and little of it once many pieces are sold", () => {
    expect(stockLeft(0)).toBe(1);
    expect(stockLeft(1)).toBeCloseTo(0.92, 2);
    expect(stockLeft(7)).toBeLessThan(0.05);
  });

  it("names the sizes when asked for another", () => {
    expect(() => parseSynthSize("huge")).toThrow(/size: expected small, medium, full, found huge/);
  });
});
