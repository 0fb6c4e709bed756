import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Duck, sqlFile, sqlName, sqlText } from "./duck.ts";

describe("SQL texts", () => {
  it("brings every text and name through a statement unchanged", async () => {
    const duck = await Duck.open({ memoryLimitMb: 100 });
    const texts = fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\0"));
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        const row = await duck.row<Record<string, string>>(`SELECT ${sqlText(text)} AS ${sqlName('a"b')}`);
        expect(row['a"b']).toBe(text);
      }),
      { numRuns: 50 },
    );
    duck.close();
  });

  it("refuses a file whose placeholder has no value", () => {
    expect(() => sqlFile("count-rows")).toThrow(/count-rows\.sql: no value for \{\{file\}\}/);
  });

  it("stops a statement when the caller leaves", async () => {
    const duck = await Duck.open({ memoryLimitMb: 100 });
    const controller = new AbortController();
    const running = duck.run("SELECT count(*) FROM range(100000000000) a, range(1000) b", { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    await expect(running).rejects.toThrow(/abort/i);
    duck.close();
  });
});
