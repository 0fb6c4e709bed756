/**
 * MovieLens: the 100k layout (u.data, u.item, u.user; tabs and pipes) and the 1M layout (ratings.dat, movies.dat, users.dat; `::`), plain or gzip,
 * ISO-8859-1. A rating of `likeFrom` stars or more becomes a `like`, any other a `view`: a low rating still says that the film was seen, and
 * whoever wants explicit dislikes can import the file with `interactions` and a type column. Stars are no price, so `value` stays 0.
 */
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { ModisteError } from "#libs/core/errors.ts";
import { sqlFile } from "../duck.ts";
import type { DataSetManifest } from "../manifest.ts";
import { type ImportOptions, importDataset, type Stage } from "./import.ts";
import { describeSources, inspectFile, wrongFile } from "./source-file.ts";
import { type Relation, readingFile, textRelation } from "./text-table.ts";

export interface MovielensOptions extends ImportOptions {
  /** Stars from which a rating is a like; default 4. */
  readonly likeFrom?: number;
}

interface Layout {
  readonly ratings: string;
  readonly films: string;
  readonly users: string;
  readonly kind: "100k" | "1m";
}

/** The files of a folder. Throws not_found naming what is missing. */
function findLayout(folder: string): Layout {
  const find = (name: string): string | undefined =>
    [name, `${name}.gz`].map((file) => join(folder, file)).find((path) => existsSync(path));
  const layouts = [
    { kind: "100k", names: ["u.data", "u.item", "u.user"] },
    { kind: "1m", names: ["ratings.dat", "movies.dat", "users.dat"] },
  ] as const;
  for (const { kind, names } of layouts) {
    const [ratings, films, users] = names.map(find);
    if (ratings !== undefined && films !== undefined && users !== undefined) return { kind, ratings, films, users };
    if (ratings === undefined && films === undefined) continue;
    const missing = names.filter((name) => find(name) === undefined).join(", ");
    throw new ModisteError(
      "not_found",
      "file_missing",
      `${folder}: ${missing} is missing; a MovieLens ${kind} folder has ${names.join(", ")}`,
      {
        field: missing,
      },
    );
  }
  throw new ModisteError("not_found", "file_missing", `${folder}: neither u.data nor ratings.dat found`, { field: "u.data" });
}

/** The 19 genres of u.item, in the order of its flags; the file u.genre says the same. */
const genres =
  "unknown Action Adventure Animation Children's Comedy Crime Documentary Drama Fantasy Film-Noir Horror Musical Mystery Romance Sci-Fi Thriller War Western".split(
    " ",
  );

export async function importMovielens(folder: string, options: MovielensOptions): Promise<DataSetManifest> {
  const layout = findLayout(folder);
  return importDataset(options, async (stage) => {
    const films = await stageLines(stage, layout.films, "films");
    await stage.run("import: films", sqlFile(`movielens-films-${layout.kind}`, { genres: { raw: `[${genres.map(quote).join(", ")}]` } }));
    await stage.run("import: films", sqlFile("movielens-items", { file: layout.films }));
    const users = await stageLines(stage, layout.users, "viewers");
    await stage.run("import: users", sqlFile("movielens-users", userColumns(layout)));
    const ratings = await stageLines(stage, layout.ratings, "ratings");
    const like = options.likeFrom ?? 4;
    await stage.run(
      "import: ratings",
      sqlFile("movielens-ratings", { file: layout.ratings, delimiter: delimiterOf(layout, "ratings"), like }),
    );
    return {
      importer: "movielens",
      itemAttributes: ["year", "genre_1", "genre_2", "genre_3", "decade"],
      userAttributes: ["age", "gender", "occupation"],
      mapping: { layout: layout.kind, type: `rating >= ${like}: like, else view`, category: "first genre" },
      sources: await describeSources([layout.ratings, layout.films, layout.users], stage.signal),
      rowsRead: films + users + ratings,
    };
  });
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function delimiterOf(layout: Layout, file: "ratings" | "other"): string {
  if (layout.kind === "1m") return "::";
  return file === "ratings" ? "\t" : "|";
}

/** 1-based places of the user columns in a line. */
function userColumns(layout: Layout): { file: string; delimiter: string; age: number; gender: number; occupation: number } {
  const places = layout.kind === "100k" ? { age: 2, gender: 3, occupation: 4 } : { age: 3, gender: 2, occupation: 4 };
  return { file: layout.users, delimiter: delimiterOf(layout, "other"), ...places };
}

/** Whole lines of a file as table `<name>(source_line, text)`; answers how many there are. */
export async function stageLines(stage: Stage, path: string, name: string, encoding: "utf-8" | "latin-1" = "latin-1"): Promise<number> {
  const file = inspectFile(path);
  if (file.format === "parquet") throw wrongFile(path, "text", "Parquet");
  const layout = { columns: ["text"], delimiter: "\u0001", quote: "", header: false, encoding };
  const relation: Relation = textRelation(stage, file, layout, name);
  await readingFile(path, () => stage.run(`import: ${basename(path)}`, `CREATE TABLE ${name} AS SELECT * FROM ${relation.sql}`));
  const malformed = await relation.settle();
  const { n } = await stage.duck.row<{ n: number }>(`SELECT count(*)::DOUBLE AS n FROM ${name}`);
  return n + malformed;
}
