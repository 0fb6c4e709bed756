/** Lists and truth as Parquet with external ids, so that anyone can recompute every figure with any tool. */

import { join } from "node:path";
import { Duck, sqlText } from "#libs/data/duck.ts";
import { listOf } from "#libs/evaluation/lists.ts";
import type { Executed } from "./execute.ts";
import type { ExperimentResult } from "./run.ts";

const tables = {
  lists: "CREATE TABLE lists (cases VARCHAR, user_id VARCHAR, model VARCHAR, place INTEGER, item_id VARCHAR)",
  truth: "CREATE TABLE truth (cases VARCHAR, user_id VARCHAR, item_id VARCHAR)",
} as const;

async function fill(duck: Duck, { sets, data }: ExperimentResult): Promise<void> {
  const lists = await duck.connection.createAppender("lists");
  const truth = await duck.connection.createAppender("truth");
  const [users, items] = [data.users.ids, data.catalog.ids];
  for (const set of sets) {
    set.cases.users.forEach((user, c) => {
      for (const [model, made] of set.lists) {
        listOf(made, c).forEach((item, i) => {
          lists.appendVarchar(set.cases.name);
          lists.appendVarchar(users[user]!);
          lists.appendVarchar(model);
          lists.appendInteger(i + 1);
          lists.appendVarchar(items[item]!);
          lists.endRow();
        });
      }
      for (const item of set.cases.items.subarray(set.cases.offsets[c], set.cases.offsets[c + 1])) {
        truth.appendVarchar(set.cases.name);
        truth.appendVarchar(users[user]!);
        truth.appendVarchar(items[item]!);
        truth.endRow();
      }
    });
  }
  lists.closeSync();
  truth.closeSync();
}

/** Writes `<data>-lists.parquet` and `<data>-truth.parquet` for each data set; answers their paths. */
export async function exportLists(folder: string, executed: readonly Executed[]): Promise<string[]> {
  const written: string[] = [];
  for (const { result } of executed) {
    const duck = await Duck.open({ memoryLimitMb: 2048, tempDir: folder });
    try {
      for (const create of Object.values(tables)) await duck.run(create);
      await fill(duck, result);
      for (const name of Object.keys(tables)) {
        const path = join(folder, `${result.data.name}-${name}.parquet`);
        await duck.run(`COPY ${name} TO ${sqlText(path)} (FORMAT parquet, COMPRESSION zstd)`);
        written.push(path);
      }
    } finally {
      duck.close();
    }
  }
  return written;
}
