/** Generates the raw files of an invented shop, shaped by the figures of a real one. The same seed and size give the same files. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { noProgress, type Progress } from "#libs/core/progress.ts";
import { createRandom } from "#libs/core/random.ts";
import { openStaging } from "../staging.ts";
import { createCatalogue, createSections, createStyles, type Section, type SynthCatalogue } from "./catalogue.ts";
import { type CustomerSettings, createCustomer } from "./customers.ts";
import { type Calendar, createCalendar, createWeekTables, type WeekTables } from "./demand.ts";
import { customerCells, customerHeader, LineWriter, writeArticles, writeTransactions } from "./files.ts";
import { addPurchases, createPurchaseColumns, type PurchaseColumns } from "./purchases.ts";
import type { SynthSize } from "./sizes.ts";

export interface SynthOptions {
  readonly size: SynthSize;
  readonly seed: number;
  /** Folder for articles.csv, customers.csv and transactions.parquet. */
  readonly out: string;
  readonly force?: boolean;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** Purchases a customer makes at day factor 1, measured with 100,000 customers. */
const purchasesAtFactorOne = 18.95;

/** Writes the three files and answers how many purchases there are. Nothing is left behind on failure. */
export async function synthesize(options: SynthOptions): Promise<{ readonly purchases: number }> {
  const { size, seed } = options;
  const progress = options.progress ?? noProgress;
  const folder = openStaging(options.out, { force: options.force ?? false, marker: "articles.csv" });
  try {
    const sections = createSections(seed);
    const catalogue = createCatalogue(seed, size.items, sections, size.purchases);
    writeArticles(join(folder.dir, "articles.csv"), seed, catalogue, sections);
    progress({ step: "synth: catalogue", done: size.items, total: size.items, unit: "items" });
    const calendar = createCalendar();
    const tables = createWeekTables(seed, catalogue, { sections, calendar, purchases: size.purchases });
    const rows = await drawPurchases(options, folder.dir, { sections, catalogue, calendar, tables });
    await writeTransactions(folder.dir, rows, catalogue, progress);
    for (const name of ["synth.duckdb", "synth.duckdb.wal", "spill"]) rmSync(join(folder.dir, name), { recursive: true, force: true });
    folder.commit();
    return { purchases: rows.count };
  } finally {
    folder.discard();
  }
}

interface Shop {
  readonly sections: readonly Section[];
  readonly catalogue: SynthCatalogue;
  readonly calendar: Calendar;
  readonly tables: WeekTables;
}

async function drawPurchases(options: SynthOptions, dir: string, shop: Shop): Promise<PurchaseColumns> {
  const { size, seed } = options;
  const settings: CustomerSettings = {
    sections: shop.sections,
    styles: createStyles(seed),
    calendar: shop.calendar,
    dayFactor: size.purchases / size.users / purchasesAtFactorOne,
  };
  const rows = createPurchaseColumns(Math.ceil(size.purchases * 1.15) + 1000);
  const writer = new LineWriter(join(dir, "customers.csv"), customerHeader);
  try {
    for (let user = 0; user < size.users; user++) {
      const random = createRandom(seed, `user:${user}`);
      const customer = createCustomer(settings, random);
      writer.write(customerCells(seed, user, customer));
      addPurchases(rows, user, customer, shop.catalogue, shop.tables, random);
      if (user % 2000 !== 0) continue;
      options.signal?.throwIfAborted();
      (options.progress ?? noProgress)({ step: "synth: customers", done: user, total: size.users, unit: "customers" });
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    writer.close();
  }
  return rows;
}
