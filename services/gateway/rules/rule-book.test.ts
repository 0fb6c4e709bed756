import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLogger } from "#libs/telemetry/log.ts";
import { type ProcessTelemetry, startTelemetry } from "#libs/telemetry/telemetry.ts";
import type { GatewayRelease } from "../release.ts";
import { queryOf, sixItems } from "../test-shop.fixture.ts";
import { openRuleBook, type RuleBook } from "./rule-book.ts";

let folder: string;
let file: string;
let telemetry: ProcessTelemetry;
let release: GatewayRelease | null;
let logged: Record<string, unknown>[];
let closers: (() => void | Promise<void>)[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "modiste-rules-"));
  file = join(folder, "rules.yaml");
  telemetry = await startTelemetry({ version: "0", recentTraces: 0 });
  release = sixItems();
  logged = [];
  closers = [];
});

afterEach(async () => {
  for (const close of closers) await close();
  await telemetry.close();
  await rm(folder, { recursive: true });
});

/** Written beside it and renamed, as docs/rules.md asks for. */
async function write(text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

/** Looks at the file only when the test does, unless told otherwise. */
function open(intervalMs = 1e9): Promise<RuleBook> {
  const destination = { write: (line: string) => void logged.push(JSON.parse(line) as Record<string, unknown>) };
  const log = createLogger({ service: "gateway", level: "info", destination });
  const context = {
    log,
    telemetry: telemetry.service("gateway"),
    onClose: (close: () => void | Promise<void>) => void closers.push(close),
  };
  return openRuleBook({ file, release: () => release, context, intervalMs });
}

const hide = (name: string, item = "a0"): string => `rules: [{ name: ${name}, then: { hide: [{ items: [${item}] }] } }]\n`;
const names = (book: RuleBook): readonly string[] => book.match(queryOf({ release: release! })).names;
const series = async (name: string): Promise<string[]> =>
  (await telemetry.metrics.text()).split("\n").filter((line) => line.startsWith(name));

describe("the rules in force", () => {
  it("are none without a file, and nothing is said or counted", async () => {
    file = "";
    const book = await open();
    expect(names(book)).toEqual([]);
    expect(logged).toEqual([]);
    expect(await series("modiste_rules")).toEqual([]);
  });

  it("follow the file without being asked", async () => {
    await write(hide("one"));
    const book = await open(1);
    expect(names(book)).toEqual(["one"]);
    await write(hide("two"));
    for (let looks = 0; names(book)[0] !== "two" && looks < 5000; looks++) await new Promise((resolve) => setImmediate(resolve));
    expect(names(book)).toEqual(["two"]);
  });

  it("stay when a changed file is bad or gone, which is logged and counted once, and change with the next good one", async () => {
    await write(hide("one"));
    const book = await open();
    await write("rules: [{ name: One, then: {} }, { name: two }]\n");
    for (let looks = 0; looks < 3; looks++) await book.refresh();
    expect(names(book)).toEqual(["one"]);
    expect(await series("modiste_rules_refusals_total")).toEqual(["modiste_rules_refusals_total 1"]);
    const refusals = logged.filter(({ level }) => level === "error");
    expect(refusals).toHaveLength(1);
    expect(refusals[0]).toMatchObject({
      msg: `the changed rule file ${file} is refused; the rules before serve on`,
      problems: [
        "rules[0].name: must be lower-case letters, digits, - and _, at most 64",
        "rules[0].then: does nothing; expected pin, boost, bury or hide",
        expect.stringContaining("rules[1].then: "),
      ],
    });
    await rm(file);
    await book.refresh();
    expect(names(book)).toEqual(["one"]);
    expect(await series("modiste_rules_refusals_total")).toEqual(["modiste_rules_refusals_total 2"]);
    await write(hide("three"));
    await book.refresh();
    expect(names(book)).toEqual(["three"]);
  });

  it("have one series each, from the start until they are gone", async () => {
    await write(hide("one"));
    const book = await open();
    expect(await series("modiste_rules_applied_total")).toEqual(['modiste_rules_applied_total{rule="one"} 0']);
    const applied = book.match(queryOf({ release: release! }));
    book.count(applied);
    expect(await series("modiste_rules_applied_total")).toEqual(['modiste_rules_applied_total{rule="one"} 1']);
    await write(hide("two"));
    await book.refresh();
    book.count(applied);
    expect(await series("modiste_rules_applied_total")).toEqual(['modiste_rules_applied_total{rule="two"} 0']);
    expect(await series("modiste_rules_loaded")).toEqual(["modiste_rules_loaded 1"]);
  });

  it("tell once a release what it does not have", async () => {
    await write(hide("one", "gone, a0, b9"));
    const book = await open();
    names(book);
    names(book);
    const warnings = logged.filter(({ level }) => level === "warn");
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatchObject({ release: "r1", count: 2, names: ['item "gone"', 'item "b9"'] });
    expect(await series("modiste_rules_unknown")).toEqual(["modiste_rules_unknown 2"]);
    release = sixItems();
    names(book);
    expect(logged.filter(({ level }) => level === "warn")).toHaveLength(2);
  });

  it("wait for the release that brings their attribute", async () => {
    await write(hide("one"));
    const book = await open();
    await write("rules: [{ name: two, then: { hide: [{ attributes: { smell: sweet } }] } }]\n");
    await book.refresh();
    expect(names(book)).toEqual(["one"]);
    const next = sixItems();
    const smell = { name: "smell", values: ["sweet"], codes: Int32Array.of(0, -1, -1, -1, -1, -1) };
    release = { ...next, manifest: { ...next.manifest, id: "r2" }, catalog: { ...next.catalog, attributes: [smell] } };
    await book.refresh();
    expect(names(book)).toEqual(["two"]);
    expect(await series("modiste_rules_refusals_total")).toEqual(["modiste_rules_refusals_total 1"]);
  });
});

describe("a bad file at start", () => {
  it("is a wrong configuration, every problem of which is listed", async () => {
    await write(
      "rules: [{ name: a, then: { pin: [{ item: x, position: 0 }] } }, { name: a, then: { hide: [{ attributes: { smell: x } }] } }]\n",
    );
    await expect(open()).rejects.toMatchObject({
      reason: "config_invalid",
      problems: [
        { variable: "MODISTE_RULES_FILE", message: `${file}: rules[0].then.pin[0].position: must be a whole number from 1 to 200` },
        { message: `${file}: rules[1].then.hide[0].attributes.smell: no attribute of the serving catalogue` },
        { message: `${file}: rules[1].name: a stands in [0] already` },
      ],
    });
  });

  it("is one that cannot be read, or that is too large", async () => {
    await expect(open()).rejects.toMatchObject({ problems: [{ message: expect.stringContaining("cannot be read: ENOENT") }] });
    await write("#".repeat((1 << 20) + 1));
    await expect(open()).rejects.toMatchObject({ problems: [{ message: `${file}: has 1048577 bytes, at most 1048576 are read` }] });
  });

  it("is not one that names an attribute while no release serves", async () => {
    release = null;
    await write("rules: [{ name: a, then: { hide: [{ attributes: { smell: x } }] } }]\n");
    const book = await open();
    release = sixItems();
    expect(book.match(queryOf({ release })).names).toEqual(["a"]);
    expect(logged.filter(({ level }) => level === "warn")).toMatchObject([{ names: ['smell "x"'] }]);
  });
});
