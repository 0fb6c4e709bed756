import { describe, expect, it } from "vitest";
import type { Interactions } from "#libs/data/interactions.ts";
import { eventCode } from "#libs/events/event.ts";
import type { ItemCfArtifact } from "#libs/models/itemcf/vote.ts";
import type { SourceQuery } from "#libs/serve/source.ts";
import { createFixtureShop } from "#libs/testing/fixture.ts";
import { createMemoryPart } from "#libs/testing/memory-part.ts";
import { fixtureFitContext } from "#libs/testing/source-contract.ts";
import { itemcf } from "./source.ts";

const shop = createFixtureShop();
const now = shop.nowSeconds;
const day = 86_400;
const midnight = Math.floor(now / day) * day;

/** Views of 40 users: items 1, 2, 3 in this order, `step` seconds apart, the first at `start`. */
function browsing(start: number, step: number): Interactions {
  const users = 40;
  const views = [1, 2, 3];
  return {
    userCount: users,
    itemCount: shop.catalog.itemCount,
    offsets: Int32Array.from({ length: users + 1 }, (_, user) => user * views.length),
    items: Int32Array.from({ length: users * views.length }, (_, e) => views[e % views.length]!),
    times: Uint32Array.from({ length: users * views.length }, (_, e) => start + (e % views.length) * step),
    types: new Uint8Array(users * views.length).fill(eventCode.view),
    values: new Float32Array(users * views.length),
  };
}

async function served(interactions: Interactions, settings: Record<string, unknown> = {}): Promise<ItemCfArtifact> {
  const part = createMemoryPart("itemcf");
  await itemcf.fit(fixtureFitContext(shop, part, { interactions, settings: { sameProductSimilarity: 0, ...settings } }));
  return itemcf.load({ part: part.reader(), catalog: shop.catalog });
}

/** A view of each item, `ago` seconds before now. */
function query(views: readonly (readonly [item: number, ago: number])[], overrides: Partial<SourceQuery> = {}): SourceQuery {
  return {
    limit: 10,
    nowSeconds: now,
    items: Int32Array.from(views, ([item]) => item),
    times: Float64Array.from(views, ([, ago]) => now - ago),
    types: new Uint8Array(views.length).fill(eventCode.view),
    attributes: new Map(),
    seeds: new Int32Array(0),
    allowed: null,
    ...overrides,
  };
}

const named = (artifact: ItemCfArtifact, asked: SourceQuery): [number, string, number][] => {
  const { items, reasons, because } = itemcf.retrieve(artifact, asked);
  return [...items].map((item, c) => [item, itemcf.reasons[reasons[c]!]!, because[c]!]);
};

describe("itemcf sessions", () => {
  it("names what others viewed next while a session runs, and not after its end", async () => {
    const artifact = await served(browsing(midnight - 5 * day + 3600, 60), { sessionVote: 2 });
    expect(artifact.sessions!.index.ages.length).toBe(40);
    expect(named(artifact, query([[2, 10]]))[0]).toEqual([3, "viewed_next", 2]);
    expect(named(artifact, query([[2, 10]])).map(([item, reason]) => [item, reason])).toContainEqual([1, "same_session"]);
    const later = named(artifact, query([[2, 31 * 60]]));
    expect(new Set(later.map(([, reason]) => reason))).toEqual(new Set(["bought_together"]));
  });

  it("starts the running session after the last pause", async () => {
    const artifact = await served(browsing(midnight - 5 * day + 3600, 60), {
      sessionVote: 2,
      sessionMatchFactor: 0,
      sessionEarlierFactor: 0,
    });
    const because = named(
      artifact,
      query([
        [1, 4000],
        [2, 10],
      ]),
    ).filter(([, reason]) => reason === "viewed_next");
    expect(because).toEqual([[3, "viewed_next", 2]]);
  });

  it("adds the best session score as sessionVote times the best of the other votes", async () => {
    const interactions = browsing(midnight - 5 * day + 3600, 60);
    const [without, half, double] = await Promise.all([0, 0.5, 2].map((sessionVote) => served(interactions, { sessionVote })));
    const scoreOf = (artifact: ItemCfArtifact, item: number): number => {
      const { items, scores } = itemcf.retrieve(artifact, query([[2, 10]]));
      return scores[items.indexOf(item)]!;
    };
    const best = Math.max(scoreOf(without!, 1), scoreOf(without!, 3));
    expect(scoreOf(half!, 3) - scoreOf(without!, 3)).toBeCloseTo(0.5 * best, 5);
    expect(scoreOf(double!, 3) - scoreOf(without!, 3)).toBeCloseTo(2 * best, 5);
  });

  it("leaves a request for similar items alone", async () => {
    const artifact = await served(browsing(midnight - 5 * day + 3600, 60));
    const seeds = query([[2, 10]], { seeds: Int32Array.of(2) });
    expect(new Set(named(artifact, seeds).map(([, reason]) => reason))).toEqual(new Set(["bought_together"]));
  });

  it("learns no sessions from data of whole days: the answer is what it was without them", async () => {
    const days = browsing(midnight - 5 * day, 0);
    const artifact = await served(days);
    expect(artifact.sessions).toBeNull();
    const off = await served(days, { sessions: "off" });
    expect(itemcf.retrieve(artifact, query([[2, 10]]))).toEqual(itemcf.retrieve(off, query([[2, 10]])));
  });

  it("loads a part that was written before sessions were learned", async () => {
    const part = createMemoryPart("itemcf");
    const { itemCount } = shop.catalog;
    part.tensors({
      offsets: new Int32Array(itemCount + 1),
      neighbours: new Int32Array(0),
      similarities: new Float32Array(0),
      sales: new Float32Array(itemCount),
    });
    part.meta({ settings: {}, pairs: 0 });
    expect((await itemcf.load({ part: part.reader(), catalog: shop.catalog })).sessions).toBeNull();
  });
});
