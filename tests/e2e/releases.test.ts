/** Releases are swapped without a restart, refused by name when something is wrong with them, and rolled back exactly. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openFolderStore } from "#libs/release/folder-store.ts";
import { releaseFormat } from "#libs/release/manifest.ts";
import type { ReleaseStore } from "#libs/release/store.ts";
import { fleet } from "../../services/fleet.ts";
import { openTestShop, type TestShop } from "../support/shop.ts";
import { sourcesFor } from "../support/sources.ts";
import { type AlteredRelease, copyRelease } from "./altered-release.ts";
import { type Answer, itemIds, type RunningShop, runOneProcess, until } from "./running-shop.ts";

let shop: TestShop;
let running: RunningShop;
let store: ReleaseStore;

beforeAll(async () => {
  shop = await openTestShop();
  store = openFolderStore(join(shop.home, "releases"));
  running = await runOneProcess(shop);
});

afterAll(async () => {
  await running?.close();
  await shop?.remove();
});

const now = 1_600_819_200;
const ask = (user: string): Promise<Answer> => running.post("/v1/recommendations", { user_id: user, now });
/** A whole answer: no part was late on a busy machine. */
const wholeAnswer = (user: string): Promise<Answer> =>
  until(
    () => ask(user),
    ({ grade }) => grade === "FULL",
    200,
  );
const goldenAnswers = (): Promise<string[][]> => Promise.all(shop.userIds.map(async (user) => itemIds(await wholeAnswer(user))));

async function metrics(): Promise<string> {
  return (await fetch(`${running.url}/metrics`)).text();
}

/** What `promote` of older or newer code would do: ours refuses a manifest that it cannot read. */
const name = (id: string): Promise<void> => writeFile(join(shop.home, "releases", "current"), `${id}\n`);

/** Services that serve from releases: the sources, ranking, gateway. */
const followers = fleet.filter(({ kind }) => kind !== "profile").length;

const serving = (text: string, id: string): number =>
  text.match(new RegExp(`modiste_release_info\\{[^}]*release="${id}"\\} 1`, "g"))?.length ?? 0;

function refused(text: string, part = "[a-z0-9-]+"): number {
  const counts = text.matchAll(new RegExp(`modiste_release_refusals_total\\{part="${part}"\\} (\\d+)`, "g"));
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

const refusals = async (part: string): Promise<number> => refused(await metrics(), part);

/** Promotes and waits until every service of the process has swapped. */
async function promote(id: string): Promise<void> {
  await store.promote(id);
  await until(metrics, (text) => serving(text, id) === followers);
}

/** Names a release in `current` and waits until every service has swapped to it or refused it. */
async function nameFaulty(id: string): Promise<void> {
  const before = refused(await metrics());
  await name(id);
  await until(metrics, (text) => serving(text, id) + refused(text) - before === followers);
}

/** The ranking upside down: another release by its answers. */
async function reversed(id: string): Promise<AlteredRelease> {
  const altered = await copyRelease(shop.home, shop.release, id);
  await altered.tensors("ranking", (arrays) => {
    arrays.set(
      "coefficients",
      (arrays.get("coefficients") as Float64Array).map((value) => -value),
    );
  });
  return altered;
}

describe("a promoted release", () => {
  it("is swapped in under load without a failed request, and rolled back to the former answers exactly", async () => {
    const before = await goldenAnswers();
    await reversed("reversed");
    const seen = new Set<string>();
    let swapping = true;
    let answers = 0;
    // Each request that fails, or is not answered with 200, fails the test.
    const load = async (user: string): Promise<void> => {
      while (swapping) {
        const answer = await ask(user);
        seen.add(answer.releases.pinned!);
        expect(answer.items.length).toBe(12);
        answers++;
      }
    };
    const loads = shop.userIds.slice(0, 3).map(load);
    try {
      await until(
        async () => answers,
        (count) => count > 20,
        100_000,
      );
      await promote("reversed");
      const swappedAt = answers;
      await until(
        async () => answers,
        (count) => count > swappedAt + 20,
        1e7,
      );
    } finally {
      swapping = false;
    }
    await Promise.all(loads);
    expect([...seen]).toEqual([shop.release, "reversed"]);

    const after = await goldenAnswers();
    expect(after).not.toEqual(before);
    expect((await ask(shop.userIds[0]!)).releases.pinned).toBe("reversed");
    await promote(shop.release);
    expect(await goldenAnswers()).toEqual(before);
    expect((await ask(shop.userIds[0]!)).releases.pinned).toBe(shop.release);
  });
});

interface FaultyRelease {
  readonly what: string;
  readonly part: string;
  readonly make: (release: AlteredRelease) => Promise<void>;
  readonly reason: string;
  readonly says: string;
}

const faulty: readonly FaultyRelease[] = [
  {
    what: "a flipped bit",
    part: "popularity",
    make: (release) => release.flipBit("popularity"),
    reason: "release_sum",
    says: "part popularity: arrays.safetensors",
  },
  {
    what: "a missing file",
    part: "lightgcn",
    make: (release) => release.removeFile("lightgcn"),
    reason: "release_file_missing",
    says: "part lightgcn: arrays.safetensors",
  },
  {
    what: "a number that is none",
    part: "ranking",
    make: (release) => release.tensors("ranking", (arrays) => void (arrays.get("coefficients") as Float64Array).fill(Number.NaN, 3, 4)),
    reason: "release_not_finite",
    says: "part ranking: coefficients[3] is NaN",
  },
  {
    what: "an array of another shape",
    part: "ranking",
    make: (release) =>
      release.tensors("ranking", (arrays) => void arrays.set("coefficients", (arrays.get("coefficients") as Float64Array).slice(1))),
    reason: "tensor_shape",
    says: "part ranking: array coefficients has",
  },
  {
    what: "a part that is not there",
    part: "itemcf",
    make: (release) => release.manifest(({ parts: { itemcf: _, ...parts }, ...manifest }) => ({ ...manifest, parts })),
    reason: "part_missing",
    says: "has no part itemcf",
  },
  {
    what: "a newer format",
    part: "gateway",
    make: (release) => release.manifest((manifest) => ({ ...manifest, format: releaseFormat + 1 })),
    reason: "release_format_newer",
    says: `has format ${releaseFormat + 1}`,
  },
];

describe("a faulty release is refused by name, the old one keeps serving:", () => {
  it.each(faulty)("$what", async ({ what, part, make, reason, says }) => {
    const id = `bad-${what.replaceAll(" ", "-")}`;
    await make(await copyRelease(shop.home, shop.release, id));
    const [user] = shop.userIds;
    const before = itemIds(await wholeAnswer(user!));
    const counted = await refusals(part);
    await nameFaulty(id);
    expect(await refusals(part)).toBe(counted + 1);
    const line = running.logs.findLast(({ service, level }) => service === part && level === "error");
    expect(line).toMatchObject({ release: id, reason });
    expect(line!.msg).toContain(says);
    const after = await wholeAnswer(user!);
    if (after.coverage.sources.some(({ source }) => source === part)) expect(after.releases[part]).toBe(shop.release);
    // The copy holds the same numbers; but scores of a source that did not follow count as missing for the ranker.
    if (part === "ranking" || part === "gateway") expect(itemIds(after)).toEqual(before);
    expect(after.items.length).toBe(12);
    expect(running.started.ready()).toBeNull();
    await promote(shop.release);
    // Refused once, not at every look.
    expect(await refusals(part)).toBe(counted + 1);
  });

  it("and is taken when it was mended and promoted again", async () => {
    const mended = await copyRelease(shop.home, shop.release, "mended");
    const counted = await refusals("gateway");
    await mended.manifest((manifest) => ({ ...manifest, format: releaseFormat + 1 }));
    await expect(store.promote("mended")).rejects.toMatchObject({ reason: "release_format_newer" });
    await nameFaulty("mended");
    expect(await refusals("gateway")).toBe(counted + 1);
    await copyRelease(shop.home, shop.release, "between");
    await promote("between");
    await mended.manifest((manifest) => ({ ...manifest, format: releaseFormat }));
    await promote("mended");
    expect((await ask(shop.userIds[0]!)).releases.pinned).toBe("mended");
    await promote(shop.release);
  });
});

describe("a source that could not follow", () => {
  it("answers from its own release and says so; its scores count as missing for the ranker", async () => {
    const next = await copyRelease(shop.home, shop.release, "next");
    await next.flipBit("itemcf");
    const whole = await wholeAnswer(shop.userIds[4]!);
    const counted = await refusals("itemcf");
    await nameFaulty("next");
    expect(await refusals("itemcf")).toBe(counted + 1);
    const behind = await wholeAnswer(shop.userIds[4]!);
    const followed = sourcesFor("recommend").map((source) => [source, source === "itemcf" ? shop.release : "next"]);
    expect(behind.releases).toEqual({ pinned: "next", ...Object.fromEntries(followed) });
    expect(behind.coverage.sources.find(({ source }) => source === "itemcf")).toMatchObject({ outcome: "answered", release: shop.release });
    // Same numbers in every part: only the missing column of itemcf can have changed the scores.
    const scores = (answer: Answer): number[] => answer.items.map(({ score }) => score);
    expect(scores(behind)).not.toEqual(scores(whole));
    await promote(shop.release);
    expect(scores(await wholeAnswer(shop.userIds[4]!))).toEqual(scores(whole));
  });
});
