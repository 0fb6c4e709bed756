import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLogger } from "#libs/telemetry/log.ts";
import { createFixtureShop } from "#libs/testing/fixture.ts";
import { writeSmallRelease } from "#libs/testing/small-release.ts";
import { CandidateSourceDefinition, type GenerateRequest, type GenerateResponse } from "#protos/candidate_source.ts";
import { candidateSourceService } from "./candidate-source.ts";
import type { FleetRow } from "./fleet-row.ts";
import type { CandidateSource, Candidates, SourceQuery } from "./source.ts";
import { type StartedServices, startServices } from "./start.ts";

const shop = createFixtureShop();
/** What `retrieve` was asked, newest last. */
let asked: SourceQuery[];
let answer: (query: SourceQuery) => Candidates;
let home: string;
let started: StartedServices;

const columns = (items: readonly number[], because = -1): Candidates => ({
  items: Int32Array.from(items),
  scores: Float32Array.from(items, (_, i) => 1 - i / 10),
  reasons: Uint8Array.from(items, (_, i) => i % 2),
  because: new Int32Array(items.length).fill(because),
});

const echo: CandidateSource<unknown> = {
  reasons: ["first", "second"],
  fit: async () => undefined,
  load: async ({ part }) => part.meta(),
  retrieve: (_, query) => {
    asked.push(query);
    return answer(query);
  },
};

const row: FleetRow = {
  name: "echo",
  kind: "source",
  port: 0,
  budgetMs: 50,
  quota: 10,
  onFailure: "degrade",
  replicas: 1,
  resources: { cpu: 1, memoryMiB: 1 },
  module: async () => candidateSourceService("echo", echo),
};

beforeEach(async () => {
  asked = [];
  answer = () => columns([5, 6]);
  home = await mkdtemp(join(tmpdir(), "modiste-source-"));
  await writeSmallRelease(home, "r1", shop, ["echo"]);
  const env = { MODISTE_HOME: home, MODISTE_RPC_PORT: "0", MODISTE_ADMIN_PORT: "0" };
  started = await startServices([row], [], { env, log: (service) => createLogger({ service, level: "silent" }) });
});

afterEach(async () => {
  await started.close();
  await rm(home, { recursive: true, force: true });
});

const generate = (request: Partial<GenerateRequest> = {}): Promise<GenerateResponse> =>
  started.connector
    .connect(CandidateSourceDefinition, "local:echo")
    .generate({ release: "r1", limit: 10, nowSeconds: shop.nowSeconds, ...request });

describe("a candidate source as a service", () => {
  it("answers in the shop's ids, with words for reasons", async () => {
    answer = () => columns([5, 6], 7);
    expect(await generate()).toEqual({
      release: "r1",
      itemIds: ["item-5", "item-6"],
      scores: [1, Math.fround(0.9)],
      reasonIndexes: [0, 1],
      reasons: ["first", "second"],
      becauseItemIds: ["item-7", "item-7"],
    });
  });

  it("says nothing of a cause where there is none", async () => {
    expect((await generate()).becauseItemIds).toEqual(["", ""]);
  });

  it("is asked in dense indexes; items that the release does not know are left out", async () => {
    const events = { itemIds: ["item-1", "unknown", "item-9"], types: [3, 3, 1] as never, timesSeconds: [10, 20, 30], values: [0, 0, 0] };
    await generate({ events, seedItemIds: ["nobody", "item-4"], user: { known: true, attributes: { age: "31" } } });
    const query = asked.at(-1)!;
    expect([...query.items]).toEqual([1, 9]);
    expect([...query.times]).toEqual([10, 30]);
    expect([...query.types]).toEqual([3, 1]);
    expect([...query.seeds]).toEqual([4]);
    expect(query.attributes.get("age")).toBe("31");
    expect(query.allowed).toBeNull();
  });

  it("hands a filter on as the set of items that pass", async () => {
    await generate({ filter: { categories: ["coat"], attributes: [], priceMin: 0, priceMax: 0 } });
    const { allowed } = asked.at(-1)!;
    const coats = [...shop.catalog.category.codes].flatMap((code, item) => (shop.catalog.category.values[code] === "coat" ? [item] : []));
    expect([...allowed!.items]).toEqual(coats);
    expect(allowed!.mask.reduce((sum, bit) => sum + bit, 0)).toBe(coats.length);
  });

  it.each([
    ["a limit of 0", { limit: 0 }, "limit"],
    ["a limit above 1000", { limit: 1001 }, "limit"],
    [
      "a filter on what does not exist",
      { filter: { categories: [], attributes: [{ attribute: "moon", values: ["x"] }], priceMin: 0, priceMax: 0 } },
      "moon",
    ],
  ])("refuses %s, naming it", async (_, request, word) => {
    await expect(generate(request)).rejects.toMatchObject({ code: "invalid_argument", message: expect.stringContaining(word) });
  });

  it("calls more candidates than were asked for a bug of the source", async () => {
    answer = () => columns([1, 2, 3]);
    await expect(generate({ limit: 2 })).rejects.toMatchObject({ code: "internal" });
  });

  it("answers from its own release, and says so, where it does not have the pinned one", async () => {
    expect((await generate({ release: "r0" })).release).toBe("r1");
  });

  it("was warmed by the golden requests before anybody asked", () => {
    expect(asked.map(({ items, seeds }) => [[...items], [...seeds]])).toEqual([
      [[3, 4], []],
      [[], [3]],
    ]);
  });
});

describe("before the first release", () => {
  it("is not ready, and unavailable with what to do", async () => {
    const empty = await mkdtemp(join(tmpdir(), "modiste-source-"));
    const env = { MODISTE_HOME: empty, MODISTE_RPC_PORT: "0", MODISTE_ADMIN_PORT: "0" };
    const bare = await startServices([row], [], { env, log: (service) => createLogger({ service, level: "silent" }) });
    expect(bare.ready()).toContain("modiste train");
    const client = bare.connector.connect(CandidateSourceDefinition, "local:echo");
    await expect(client.generate({ limit: 1 })).rejects.toMatchObject({ code: "unavailable", reason: "release_missing" });
    await bare.close();
    await rm(empty, { recursive: true, force: true });
  });
});
