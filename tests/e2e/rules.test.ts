/** A shop's rules through HTTP: they shape the answer and are named in it, change without a restart, and are refused when they are wrong. */

import { spawn } from "node:child_process";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePorts } from "#libs/testing/free-port.ts";
import { openTestShop, type TestShop } from "../support/shop.ts";
import { type Answer, itemIds, type RunningShop, runOneProcess, until } from "./running-shop.ts";

let shop: TestShop;
let running: RunningShop;
let file: string;

beforeAll(async () => {
  shop = await openTestShop();
  file = join(shop.home, "rules.yaml");
  await write("rules: []\n");
  running = await runOneProcess(shop, { env: { MODISTE_GATEWAY_RULES_FILE: file } });
});

afterAll(async () => {
  await running?.close();
  await shop?.remove();
});

const now = 1_600_819_200;
const root = fileURLToPath(new URL("../..", import.meta.url));

async function write(text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

/** A whole answer under the rules of these names. */
const ask = (names: readonly string[], body: object = {}): Promise<Answer> =>
  until(
    () => running.post("/v1/recommendations", { user_id: shop.userIds[0], now, ...body }),
    ({ grade, coverage }) => grade === "FULL" && coverage.rules.join() === names.join(),
    20_000,
  );

const metric = async (name: string): Promise<string[]> =>
  (await (await fetch(`${running.url}/metrics`)).text()).split("\n").filter((line) => line.startsWith(name));

describe("rules", () => {
  it("pin, boost and hide by the file, each named in the answer and counted", async () => {
    const plain = await ask([]);
    const [first, second, third, ...rest] = itemIds(plain);
    const last = rest.at(-1)!;
    await write(`
rules:
  - name: lift-last
    when: { surfaces: home, users: known }
    then: { pin: [{ item: ${last}, position: 2 }, { item: no-such-item, position: 1 }] }
  - name: spare-first
    then: { hide: [{ items: ${first} }], boost: [{ where: { items: ${third} }, factor: 1000000 }] }
  - name: another-day
    when: { until: 2020-01-01 }
    then: { hide: [{ items: ${second} }] }
`);
    const ruled = await ask(["lift-last", "spare-first"]);
    expect(itemIds(ruled).slice(0, 3)).toEqual([third, last, second]);
    expect(itemIds(ruled)).not.toContain(first);
    expect(new Set(itemIds(ruled)).size).toBe(12);
    expect(ruled.coverage.removed.find(({ filter }) => filter === "hidden")).toEqual({ filter: "hidden", removed: 1 });
    const reasonsOf = (at: number) => ruled.items[at]!.reasons.filter(({ source }) => source === "rules");
    expect(reasonsOf(1)).toEqual([
      { kind: "pinned", source: "rules", because_item_id: "", text: "pinned by rule lift-last", rule: "lift-last" },
    ]);
    expect(ruled.items[1]!.reasons[0]).toEqual(reasonsOf(1)[0]);
    expect(reasonsOf(0).map(({ text }) => text)).toEqual(["boosted by rule spare-first"]);
    expect(ruled.items[0]!.reasons.length).toBeGreaterThan(1);
    expect(reasonsOf(2)).toEqual([]);
    expect((await metric('modiste_rules_applied_total{rule="lift-last"}')).join()).toMatch(/ [1-9]\d*$/);
    expect((await metric('modiste_rules_applied_total{rule="another-day"}')).join()).toMatch(/ 0$/);
    expect(await metric("modiste_rules_unknown")).toEqual(["modiste_rules_unknown 1"]);
    expect(running.logs.filter(({ msg }) => msg === "rules name what the catalogue does not have")).toHaveLength(1);
  });

  it("answer to the surface, and leave a list as it was once they are gone", async () => {
    const basket = await ask(["spare-first"], { surface: "basket" });
    expect(basket.items.flatMap(({ reasons }) => reasons.filter(({ kind }) => kind === "pinned"))).toEqual([]);
    await write("rules: []\n");
    const plain = await ask([]);
    expect(plain.items.flatMap(({ reasons }) => reasons.filter(({ rule }) => rule !== ""))).toEqual([]);
  });

  it("that are wrong are refused with a line of the log, and the ones before serve on", async () => {
    const top = itemIds(await ask([]))[3]!;
    await write(`rules: [{ name: top, then: { pin: [{ item: ${top}, position: 1 }] } }]\n`);
    await ask(["top"]);
    await write(
      "rules: [{ name: top, then: { pin: [{ item: x, position: 0 }], boost: [{ where: { attributes: { smell: x } }, factor: 0 }] } }]\n",
    );
    await until(
      () => metric("modiste_rules_refusals_total"),
      (lines) => lines.join() === "modiste_rules_refusals_total 1",
      20_000,
    );
    expect(itemIds(await ask(["top"]))[0]).toBe(top);
    const refusals = running.logs.filter(({ msg }) => msg.includes("refused"));
    expect(refusals).toMatchObject([
      {
        level: "error",
        problems: [
          "rules[0].then.pin[0].position: must be a whole number from 1 to 200",
          "rules[0].then.boost[0].where.attributes.smell: no attribute of the serving catalogue",
          expect.stringContaining("rules[0].then.boost[0].factor: must be a number above 1"),
        ],
      },
    ]);
  });

  it("that are wrong at start end the process with 2, every problem told", async () => {
    const other = await openTestShop();
    const bad = join(other.home, "bad.yaml");
    await writeFile(
      bad,
      "rules: [{ name: a, when: { surfaces: window }, then: { pin: [{ item: x, position: 201 }] } }, { name: a, then: {} }]\n",
    );
    const [rpc, admin] = await freePorts(2);
    const ports = { MODISTE_RPC_PORT: String(rpc), MODISTE_ADMIN_PORT: String(admin) };
    const env = { PATH: process.env.PATH ?? "", ...other.env, ...ports, MODISTE_RULES_FILE: bad };
    const child = spawn(process.execPath, ["--import", "tsx", "services/gateway/main.ts"], { cwd: root, env });
    let output = "";
    child.stderr.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    expect(await new Promise((resolve) => child.once("close", resolve))).toBe(2);
    for (const problem of [
      "the configuration has 4 problem(s)",
      `MODISTE_RULES_FILE: ${bad}: rules[0].when.surfaces[0]: must be one of home, product, basket, email`,
      "rules[0].then.pin[0].position: must be a whole number from 1 to 200",
      "rules[1].then: does nothing; expected pin, boost, bury or hide",
      "rules[1].name: a stands in [0] already",
    ]) {
      expect(output).toContain(problem);
    }
    await other.remove();
  });
});
