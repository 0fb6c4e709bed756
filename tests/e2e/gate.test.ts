/** The gate: what is worse, poisoned or damaged does not get to serve, and the decision stands in the release. */

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { secondsPerWeek, systemClock } from "#libs/core/clock.ts";
import { noProgress } from "#libs/core/progress.ts";
import { openFolderStore } from "#libs/release/folder-store.ts";
import type { ReleaseManifest } from "#libs/release/manifest.ts";
import type { PartWriter } from "#libs/release/part.ts";
import { releaseBefore } from "#libs/release/rollback.ts";
import type { ReleaseStore } from "#libs/release/store.ts";
import { type GuardedOptions, trainGuarded } from "../../services/cli/gate/guarded-train.ts";
import { verifyRelease } from "../../services/cli/gate/sanity.ts";
import type { CheckpointOptions } from "../../services/cli/training/checkpoints.ts";
import { loadTrainingData } from "../../services/cli/training/load-data.ts";
import { type FleetModels, loadModels } from "../../services/fleet.ts";
import { openTestShop, type TestShop } from "../support/shop.ts";
import { type AlteredRelease, copyRelease } from "./altered-release.ts";

let shop: TestShop;
let store: ReleaseStore;
let models: FleetModels;

beforeAll(async () => {
  shop = await openTestShop();
  store = openFolderStore(join(shop.home, "releases"));
  models = await loadModels();
});

afterAll(() => shop?.remove());

async function guarded(changes: Partial<GuardedOptions> = {}): Promise<GuardedOptions> {
  const signal = new AbortController().signal;
  return {
    data: await loadTrainingData(join(shop.home, "data/tiny"), noProgress, signal),
    models,
    store,
    scratch: join(shop.home, "gate"),
    seed: 1,
    threads: 1,
    rankerUsersMax: 500,
    codeVersion: "test",
    settings: {},
    progress: noProgress,
    signal,
    clock: systemClock,
    onStep: () => undefined,
    ...changes,
  };
}

/** Writes coefficients times a factor. */
function scaled(part: PartWriter, factor: number): PartWriter {
  return {
    ...part,
    tensors: (arrays) => {
      const { coefficients } = arrays;
      part.tensors(coefficients ? { ...arrays, coefficients: (coefficients as Float64Array).map((value) => factor * value) } : arrays);
    },
  };
}

/** The same ranker upside down, and one that says nothing. */
const negated = (part: PartWriter): PartWriter => scaled(part, -1);
const silenced = (part: PartWriter): PartWriter => scaled(part, 0);

/** The store whose serving release has another manifest. */
const storeOf = (change: (own: ReleaseManifest) => ReleaseManifest): ReleaseStore => ({
  ...store,
  manifest: async (id) => {
    const own = await store.manifest(id);
    return id === shop.release ? change(own) : own;
  },
});

/** The serving release has not seen the week, and so is scored as it is. */
const notSeen = (own: ReleaseManifest): ReleaseManifest => ({
  ...own,
  data: { ...own.data, end_seconds: own.data.end_seconds - secondsPerWeek },
});

describe("a candidate held against the serving release on the last week", () => {
  it("passes when it is as good, with its figures and intervals in the manifest", async () => {
    const { promotion, metrics, parent } = await trainGuarded(await guarded({ settings: { itemcf: { historyItems: 59 } } }));
    expect(promotion).toMatchObject({ decision: "passed", reasons: [] });
    expect(parent).toBe(shop.release);
    const map = promotion.watched["map@12"]!;
    expect(map.candidate.value).toBeGreaterThan(0);
    expect(map.difference.low).toBeLessThanOrEqual(map.difference.value);
    expect(map.difference.high).toBeGreaterThanOrEqual(map.difference.value);
    expect(metrics["holdout.map@12"]).toMatchObject({ value: map.candidate.value, low: expect.any(Number), high: expect.any(Number) });
    expect(await store.current()).toBe(shop.release);
  });

  it("is refused when it is worse, saying on which figure by how much", async () => {
    const { ranker } = models;
    const upsideDown: FleetModels = {
      ...models,
      ranker: { ...ranker, fit: (context) => ranker.fit({ ...context, part: negated(context.part) }) },
    };
    const { promotion } = await trainGuarded(await guarded({ store: storeOf(notSeen), models: upsideDown }));
    expect(promotion.decision).toBe("refused");
    expect(promotion.reasons.join("\n")).toMatch(/loss of map@12: -0\.\d+ \(/);
    expect(promotion.watched["map@12"]!.difference.high).toBeLessThan(0);
  });

  it("may have a source that the serving release does not have: a row was added to the fleet since", async () => {
    const before = storeOf((own) => {
      const { content: _, ...parts } = own.parts;
      return notSeen({ ...own, parts });
    });
    const { promotion, parts } = await trainGuarded(await guarded({ store: before }));
    // Which of the two is better says nothing here, where the serving one has seen the week in truth: they are compared, nothing is thrown.
    expect(promotion.decision).not.toBe("unchecked");
    expect(promotion.watched["map@12"]!.current.value).toBeGreaterThan(0);
    expect(Object.keys(parts)).toContain("content");
  });

  it("is the first where nothing serves, and not compared with a release of later data", async () => {
    const empty = openFolderStore(join(shop.home, "other-releases"));
    expect((await trainGuarded(await guarded({ store: empty }))).promotion).toMatchObject({ decision: "first" });
    const later = storeOf((own) => ({ ...own, data: { ...own.data, end_seconds: own.data.end_seconds + secondsPerWeek } }));
    const { promotion } = await trainGuarded(await guarded({ store: later }));
    expect(promotion).toMatchObject({
      decision: "unchecked",
      reasons: [expect.stringContaining("end before those of the serving release")],
    });
  });

  it("is refused when what was written is unsound, also where it was not to be compared", async () => {
    const { ranker } = models;
    const constant: FleetModels = {
      ...models,
      ranker: { ...ranker, fit: (context) => ranker.fit({ ...context, part: silenced(context.part) }) },
    };
    const { promotion, id } = await trainGuarded(await guarded({ compare: false, models: constant }));
    expect(promotion.decision).toBe("refused");
    expect(promotion.reasons.join()).toContain("constant_scores: the ranker");
    expect((await store.manifest(id)).promotion.decision).toBe("refused");
  });
});

describe("a release with SASRec", () => {
  const sasrec = { dimensions: 8, feedForward: 8, blocks: 1, length: 10, epochs: 1 };
  let release: ReleaseManifest;
  beforeAll(async () => {
    release = await trainGuarded(await guarded({ compare: false, settings: { sasrec } }));
  });

  /** The same models, whose SASRec scores as `scores` says. */
  const scoring = (scores: (own: Float64Array) => Float64Array): FleetModels => ({
    ...models,
    sequence: {
      ...models.sequence,
      loadReleaseSequence: async (...from) => {
        const own = await models.sequence.loadReleaseSequence(...from);
        return own && { ...own, scores: (state, items) => scores(own.scores(state, items)) };
      },
    },
  });

  it("holds it as a part of its own, names it in its recipe, and is sound", async () => {
    expect(Object.keys(release.parts)).toContain("sasrec");
    expect(release.parts.sasrec!.files.map(({ name }) => name)).toEqual(["arrays.safetensors", "encoder.onnx", "meta.json"]);
    expect(release.recipe!.settings).toEqual({ sasrec });
    expect(release.promotion.reasons).toEqual(["training was told not to compare"]);
    const { sequence } = await verifyRelease(store, release.id, models);
    expect(sequence!.settings).toMatchObject(sasrec);
    expect((await verifyRelease(store, shop.release, models)).sequence).toBeNull();
  });

  it("is refused where its scores are constant, or none", async () => {
    await expect(
      verifyRelease(
        store,
        release.id,
        scoring((own) => own.fill(1)),
      ),
    ).rejects.toThrow(/constant_scores: SASRec gives all items/);
    await expect(
      verifyRelease(
        store,
        release.id,
        scoring((own) => own.fill(Number.NaN, 3, 4)),
      ),
    ).rejects.toThrow(/non_finite: SASRec scores item 3/);
  });

  it("is refused where a file of the part is damaged, or its arrays are of another training", async () => {
    const flipped = await copyRelease(shop.home, release.id, "sasrec-flipped");
    await flipped.flipBit("sasrec");
    await expect(verifyRelease(store, flipped.id, models)).rejects.toThrow(/part sasrec: \S+ does not have the SHA-256/);
    const foreign = await copyRelease(shop.home, release.id, "sasrec-foreign");
    await foreign.tensors("sasrec", (arrays) => void (arrays.get("positions") as Float32Array).reverse());
    await expect(verifyRelease(store, foreign.id, models)).rejects.toThrow(/part sasrec: golden history .* do not belong together/);
  });
});

describe("a release that Wide & Deep ranks", () => {
  const settings = {
    sasrec: { dimensions: 8, feedForward: 8, blocks: 1, length: 10, epochs: 1 },
    ranking: { kind: "wide-deep", hidden1: 16, hidden2: 8, epochs: 1 },
  };
  let release: ReleaseManifest;
  /** Of every checkpoint that was written, and "removed". */
  const kept: (number | "removed")[] = [];
  beforeAll(async () => {
    const checkpoints: CheckpointOptions = {
      every: 1,
      resume: null,
      write: async ({ step }) => void kept.push(step),
      remove: async () => void kept.push("removed"),
    };
    release = await trainGuarded(await guarded({ settings, checkpoints }));
  });

  it("was compared, and leaves the checkpoints to the training of the release itself", () => {
    expect(Object.keys(release.promotion.watched)).not.toHaveLength(0);
    // Trainings that shared them would write each step twice, or go on from each other's.
    expect(kept).toEqual([...Array.from({ length: kept.length - 1 }, (_, i) => i + 1), "removed"]);
    expect(kept.length).toBeGreaterThan(2);
  });

  it("reads SASRec's states, and answers its golden requests again when it is read back", async () => {
    expect(release.recipe!.settings).toEqual(settings);
    expect(release.parts.ranking!.files.map(({ name }) => name)).toEqual(["arrays.safetensors", "meta.json", "ranker.onnx"]);
    const { model, sequence } = await verifyRelease(store, release.id, models);
    expect(model.ranker.model(model.artifact)).toBe("wide-deep");
    expect(sequence!.tables.d).toBe(8);
  });

  it("is refused where its arrays are of another training", async () => {
    const foreign = await copyRelease(shop.home, release.id, "wide-deep-foreign");
    await foreign.tensors("ranking", (arrays) => void (arrays.get("embeddings") as Float32Array).fill(3));
    await expect(verifyRelease(store, foreign.id, models)).rejects.toThrow(/golden_differs|constant_scores/);
  });
});

interface Poison {
  readonly what: string;
  readonly poison: (release: AlteredRelease) => Promise<void>;
  readonly says: RegExp;
}

const poisons: readonly Poison[] = [
  {
    what: "a number that is none",
    poison: (release) => release.tensors("ranking", (arrays) => void (arrays.get("coefficients") as Float64Array).fill(Number.NaN, 0, 1)),
    says: /part ranking: coefficients\[0\] is NaN/,
  },
  {
    what: "constant scores of the ranker",
    poison: (release) => release.tensors("ranking", (arrays) => void (arrays.get("coefficients") as Float64Array).fill(0)),
    says: /constant_scores: the ranker/,
  },
  {
    what: "constant vectors of a source",
    poison: (release) => release.tensors("lightgcn", (arrays) => void (arrays.get("vectors") as Float32Array).fill(1)),
    says: /constant_scores: source lightgcn/,
  },
  {
    what: "a vocabulary shifted by one",
    // The first id moves to the end: every other item answers for its neighbour.
    poison: (release) =>
      release.tensors("vocabulary", (arrays) => {
        const [bytes, offsets] = [arrays.get("ids#utf8") as Uint8Array, arrays.get("ids#offsets") as Uint32Array];
        const first = offsets[1]!;
        arrays.set("ids#utf8", Uint8Array.of(...bytes.subarray(first), ...bytes.subarray(0, first)));
        arrays.set("ids#offsets", Uint32Array.of(...offsets.subarray(1).map((offset) => offset - first), bytes.length));
      }),
    says: /golden_differs: golden request/,
  },
  { what: "a wrong sum", poison: (release) => release.flipBit("popularity"), says: /part popularity: arrays\.safetensors/ },
  { what: "a missing file", poison: (release) => release.removeFile("itemcf"), says: /part itemcf/ },
];

describe("a poisoned release is refused:", () => {
  it.each(poisons)("$what", async ({ what, poison, says }) => {
    const release = await copyRelease(shop.home, shop.release, `poisoned-${what.replaceAll(" ", "-")}`);
    await poison(release);
    await expect(verifyRelease(store, release.id, models)).rejects.toThrow(says);
  });

  it("one and the same list for all", async () => {
    const release = await copyRelease(shop.home, shop.release, "collapsed");
    await release.manifest((manifest) => {
      const [first] = manifest.golden.filter(({ events }) => events.item_ids.length > 0);
      return {
        ...manifest,
        golden: manifest.golden.map((golden) => ({ ...golden, events: first!.events, attributes: {}, items: first!.items })),
      };
    });
    await expect(verifyRelease(store, release.id, models)).rejects.toThrow(/popularity_collapse/);
  });

  it("while a whole one is not", async () => {
    await expect(verifyRelease(store, shop.release, models)).resolves.toMatchObject({ manifest: { id: shop.release } });
  });
});

describe("rollback", () => {
  it("goes to what served before, two of them two back, and no further than the first", async () => {
    for (const id of ["second", "third"]) {
      await copyRelease(shop.home, shop.release, id);
      await store.promote(id);
    }
    expect(await releaseBefore(store)).toBe("second");
    await store.promote("second", "rollback");
    expect(await releaseBefore(store)).toBe(shop.release);
    await store.promote(shop.release, "rollback");
    await expect(releaseBefore(store)).rejects.toMatchObject({ reason: "release_first" });
  });
});
