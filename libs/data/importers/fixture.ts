/** Small files for the tests of importers. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { onTestFinished } from "vitest";
import { Duck, sqlText } from "../duck.ts";

/** A folder that is gone after the test, with these files in it. Names that end in .gz are packed. */
export function folderWith(files: Readonly<Record<string, string | Buffer>>): string {
  const dir = mkdtempSync(join(tmpdir(), "modiste-data-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    const bytes = Buffer.from(content as string);
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), name.endsWith(".gz") ? gzipSync(bytes) : bytes);
  }
  return dir;
}

export const articleHeader =
  "article_id,product_code,prod_name,product_type_no,product_type_name,product_group_name,graphical_appearance_no,graphical_appearance_name," +
  "colour_group_code,colour_group_name,perceived_colour_value_id,perceived_colour_value_name,perceived_colour_master_id," +
  "perceived_colour_master_name,department_no,department_name,index_code,index_name,index_group_no,index_group_name,section_no,section_name," +
  "garment_group_no,garment_group_name,detail_desc";
export const transactionHeader = "t_dat,customer_id,article_id,price,sales_channel_id";

export function articleRow(id: string, type = "Hat"): string {
  return `${id},${id.slice(0, 7)},"A ""fine"" ${type}",1,${type},Accessories,1,Solid,09,Black,4,Dark,5,Black,1,Dept,A,Index,1,Group,2,Section,3,Garments,"Soft, warm."`;
}

/** The three files of a shop with two articles, two customers and the given lines of transactions. */
export function shop(lines: readonly string[], more: Readonly<Record<string, string | Buffer>> = {}): string {
  return folderWith({
    "articles.csv": `${[articleHeader, articleRow("0108775015"), articleRow("0108775044", "Scarf")].join("\n")}\n`,
    "customers.csv":
      "customer_id,FN,Active,club_member_status,fashion_news_frequency,age,postal_code\nann,1.0,1.0,ACTIVE,Regularly,49,x\nbob,,,,,,y\n",
    "transactions_train.csv": `${[transactionHeader, ...lines].join("\n")}\n`,
    ...more,
  });
}

/** All rows of a Parquet file as plain objects. */
export async function parquetRows(path: string, order: string): Promise<Record<string, unknown>[]> {
  const duck = await Duck.open({ memoryLimitMb: 200 });
  try {
    return await duck.rows<Record<string, unknown>>(`SELECT * FROM read_parquet(${sqlText(path)}) ORDER BY ${order}`);
  } finally {
    duck.close();
  }
}
