/** Commands that a clock or a cluster starts: one round, and nothing where nothing is to be done. */

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { prepareCommand } from "../../services/cli/commands/prepare.ts";
import { retrainCommand } from "../../services/cli/commands/retrain.ts";
import { openTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
beforeAll(async () => {
  shop = await openTestShop();
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => shop?.remove());

/** What a command prints. */
async function printed(work: () => Promise<unknown>): Promise<string> {
  const lines: string[] = [];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => lines.push(String(text)) > 0);
  await work();
  return lines.join("");
}

const retrain = (words: readonly string[]): Promise<unknown> =>
  retrainCommand().parseAsync(["--home", shop.home, "--data", "tiny", ...words], { from: "user" });
const made = (): Promise<string[]> => readdir(join(shop.home, "releases"));

it("retrains not when a release was made of the very data, and says so", async () => {
  const before = await made();
  expect(await printed(() => retrain(["--once"]))).toBe("tiny has not changed since a release was made of it\n");
  expect(await made()).toEqual(before);
});

it.each([[[]], [["--once", "--every", "1d"]]])("refuses to retrain %j: once, or again and again", async (words) => {
  await expect(retrain(words)).rejects.toThrow("either --every or --once must be given");
});

it("prepares nothing where a release serves", async () => {
  const before = await made();
  expect(await printed(() => prepareCommand().parseAsync(["--home", shop.home], { from: "user" }))).toBe("");
  expect(await made()).toEqual(before);
});
