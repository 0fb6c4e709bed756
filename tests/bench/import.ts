/** Importing a synthetic shop from its raw files. */

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "#libs/core/clock.ts";
import { openDataset } from "#libs/data/dataset.ts";
import type { Figure } from "./report.ts";
import { residentMiB } from "./shop.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Runs a command of modiste; answers its seconds and the greatest resident memory seen, looked at ten times a second. */
async function measure(words: readonly string[]): Promise<{ seconds: number; peakMiB: number }> {
  const started = systemClock.monotonicMs();
  const child = spawn("node", ["--import", "tsx", "services/cli/main.ts", ...words], { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  let peakMiB = 0;
  const look = setInterval(() => {
    if (child.pid !== undefined && child.exitCode === null) peakMiB = Math.max(peakMiB, residentMiB(child.pid) || 0);
  }, 100);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  clearInterval(look);
  if (code !== 0) throw new Error(`modiste ${words.join(" ")} ended with ${code}`);
  return { seconds: (systemClock.monotonicMs() - started) / 1000, peakMiB };
}

/** `size` as in `modiste synth`. */
export async function benchImport(size: string): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), "modiste-bench-"));
  try {
    const raw = join(folder, "raw");
    const synth = await measure(["synth", "--size", size, "--seed", "1", "--out", raw]);
    const imported = await measure(["import", "hm", raw, "--out", join(folder, "data")]);
    const dataset = await openDataset(join(folder, "data"));
    const rows = dataset.manifest.counts.interactions;
    dataset.close();
    return [
      { name: `${size}.synth.seconds`, value: synth.seconds, unit: "s", better: "lower" },
      {
        name: `${size}.import.rate`,
        value: rows / imported.seconds,
        unit: "rows/s, start of the process included",
        better: "higher",
        budget: 500_000,
      },
      { name: `${size}.import.memory`, value: imported.peakMiB, unit: "MiB", better: "lower", budget: 4096 },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
