import { describe, expect, it } from "vitest";
import { createRandom } from "#libs/core/random.ts";
import { Assortment, evenPoint, normalQuantile } from "./assortment.ts";
import { createSections } from "./catalogue.ts";

function planned(seed: number, articles: number) {
  const sections = createSections(seed);
  const random = createRandom(seed);
  const assortment = new Assortment(sections, articles, 125, random);
  const plans = [];
  for (let planned = 0; planned < articles; ) {
    const plan = assortment.plan(1 + random.below(4), random);
    plans.push(plan);
    planned += plan.appeal.length;
  }
  return { sections, plans };
}

describe("Assortment", () => {
  it("fills every section to its share of the catalogue", () => {
    const { sections, plans } = planned(1, 5000);
    const articles = sections.map(() => 0);
    for (const plan of plans) articles[plan.section]! += plan.appeal.length;
    for (const [index, section] of sections.entries()) expect(Math.abs(articles[index]! - 5000 * section.catalogueShare)).toBeLessThan(6);
  });

  it("spreads launches and hits over the span, alike with every seed", () => {
    for (const seed of [1, 2, 3]) {
      const { plans } = planned(seed, 20_000);
      for (let part = 0; part < 5; part++) {
        const launched = plans.filter((plan) => Math.floor(plan.launch * 5) === part);
        const articles = launched.reduce((sum, plan) => sum + plan.appeal.length, 0);
        const hits = launched.reduce((sum, plan) => sum + (plan.isHit ? Math.min(2, plan.appeal.length) : 0), 0);
        expect(articles / 20_000).toBeCloseTo(0.2, 1);
        expect(hits / articles).toBeGreaterThan(0.16);
        expect(hits / articles).toBeLessThan(0.185);
      }
    }
  });

  it("gives the hits that come one after another even lives, alike with every seed", () => {
    for (const seed of [1, 2, 3]) {
      const { plans } = planned(seed, 20_000);
      const lives = plans.filter((plan) => plan.isHit).map((plan) => plan.life);
      for (let from = 0; from + 200 <= lives.length; from += 200) {
        const mean = lives.slice(from, from + 200).reduce((sum, life) => sum + life, 0) / 200;
        expect(Math.abs(mean)).toBeLessThan(0.1);
      }
    }
  });

  it("makes no more than two colours of a product hits", () => {
    const level = (plan: { appeal: readonly number[] }): number => plan.appeal.filter((appeal) => appeal > 2).length;
    expect(Math.max(...planned(4, 5000).plans.map(level))).toBe(2);
  });
});

describe("evenly spread points", () => {
  it("leave no tenth of the unit interval empty or full", () => {
    const tenths = new Array<number>(10).fill(0);
    for (let n = 0; n < 50; n++) tenths[Math.floor(evenPoint(0.37, n) * 10)]!++;
    expect(Math.min(...tenths)).toBeGreaterThanOrEqual(4);
    expect(Math.max(...tenths)).toBeLessThanOrEqual(6);
  });

  it("become normal by the inverse of the distribution", () => {
    const known = [
      [0.5, 0],
      [0.975, 1.959964],
      [0.01, -2.326348],
      [0.999, 3.090232],
    ];
    for (const [share, value] of known) expect(normalQuantile(share!)).toBeCloseTo(value!, 5);
  });
});
