/** What stood on the bus stands in the archive: profiles are rebuilt from it, the next data set learns from it, and who is forgotten is gone from it. */

import { existsSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { topics } from "#libs/bus/bus.ts";
import { openLmdbBus } from "#libs/bus/lmdb-bus.ts";
import { systemClock } from "#libs/core/clock.ts";
import { openDataset } from "#libs/data/dataset.ts";
import { Duck, sqlText } from "#libs/data/duck.ts";
import { importArchivedShop } from "#libs/data/importers/archived-shop.ts";
import { eventRecord } from "#libs/events/log-entry.ts";
import { stateFolders } from "#libs/serve/nearline.ts";
import type { CounterStore, ItemCounts } from "#libs/store/counter-store.ts";
import { openLmdbCounterStore } from "#libs/store/lmdb-counter-store.ts";
import { openLmdbProfileStore } from "#libs/store/lmdb-profile-store.ts";
import { encodeProfile } from "#libs/store/profile-codec.ts";
import type { ProfileStore } from "#libs/store/profile-store.ts";
import { subjectKey } from "#libs/store/subject-key.ts";
import { createLogger } from "#libs/telemetry/log.ts";
import { createMetrics } from "#libs/telemetry/metrics.ts";
import { type Archive, archiveTables, openArchive, openArchiveToWrite } from "../../services/cli/archive/archive-folder.ts";
import { archivedErasures, forgetErased } from "../../services/cli/archive/forget.ts";
import { archivedRates } from "../../services/cli/archive/rates.ts";
import { byReleaseAndSurface, ratesPage } from "../../services/cli/archive/rates-page.ts";
import { archiveTopic } from "../../services/cli/archive/write-archive.ts";
import { replayEvents } from "../../services/cli/events/replay.ts";
import { sendEvents } from "../../services/cli/events/send.ts";
import { homeFolders } from "../../services/cli/home.ts";
import { rebuildProfiles } from "../../services/cli/rebuild-profiles.ts";
import { eraseUser } from "../../services/gateway/intake/subjects.ts";
import { followEvents } from "../../services/profile/follow-events.ts";
import { openTestShop, type TestShop } from "../support/shop.ts";
import { type Answer, type EventResults, itemIds, type RunningShop, runOneProcess } from "./running-shop.ts";

let shop: TestShop;
let running: RunningShop | undefined;
let items: string[];

beforeAll(async () => {
  shop = await openTestShop();
});
afterEach(async () => {
  await running?.close();
  running = undefined;
});
afterAll(() => shop?.remove());

const signal = new AbortController().signal;
const keyOf = (subject: string): string => subjectKey(subject, homeFolders(shop.home).subjectHashKey);
const stateFolder = (name: keyof typeof stateFolders): string => join(shop.home, "state", stateFolders[name]);

/** What the archive command does. */
async function archive(): Promise<Archive> {
  const folder = openArchiveToWrite(join(shop.home, "archive"));
  const bus = openLmdbBus(stateFolder("bus"));
  for (const table of archiveTables) await archiveTopic(bus, folder, table, signal);
  await bus.close();
  await forgetErased(folder, keyOf);
  folder.close();
  return openArchive(folder.path);
}

async function sql<Row>(archived: Archive, table: "events" | "served", query: string): Promise<Row[]> {
  const duck = await Duck.open({ memoryLimitMb: 512 });
  const files = archived.files(table).map(({ path }) => sqlText(path));
  try {
    return await duck.rows<Row>(query.replace("{}", `read_parquet([${files.join(", ")}])`));
  } finally {
    duck.close();
  }
}

/** All that two stores hold, as bytes and counts. */
async function contents(profiles: ProfileStore, counters: CounterStore): Promise<{ profiles: Map<string, string>; counts: ItemCounts[] }> {
  const held = new Map<string, string>();
  for await (const [key, profile] of profiles.all()) held.set(key, Buffer.from(encodeProfile(profile)).toString("base64"));
  const { items: counted } = await counters.changes("");
  return { profiles: held, counts: [...counted].sort((a, b) => (a.itemId < b.itemId ? -1 : 1)) };
}

it("events come back to a gateway from a file of lines, with refusals told", async () => {
  running = await runOneProcess(shop);
  items = itemIds(await running.get<Answer>("/v1/popular?n=60"));
  const lines = items.map((item_id, i) =>
    JSON.stringify({
      event_id: `sent-${i}`,
      user_id: `sender-${i % 9}`,
      item_id,
      type: i % 3 === 0 ? "purchase" : "view",
      value: i % 3 === 0 ? 9.5 : 0,
    }),
  );
  const file = join(shop.home, "events.ndjson");
  writeFileSync(file, [...lines, '{"user_id":"x"}', "nonsense"].join("\n"));
  const rejects = join(shop.home, "rejects.ndjson");
  const sent = await sendEvents({ file, url: running.url, key: undefined, rejects, signal, say: () => undefined });
  expect(sent).toEqual({ sent: 62, accepted: 60, refused: 2 });
  const refused = readFileSync(rejects, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { reason: string; line: string });
  expect(refused.map(({ reason }) => reason)).toEqual(["no_item", "bad_line"]);
  expect(refused[1]!.line).toBe("nonsense");
  await expect(
    sendEvents({ file, url: "http://127.0.0.1:9", key: undefined, rejects: undefined, signal, say: () => undefined }),
  ).rejects.toThrow("no gateway answers at http://127.0.0.1:9");
});

it("a replay prints what was sent, from an offset or an instant on", async () => {
  const bus = openLmdbBus(stateFolder("bus"));
  const lines: string[] = [];
  expect(await replayEvents(bus, { offset: 0 }, (line) => lines.push(line))).toBe(60);
  expect(JSON.parse(lines[3]!)).toMatchObject({ event_id: "sent-3", subject: "sender-3", item_id: items[3], type: "purchase", value: 9.5 });
  expect(await replayEvents(bus, { offset: 50 }, () => undefined)).toBe(10);
  expect(await replayEvents(bus, { publishedSeconds: systemClock.nowSeconds() + 60 }, () => undefined)).toBe(0);
  await bus.close();
});

it("the archive grows from where it ended, and holds events and answers that can be joined", async () => {
  running = await runOneProcess(shop);
  const answers = await Promise.all(
    shop.userIds.slice(0, 5).map((user) => running!.get<Answer>(`/v1/recommendations?user_id=${user}&surface=home`)),
  );
  const bought = answers.slice(0, 2).map((answer, i) => ({
    user_id: shop.userIds[i],
    item_id: answer.items[i]!.item_id,
    type: i === 0 ? "purchase" : "view",
    recommendation_id: answer.recommendation_id,
    position: i,
  }));
  await running.post<EventResults>("/v1/events", {
    events: [...bought, { ...bought[1]!, item_id: items[0], recommendation_id: "another" }],
  });
  await running.close();
  running = undefined;
  const archived = await archive();
  expect((await sql<{ n: number }>(archived, "events", "SELECT count(*)::DOUBLE AS n FROM {}"))[0]!.n).toBe(63);
  const before = archived.files("events").map(({ path }) => path);
  expect((await archive()).files("events").map(({ path }) => path)).toEqual(before);
  const rates = await archivedRates(archived);
  const home = byReleaseAndSurface(rates).find(({ name }) => name.endsWith(" home"))!;
  expect(home).toMatchObject({ shown: 120, clicked: 1, bought: 1 });
  expect(rates.unmatched).toBe(1);
  expect(rates.places.filter(({ bought: hits }) => hits > 0).map(({ place }) => place)).toEqual([0]);
  expect(ratesPage(rates)).toContain("<svg");
});

it("profiles and counters rebuilt from seed, archive and log equal what stood before, byte for byte", async () => {
  running = await runOneProcess(shop);
  const [known, gone, later] = shop.userIds.slice(2, 5) as [string, string, string];
  const event = (user_id: string, i: number, type: string) => ({ event_id: `r-${user_id}-${i}`, user_id, item_id: items[i], type });
  await running.post("/v1/events", {
    events: [event(known, 1, "view"), event(gone, 2, "purchase"), { session_id: "sx", item_id: items[3], type: "like" }],
  });
  await fetch(`${running.url}/v1/users/${gone}`, { method: "DELETE" });
  await running.post(`/v1/users/${known}/sessions`, { session_id: "sx" });
  await expect.poll(async () => JSON.stringify(await running!.get(`/v1/users/${known}`))).toContain('"type":"like"');
  await running.post("/v1/events", { events: [event(gone, 4, "view")] });
  const archived = await archive();
  // Behind the archive: the log alone.
  await running.post("/v1/events", { events: [event(later, 5, "purchase"), event(known, 6, "dislike"), event(known, 6, "dislike")] });
  await running.close();
  running = undefined;

  const stood = { profiles: openLmdbProfileStore(stateFolder("profiles")), counters: openLmdbCounterStore(stateFolder("counters")) };
  const before = await contents(stood.profiles, stood.counters);
  const fresh = {
    profiles: openLmdbProfileStore(join(shop.home, "rebuilt", "profiles")),
    counters: openLmdbCounterStore(join(shop.home, "rebuilt", "counters")),
  };
  const folders = homeFolders(shop.home);
  const rebuilt = await rebuildProfiles({ folders, data: "tiny", before: undefined, archive: archived, into: fresh });
  expect(rebuilt.applied).toBeGreaterThan(60);
  expect((await contents(fresh.profiles, fresh.counters)).profiles).not.toEqual(before.profiles);
  const bus = openLmdbBus(stateFolder("bus"));
  const log = createLogger({ service: "profile", level: "silent" });
  const follower = await followEvents({ bus, ...fresh, keyOf, log, metrics: createMetrics(), clock: systemClock });
  const [[partition, end]] = [...(await bus.ends(topics.events))] as [[string, number]];
  await expect.poll(() => fresh.counters.position(partition)).toBe(end);
  await follower.close();
  const after = await contents(fresh.profiles, fresh.counters);
  expect(after.profiles.size).toBe(before.profiles.size);
  expect(after.profiles).toEqual(before.profiles);
  // What was erased is counted no more: the archive has forgotten it.
  const others = (counts: readonly ItemCounts[]) => counts.filter(({ itemId }) => itemId !== items[2]);
  expect(others(after.counts)).toEqual(others(before.counts));
  await expect(rebuildProfiles({ folders, data: "tiny", before: undefined, archive: archived, into: fresh })).rejects.toThrow(
    "give an empty one",
  );
  for (const store of [stood.profiles, stood.counters, fresh.profiles, fresh.counters, bus]) await store.close();
});

it("who was forgotten is in no file of the archive but for a keyed hash, and not in the next data set; the others are", async () => {
  running = await runOneProcess(shop);
  const gone = shop.userIds[1]!;
  await running.post("/v1/events", { events: [{ user_id: "newcomer", item_id: items[7], type: "purchase", value: 3 }] });
  await fetch(`${running.url}/v1/users/${gone}`, { method: "DELETE" });
  await running.close();
  running = undefined;
  const archived = await archive();
  const mentions = await sql<{ n: number }>(archived, "events", `SELECT count(*)::DOUBLE AS n FROM {} WHERE subject = ${sqlText(gone)}`);
  expect(mentions[0]!.n).toBe(0);
  const answered = await sql<{ n: number }>(
    archived,
    "served",
    `SELECT count(*)::DOUBLE AS n FROM {} WHERE list_contains(subjects, ${sqlText(gone)})`,
  );
  expect(answered[0]!.n).toBe(0);
  for (const folder of readdirSync(join(archived.path, "events"))) {
    for (const name of readdirSync(join(archived.path, "events", folder)))
      expect(readFileSync(join(archived.path, "events", folder, name)).includes(gone)).toBe(false);
  }
  const erased = new Set((await archivedErasures(archived)).map(({ key }) => key));
  expect(erased.has(keyOf(gone))).toBe(true);

  const out = join(shop.home, "data", "continued");
  const manifest = await importArchivedShop({
    base: join(shop.home, "data", "tiny"),
    files: archived.files("events").map(({ path }) => path),
    isForgotten: (user) => erased.has(keyOf(user)),
    out,
  });
  const continued = await openDataset(out);
  const users = await continued.loadUsers();
  const interactions = await continued.loadInteractions();
  expect(users.ids).not.toContain(gone);
  const newcomer = users.ids.indexOf("newcomer");
  expect(newcomer).toBeGreaterThan(0);
  const { ids } = await continued.loadCatalog();
  const [from, end] = [interactions.offsets[newcomer]!, interactions.offsets[newcomer + 1]!];
  expect([...interactions.items.subarray(from, end)].map((item) => ids[item])).toEqual([items[7]]);
  expect(interactions.values[from]).toBe(3);
  expect(manifest.importer).toBe("archive");
  expect(users.ids.some((id) => id.startsWith("session:"))).toBe(false);
  continued.close();
});

describe("an archive of one writer", () => {
  const bus = () => openLmdbBus(stateFolder("bus"));
  const folder = (name: string) => join(shop.home, name);

  it("lets nobody else write, and takes over from a writer that died", () => {
    const first = openArchiveToWrite(folder("locked"));
    expect(() => openArchiveToWrite(folder("locked"))).toThrow(`${hostname()} ${process.pid} (host and process) writes the archive`);
    first.close();
    // No process has this id: it is above what Linux gives out.
    writeFileSync(join(folder("locked"), "lock"), `${hostname()} ${2 ** 30}`);
    openArchiveToWrite(folder("locked")).close();
  });

  it("takes over from a writer of another host once its lock has been silent, not before", () => {
    openArchiveToWrite(folder("elsewhere")).close();
    const file = join(folder("elsewhere"), "lock");
    writeFileSync(file, "archive-29381-x7k2p 1");
    expect(() => openArchiveToWrite(folder("elsewhere"))).toThrow("archive-29381-x7k2p 1 (host and process) writes the archive");
    const before = new Date(Date.now() - 301_000);
    utimesSync(file, before, before);
    openArchiveToWrite(folder("elsewhere")).close();
  });

  it("forgets what a run that broke off wrote, and nothing that others read meanwhile is lost", async () => {
    const path = folder("broken-off");
    const writer = openArchiveToWrite(path);
    const log = bus();
    await archiveTopic(log, writer, "events", signal);
    const vouched = openArchive(path)
      .files("events")
      .map((file) => file.path);
    const unfinished = writer.fileFor("events", "e/0", 900_000, 900_001);
    writeFileSync(unfinished, "half");
    expect(
      openArchive(path)
        .files("events")
        .map((file) => file.path),
    ).toEqual(vouched);
    expect(existsSync(unfinished)).toBe(true);
    writer.close();
    openArchiveToWrite(path).close();
    expect(existsSync(unfinished)).toBe(false);
    expect(
      openArchive(path)
        .files("events")
        .map((file) => file.path),
    ).toEqual(vouched);
    await log.close();
  });

  it("refuses files without positions, keeps them, and makes nothing where there is nothing to read", async () => {
    const path = folder("no-positions");
    const writer = openArchiveToWrite(path);
    const log = bus();
    await archiveTopic(log, writer, "events", signal);
    await log.close();
    writer.close();
    const [file] = openArchive(path).files("events");
    rmSync(join(path, "positions.json"));
    for (const open of [openArchive, openArchiveToWrite])
      expect(() => open(path)).toThrow("positions.json does not say how far the archive goes");
    expect(existsSync(file!.path)).toBe(true);
    expect(() => openArchive(folder("typo"))).toThrow("there is no archive in");
    expect(existsSync(folder("typo"))).toBe(false);
  });

  it("forgets across epochs by time, and says which data set it cannot vouch for", async () => {
    const path = folder("epochs");
    const before = openLmdbBus(folder("bus-a"));
    const after = openLmdbBus(folder("bus-b"));
    const event = {
      eventId: "x",
      subject: "moved",
      itemId: items[0]!,
      type: "view" as const,
      timeSeconds: 1,
      value: 0,
      quantity: 1,
      surface: "",
      recommendationId: "",
      position: 0,
    };
    await before.publish(topics.events, [eventRecord(event)]);
    await eraseUser({ subject: "moved" }, { nowSeconds: 2, wallSeconds: systemClock.nowSeconds() }, after, keyOf);
    const writer = openArchiveToWrite(path);
    for (const log of [before, after]) await archiveTopic(log, writer, "events", signal);
    expect(writer.cleared).toBe(false);
    expect(await forgetErased(writer, keyOf)).toBe(1);
    expect(writer.cleared).toBe(true);
    writer.close();
    expect((await sql<{ n: number }>(openArchive(path), "events", "SELECT count(*)::DOUBLE AS n FROM {} WHERE kind = 'event'"))[0]!.n).toBe(
      0,
    );
    await before.close();
    await after.close();
  });
});
