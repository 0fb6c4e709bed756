/** Writing the invented shop as raw files in the H&M layout: articles.csv, customers.csv, transactions.parquet. */
import { createHash } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DATE, DuckDBDataChunk, DuckDBDateValue, INTEGER, TINYINT } from "@duckdb/node-api";
import type { Progress } from "#libs/core/progress.ts";
import { createRandom, hashString } from "#libs/core/random.ts";
import { Duck, sqlFile } from "../duck.ts";
import type { Section, SynthCatalogue } from "./catalogue.ts";
import type { Customer } from "./customers.ts";
import type { PurchaseColumns } from "./purchases.ts";
import { dayCount, firstDay } from "./sizes.ts";
import { appearances, colourMasters, details, fits, groups, inventedName, materials, productTypes, shades } from "./words.ts";

/** Buffered lines of a text file. */
export class LineWriter {
  private readonly descriptor: number;
  private lines: string[] = [];

  constructor(path: string, header: string) {
    this.descriptor = openSync(path, "w");
    this.lines.push(header);
  }

  write(cells: readonly (string | number)[]): void {
    this.lines.push(cells.map(csvCell).join(","));
    if (this.lines.length >= 4096) this.flush();
  }

  close(): void {
    this.flush();
    closeSync(this.descriptor);
  }

  private flush(): void {
    if (this.lines.length > 0) writeSync(this.descriptor, `${this.lines.join("\n")}\n`);
    this.lines = [];
  }
}

function csvCell(value: string | number): string {
  const text = String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const articleHeader =
  "article_id,product_code,prod_name,product_type_no,product_type_name,product_group_name,graphical_appearance_no,graphical_appearance_name," +
  "colour_group_code,colour_group_name,perceived_colour_value_id,perceived_colour_value_name,perceived_colour_master_id," +
  "perceived_colour_master_name,department_no,department_name,index_code,index_name,index_group_no,index_group_name,section_no,section_name," +
  "garment_group_no,garment_group_name,detail_desc";

/** 10 digits with leading zeros, as in the real files: 7 of the product, 3 of the variant. */
export function articleId(catalogue: SynthCatalogue, item: number): string {
  const product = catalogue.product[item]!;
  return `${productCode(product)}${String(item - catalogue.productStart[product]! + 1).padStart(3, "0")}`;
}

function productCode(product: number): string {
  return String(100_000 + product * 7).padStart(7, "0");
}

export function writeArticles(path: string, seed: number, catalogue: SynthCatalogue, sections: readonly Section[]): void {
  const writer = new LineWriter(path, articleHeader);
  for (let item = 0; item < catalogue.itemCount; item++) writer.write(articleCells(seed, catalogue, sections, item));
  writer.close();
}

function articleCells(seed: number, catalogue: SynthCatalogue, sections: readonly Section[], item: number): (string | number)[] {
  const product = catalogue.product[item]!;
  const random = createRandom(seed, `text:${product}`);
  const sectionNumber = catalogue.section[item]!;
  const section = sections[sectionNumber]!;
  const type = productTypes[catalogue.type[item]!]!;
  const group = groups[section.group]!.name;
  const colour = catalogue.colour[item]!;
  const shade = catalogue.shade[item]!;
  const appearance = catalogue.appearance[item]!;
  const [material, fit, detail] = [materials, fits, details].map((list) => list[random.below(list.length)]!);
  const description = `${fit![0]!.toUpperCase()}${fit!.slice(1)} ${type.name.toLowerCase()} in ${material} with ${detail}.`;
  const department = `${section.name} ${type.garmentGroup}`;
  return [
    articleId(catalogue, item),
    productCode(product),
    `${inventedName(product)} ${type.name.toLowerCase()}`,
    catalogue.type[item]! + 1,
    type.name,
    type.kind,
    appearance + 1,
    appearances[appearance]!,
    String(colour * 4 + shade).padStart(2, "0"),
    `${shades[shade]}${colourMasters[colour]}`,
    shade + 1,
    shades[shade]!.trim() || "Medium",
    colour + 1,
    colourMasters[colour]!,
    1000 + (hashString(department) % 9000),
    department,
    "ABCDE"[section.group]!,
    `${group} ${type.kind}`,
    section.group + 1,
    group,
    sectionNumber + 1,
    section.name,
    1000 + (hashString(type.garmentGroup) % 30),
    type.garmentGroup,
    random.next() < 0.004 ? "" : description,
  ];
}

export function customerId(seed: number, user: number): string {
  return createHash("sha256").update(`${seed}:${user}`).digest("hex");
}

export const customerHeader = "customer_id,FN,Active,club_member_status,fashion_news_frequency,age,postal_code";

export function customerCells(seed: number, user: number, customer: Customer): (string | number)[] {
  const flag = (on: boolean): string => (on ? "1.0" : "");
  const postal = hashString(`postal:${user}`, seed) % 350_000;
  return [
    customerId(seed, user),
    flag(customer.fn),
    flag(customer.active),
    customer.club,
    customer.news,
    customer.age === 0 ? "" : customer.age,
    postal.toString(16).padStart(64, "0"),
  ];
}

const chunkRows = 2048;

/** Writes transactions.parquet, by day and then customer, through a table of numbers in DuckDB that is joined with the ids. */
export async function writeTransactions(dir: string, rows: PurchaseColumns, catalogue: SynthCatalogue, progress: Progress): Promise<void> {
  const duck = await Duck.open({ path: join(dir, "synth.duckdb"), tempDir: join(dir, "spill"), memoryLimitMb: 2000 });
  try {
    await duck.run(sqlFile("synth-tables", { customers: join(dir, "customers.csv") }));
    const ids = await duck.connection.createAppender("articles");
    for (let item = 0; item < catalogue.itemCount; item++) {
      ids.appendInteger(item);
      ids.appendVarchar(articleId(catalogue, item));
      ids.endRow();
    }
    ids.closeSync();
    await appendRows(duck, rows, progress);
    await duck.run(sqlFile("synth-write", { file: join(dir, "transactions.parquet") }), { step: "synth: writing transactions", progress });
  } finally {
    duck.close();
  }
}

async function appendRows(duck: Duck, rows: PurchaseColumns, progress: Progress): Promise<void> {
  const order = orderByDay(rows);
  const days = Array.from({ length: dayCount }, (_, day) => new DuckDBDateValue(firstDay + day));
  const appender = await duck.connection.createAppender("purchases");
  const chunk = DuckDBDataChunk.create([DATE, INTEGER, INTEGER, INTEGER, TINYINT]);
  for (let from = 0; from < rows.count; from += chunkRows) {
    const part = order.subarray(from, Math.min(rows.count, from + chunkRows));
    chunk.reset();
    chunk.rowCount = part.length;
    const columns = [0, 1, 2, 3, 4].map((column) => chunk.getColumnVector(column));
    for (let i = 0; i < part.length; i++) {
      const row = part[i]!;
      columns[0]!.setItem(i, days[rows.day[row]!]!);
      columns[1]!.setItem(i, rows.user[row]!);
      columns[2]!.setItem(i, rows.item[row]!);
      columns[3]!.setItem(i, rows.price[row]!);
      columns[4]!.setItem(i, rows.channel[row]!);
    }
    for (const column of columns) column.flush();
    appender.appendDataChunk(chunk);
    if (from % (chunkRows * 64) === 0) progress({ step: "synth: appending transactions", done: from, total: rows.count, unit: "rows" });
  }
  appender.closeSync();
}

/** Row numbers by day; rows of a day stay in their order (by customer). Counting sort, O(rows). */
function orderByDay(rows: PurchaseColumns): Int32Array {
  const next = new Int32Array(dayCount + 1);
  for (let row = 0; row < rows.count; row++) next[rows.day[row]! + 1]!++;
  for (let day = 0; day < dayCount; day++) next[day + 1]! += next[day]!;
  const order = new Int32Array(rows.count);
  for (let row = 0; row < rows.count; row++) order[next[rows.day[row]!]!++] = row;
  return order;
}
