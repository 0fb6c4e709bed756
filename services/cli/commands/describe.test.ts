import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { shop } from "#libs/data/importers/fixture.ts";
import { describeCommand } from "./describe.ts";
import { importCommand } from "./import.ts";

afterEach(() => void vi.restoreAllMocks());

async function run(command: typeof importCommand, args: readonly string[]): Promise<string> {
  const written: string[] = [];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => written.push(String(text)) > 0);
  vi.spyOn(process.stderr, "write").mockImplementation(() => true);
  await command().parseAsync(args, { from: "user" });
  vi.restoreAllMocks();
  return written.join("");
}

describe("modiste import and describe", () => {
  it("says what was imported, what is in it, and writes a page whose texts are escaped", async () => {
    const dir = shop(["2020-09-16,ann,0108775015,0.05,2", "2020-08-17,bob,0108775044,0.02,1"]);
    const out = join(dir, "data");
    expect(await run(importCommand, ["hm", dir, "--out", out, "--name", "<b>shop</b>", "--memory-mb", "300"])).toMatch(/interactions +2\n/);
    const page = join(dir, "page.html");
    const text = await run(describeCommand, [out, "--html", page]);
    expect(text).toMatch(/history, mean +1\.0/);
    expect(text).toMatch(/2020-08 +1 +█+/);
    expect(text).toMatch(/Scarf +1 +█+/);
    const html = readFileSync(page, "utf8");
    expect(html).toContain("&lt;b&gt;shop&lt;/b&gt;");
    expect(html).not.toContain("<b>shop");
    expect(html).toMatch(/<svg[^>]*>.*<rect/s);
  });
});
