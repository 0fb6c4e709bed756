import { describe, expect, it } from "vitest";
import { barPlot, formatCount, progressLine, table } from "./terminal.ts";

function screen(isTTY: boolean): { written: string[]; isTTY: boolean; columns: number; write(text: string): boolean } {
  const written: string[] = [];
  return { written, isTTY, columns: 200, write: (text: string) => written.push(text) > 0 };
}

function stepClock(times: readonly number[]): { nowSeconds(): number; monotonicMs(): number } {
  let at = 0;
  return { nowSeconds: () => 0, monotonicMs: () => times[Math.min(at++, times.length - 1)]! };
}

describe("progressLine", () => {
  it("redraws one line on a terminal, with rate and time left", () => {
    const output = screen(true);
    const line = progressLine(output, stepClock([0, 2000]));
    line.progress({ step: "reading", done: 0, total: 4000, unit: "rows" });
    line.progress({ step: "reading", done: 1000, total: 4000, unit: "rows" });
    line.end();
    expect(output.written).toEqual([
      "\r\u001b[2Kreading  0 of 4000 rows (0 %)",
      "\r\u001b[2Kreading  1000 of 4000 rows (25 %), 500 rows/s, 6 s left",
      "\n",
    ]);
  });

  it("writes a line every five seconds elsewhere", () => {
    const output = screen(false);
    const line = progressLine(output, stepClock([0, 1000, 4999, 5000]));
    for (const done of [0, 1, 2, 3]) line.progress({ step: "reading", done, total: 0, unit: "rows" });
    line.end();
    expect(output.written).toHaveLength(2);
    expect(output.written[1]).toBe("reading  3 rows, 0.6 rows/s\n");
  });
});

describe("table and plots", () => {
  it("aligns names left and numbers right", () => {
    expect(
      table([
        ["name", "n"],
        ["a", 5],
        ["long", 12],
      ]),
    ).toBe("name   n\na      5\nlong  12");
  });

  it("draws bars to the largest value in eighths", () => {
    expect(
      barPlot(
        [
          { label: "a", value: 2 },
          { label: "bb", value: 1 },
        ],
        3,
      ),
    ).toBe("a   2  ███\nbb  1  █▌");
    expect(barPlot([{ label: "a", value: 0 }], 3)).toBe("a  0");
  });

  it("shortens counts", () => {
    expect([5, 9999, 12_345, 1_234_567, 3e9, 0.25].map(formatCount)).toEqual(["5", "9999", "12 k", "1.2 M", "3.0 G", "0.3"]);
  });
});
