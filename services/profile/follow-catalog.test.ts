import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type BusRecord, type EventBus, readPublished, topics } from "#libs/bus/bus.ts";
import { openLmdbBus } from "#libs/bus/lmdb-bus.ts";
import { encodeWord, readWord } from "#libs/catalog/codec.ts";
import { type ItemWord, unsaid } from "#libs/catalog/item-word.ts";
import type { ChangeStore } from "#libs/store/change-store.ts";
import { openLmdbChangeStore } from "#libs/store/lmdb-change-store.ts";
import { createLogger } from "#libs/telemetry/log.ts";
import { createMetrics } from "#libs/telemetry/metrics.ts";
import { followCatalogTopic } from "./follow-catalog.ts";
import type { Follower } from "./supervise.ts";

let folder: string;
let bus: EventBus;
let changes: ChangeStore;
let follower: Follower;

const open = (): void => {
  bus = openLmdbBus(join(folder, "bus"));
  changes = openLmdbChangeStore(join(folder, "changes"));
};
const log = createLogger({ service: "profile", level: "silent" });
const follow = async (into: ChangeStore = changes): Promise<void> => {
  follower = await followCatalogTopic({ bus, changes: into, log, metrics: createMetrics() });
};
const close = async (): Promise<void> => {
  await follower.close();
  await bus.close();
  await changes.close();
};
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "modiste-catalog-"));
  open();
});
afterEach(async () => {
  await close();
  await rm(folder, { recursive: true, force: true });
});

const said = (itemId: string, word: Partial<ItemWord> = {}): BusRecord => ({
  key: itemId,
  value: encodeWord({ ...unsaid(itemId), withdrawn: false, changeId: "c", timeSeconds: 1, ...word }),
});
const publish = (...records: readonly BusRecord[]): Promise<void> => bus.publish(topics.catalog, records, { untilApplied: true });

/** The change log as who follows it reads it. */
async function read(): Promise<ItemWord[]> {
  return (await changes.since(0, 100)).flatMap(({ value }) => {
    const found = readWord(value);
    return "word" in found ? [found.word] : [];
  });
}

describe("the follower of the catalogue's topic", () => {
  it("holds of each item all that was said, in one batch or in several", async () => {
    await follow();
    await publish(said("a", { name: "Hat", category: "Hats", price: 5 }), said("b", { price: 1 }), said("a", { price: 7 }));
    await publish(said("a", { attributes: { colour: "Red" } }), said("b", { withdrawn: true }));
    await publish(said("a", { available: false, attributes: { size: "S" } }));
    const [b, a] = await read();
    expect(b).toMatchObject({ itemId: "b", price: 1, withdrawn: true });
    expect(a).toMatchObject({ name: "Hat", category: "Hats", price: 7, available: false, attributes: { colour: "Red", size: "S" } });
  });

  it("changes nothing when everything is replayed, whatever came since", async () => {
    await follow();
    await publish(said("a", { name: "Hat", category: "Hats", price: 5 }), said("b", { withdrawn: true }));
    await publish(said("a", { price: 7 }), said("b", { price: 2 }));
    await follower.close();
    const [before, last] = [await read(), await changes.last()];
    // A member that believes to stand at the start delivers everything again: what it appends has been appended.
    let asked = 0;
    await follow({ ...changes, position: async (partition) => (asked++ === 0 ? 0 : changes.position(partition)) });
    await publish(said("c", { price: 1 }));
    expect((await read()).filter(({ itemId }) => itemId !== "c")).toEqual(before);
    expect((await changes.since(last, 10)).map(({ itemId }) => itemId)).toEqual(["c"]);
  });

  it("comes to the same when a batch is applied by two members at once", async () => {
    await follow();
    await publish(said("a", { name: "Hat", category: "Hats", price: 5 }));
    await follower.close();
    await bus.publish(topics.catalog, [said("a", { price: 6 }), said("a", { name: "Cap" })]);
    // While this member is about to append, another one does.
    const { append } = changes;
    let late = true;
    await follow({
      ...changes,
      append: async (...words) => {
        if (late) await append(...words);
        late = false;
        await append(...words);
      },
    });
    await publish(said("b", { price: 1 }));
    expect((await read()).map(({ itemId, name, price }) => [itemId, name, price])).toEqual([
      ["a", "Cap", 6],
      ["b", null, 1],
    ]);
  });

  it("puts what is no change on the dead-letter topic and goes on", async () => {
    await follow();
    await publish(
      { key: "a", value: Uint8Array.of(255, 255, 1) },
      { ...said("a"), key: "b" },
      said("a", { price: -3 }),
      said("a", { price: 4 }),
    );
    const causes: string[] = [];
    await readPublished(bus, topics.dead, async ({ records }) => {
      for (const { value } of records) causes.push((JSON.parse(Buffer.from(value).toString()) as { cause: string }).cause);
    });
    expect(causes).toEqual([expect.stringContaining("not an item change"), "its key is not its item_id", expect.stringContaining("price")]);
    expect((await read()).map(({ price }) => price)).toEqual([4]);
    expect(follower.problem()).toBeNull();
  });

  it("begins after a restart where the store stands, and says while it fails", async () => {
    await follow({ ...changes, append: () => Promise.reject(new Error("disk full")) });
    await publish(said("a", { price: 4 }));
    await new Promise((resolve) => setImmediate(resolve));
    expect(follower.problem()).toContain("changes of the catalogue are not applied");
    await close();
    open();
    await follow();
    await publish(said("b", { price: 5 }));
    expect((await read()).map(({ itemId, price }) => [itemId, price])).toEqual([
      ["a", 4],
      ["b", 5],
    ]);
  });
});
