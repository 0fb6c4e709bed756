import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { buildPage } from "./build-page.ts";

it("the committed script is that of the sources; `npm run generate` writes it", async () => {
  expect(await readFile(new URL("dist/page.js", import.meta.url), "utf8")).toBe(await buildPage({ write: false }));
});
