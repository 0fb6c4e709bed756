/**
 * Any CSV (plain or gzip), Parquet or NDJSON with one interaction a row, and a mapping of its columns to our fields. Items may come from a
 * second file of the same kinds; otherwise they are those of the rows. A quantity is checked, not multiplied out: one row is one interaction.
 */
import { basename } from "node:path";
import { invalid } from "#libs/core/errors.ts";
import { type EventType, eventCode, eventTypes } from "#libs/events/event.ts";
import { sqlFile, sqlName, sqlText } from "../duck.ts";
import type { DataSetManifest } from "../manifest.ts";
import { type ImportOptions, importDataset, type Stage } from "./import.ts";
import { openMapped, type TableOptions } from "./mapped-table.ts";
import { describeSources } from "./source-file.ts";
import { readingFile } from "./text-table.ts";

/** Our fields; `user.<name>` and `item.<name>` are attributes. */
const rowFields = ["user", "item", "time", "value", "quantity", "type", "channel", "name", "text", "category", "product_group"] as const;
const itemFields = ["item", "name", "text", "category", "product_group", "price"] as const;

export interface InteractionsOptions extends ImportOptions, TableOptions {
  /** Our field to the file's column; user, item and time are needed. */
  readonly map: Readonly<Record<string, string>>;
  /** Type of rows when no column is mapped to it; default purchase. */
  readonly type?: EventType;
  /** A file of items, its mapping needs `item`; rows of other items are rejected then. */
  readonly items?: { readonly file: string; readonly map: Readonly<Record<string, string>> };
}

/** Parses `user=CustomerID,item=StockCode`. Throws invalid_argument on a pair without `=` or an unknown field. */
export function parseMapping(text: string, allowed: readonly string[] = rowFields): Record<string, string> {
  const mapping: Record<string, string> = {};
  for (const pair of text.split(",")) {
    const at = pair.indexOf("=");
    const field = pair.slice(0, Math.max(0, at)).trim();
    const known = allowed.includes(field) || /^(user|item)\.[a-z][a-z0-9_]{0,40}$/.test(field);
    if (at < 1 || !known)
      throw invalid("map", `expected field=Column with a field of ${allowed.join(", ")}, user.<name> or item.<name>; found ${pair}`);
    mapping[field] = pair.slice(at + 1).trim();
  }
  return mapping;
}

export function parseItemMapping(text: string): Record<string, string> {
  return parseMapping(text, itemFields);
}

/** Imports one file of interactions. */
export async function importInteractions(path: string, options: InteractionsOptions): Promise<DataSetManifest> {
  for (const field of ["user", "item", "time"]) {
    if (options.map[field] === undefined)
      throw invalid("map", `a column for ${field} is needed; found ${Object.keys(options.map).join(", ")}`);
  }
  const { items } = options;
  if (items !== undefined && items.map.item === undefined) throw invalid("items.map", "a column for item is needed");
  return importDataset(options, async (stage) => {
    const rows = await stageRows(stage, path, options);
    const itemRows = items === undefined ? 0 : await stageItemRows(stage, items.file, items.map, options);
    await stage.run("import: items and users", finishSql(path, options));
    const paths = items === undefined ? [path] : [path, items.file];
    return {
      importer: "interactions",
      itemAttributes: attributesOf(items?.map ?? options.map, "item."),
      userAttributes: attributesOf(options.map, "user."),
      mapping: { ...options.map, ...(options.map.type === undefined ? { default_type: options.type ?? "purchase" } : {}) },
      sources: await describeSources(paths, stage.signal),
      rowsRead: rows + itemRows,
    };
  });
}

function attributesOf(map: Readonly<Record<string, string>>, prefix: string): string[] {
  return Object.keys(map).flatMap((field) => (field.startsWith(prefix) ? [field.slice(prefix.length)] : []));
}

async function stageRows(stage: Stage, path: string, options: InteractionsOptions): Promise<number> {
  const table = await openMapped(stage, path, options.map, [...rowFields], options, "rows");
  const values = {
    relation: { raw: table.relation.sql },
    default_type: eventCode[options.type ?? "purchase"],
    types: {
      raw: `MAP {${typeNames()
        .map(([name, code]) => `${sqlText(name)}: ${code}`)
        .join(", ")}}`,
    },
  };
  await readingFile(path, () => stage.run(`import: ${basename(path)}`, sqlFile("mapped-rows", values)));
  const malformed = await table.relation.settle();
  const line = { raw: table.relation.line("r.source_line") };
  await stage.run("import: bad rows", sqlFile("mapped-rejects", { file: path, line, table: { raw: "parsed_rows" } }));
  const { n } = await stage.duck.row<{ n: number }>("SELECT count(*)::DOUBLE AS n FROM parsed_rows");
  return n + malformed;
}

async function stageItemRows(stage: Stage, path: string, map: Readonly<Record<string, string>>, options: TableOptions): Promise<number> {
  const table = await openMapped(stage, path, map, [...itemFields], options, "item_rows");
  const sql = sqlFile("mapped-item-rows", { relation: { raw: table.relation.sql } });
  await readingFile(path, () => stage.run(`import: ${basename(path)}`, sql));
  const malformed = await table.relation.settle();
  const line = { raw: table.relation.line("r.source_line") };
  await stage.run("import: bad rows", sqlFile("mapped-rejects", { file: path, line, table: { raw: "parsed_items" } }));
  const { n } = await stage.duck.row<{ n: number }>("SELECT count(*)::DOUBLE AS n FROM parsed_items");
  return n + malformed;
}

/** SQL that numbers users and items and joins the interactions. */
function finishSql(path: string, options: InteractionsOptions): string {
  const pick = (field: string, name: string): string =>
    `, arg_min(${sqlName(field)}, source_line) FILTER (WHERE ${sqlName(field)} IS NOT NULL) AS ${sqlName(name)}`;
  const own = (prefix: string, map: Readonly<Record<string, string>>): string =>
    attributesOf(map, prefix)
      .map((name) => pick(`${prefix}${name}`, name))
      .join("");
  const source = options.items === undefined ? "mapped-items-from-rows" : "mapped-items-from-file";
  const itemColumns = { raw: own("item.", options.items?.map ?? options.map) };
  return [
    sqlFile(source, { columns: itemColumns, file: path }),
    sqlFile("mapped-users", { columns: { raw: own("user.", options.map) } }),
  ].join("\n");
}

/** Names of event types as shops write them. */
function typeNames(): [string, number][] {
  const own = eventTypes.slice(1).map((name, index): [string, number] => [name, index + 1]);
  const others: [string, number][] = ["click", "pageview", "visit"].map((name) => [name, eventCode.view]);
  for (const name of ["add_to_cart", "addtocart", "basket"]) others.push([name, eventCode.cart]);
  for (const name of ["buy", "order", "transaction", "bought"]) others.push([name, eventCode.purchase]);
  return [...own, ...others];
}
