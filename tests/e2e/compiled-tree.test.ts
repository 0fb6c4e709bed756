/** What images run: the compiled tree trains with its worker threads, serves and recommends, without a loader. */

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { freePorts } from "#libs/testing/free-port.ts";
import { buildTree } from "../../scripts/build-tree.ts";
import { openTestShop, type TestShop } from "../support/shop.ts";
import { httpShop, until } from "./running-shop.ts";

// Packages are looked for in folders above.
const tree = fileURLToPath(new URL(`../../node_modules/.cache/modiste-tree-${process.pid}`, import.meta.url));
const main = join(tree, "services/cli/main.js");
let shop: TestShop;

beforeAll(async () => {
  await buildTree(tree);
  shop = await openTestShop();
}, 120_000);

afterAll(async () => {
  await shop?.remove();
  await rm(tree, { recursive: true, force: true });
});

it("holds every file that is started by its address", () => {
  const missing: string[] = [];
  let addresses = 0;
  for (const path of readdirSync(tree, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".js"))) {
    const file = join(tree, path);
    for (const [, address] of readFileSync(file, "utf8").matchAll(/new URL\(["'](\.[^"'$]+\.(?:js|ts))["'], import\.meta\.url\)/g)) {
      addresses++;
      if (!existsSync(join(dirname(file), address!))) missing.push(`${path}: ${address}`);
    }
  }
  expect(missing).toEqual([]);
  expect(addresses).toBeGreaterThan(5);
});

it("trains on two threads", { timeout: 180_000 }, async () => {
  const words = ["train", "--home", shop.home, "--data", "tiny", "--threads", "2", "--no-gate", "--no-promote"];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [main, ...words]);
  expect(stdout + stderr).toMatch(/trained release \S+/);
});

it("serves and recommends", { timeout: 60_000 }, async () => {
  const [port] = await freePorts(1);
  const env = { PATH: process.env.PATH ?? "", ...shop.env, MODISTE_HTTP_PORT: String(port), MODISTE_LOG_LEVEL: "info" };
  const child: ChildProcess = spawn(process.execPath, [main, "serve"], { env, stdio: ["ignore", "inherit", "pipe"] });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  try {
    for await (const line of createInterface({ input: child.stderr! })) if (line.includes('"msg":"serving"')) break;
    const answer = await until(
      () => httpShop(`http://127.0.0.1:${port}`).post("/v1/recommendations", { user_id: shop.userIds[0] }),
      ({ grade }) => grade === "FULL",
      200,
    );
    expect(answer.items).toHaveLength(12);
  } finally {
    child.kill("SIGTERM");
  }
  expect(await ended).toBe(0);
});
