import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { ModisteError } from "#libs/core/errors.ts";
import { openArchive } from "../archive/archive-folder.ts";
import { archivedRates } from "../archive/rates.ts";
import { byReleaseAndSurface, rateHead, rateRows, ratesPage } from "../archive/rates-page.ts";
import { homeFolders, homeOption } from "../home.ts";
import { print, table } from "../terminal.ts";

/** Throws `invalid_argument` naming the file when it cannot be written. */
function writePage(file: string, page: string): void {
  try {
    writeFileSync(file, page);
  } catch (cause) {
    const message = `${file} cannot be written: ${(cause as Error).message}`;
    throw new ModisteError("invalid_argument", "file_unwritable", message, { cause, field: "--html" });
  }
}

async function report(flags: { home?: string; archive?: string; html?: string; json: boolean }): Promise<void> {
  const rates = await archivedRates(openArchive(flags.archive ?? join(homeFolders(flags.home).home, "archive")));
  if (flags.html !== undefined) writePage(flags.html, ratesPage(rates));
  if (flags.json) return print(JSON.stringify(rates, null, 2));
  print(table([[...rateHead], ...rateRows(byReleaseAndSurface(rates))]));
  print(
    `${rates.answers} answers${rates.unmatched > 0 ? `; ${rates.unmatched} events name an answer or item that the archive does not hold` : ""}`,
  );
  if (flags.html !== undefined) print(`by place, with plots: ${flags.html}`);
}

export function reportCommand(): Command {
  return new Command("report")
    .description("click and purchase rates of answers by release, surface and place, from the archive")
    .option(...homeOption)
    .option("--archive <folder>", "the archive (default: archive/ in the home folder)")
    .option("--html <file>", "also as one HTML file with plots")
    .option("--json", "counts as JSON", false)
    .action(report);
}
