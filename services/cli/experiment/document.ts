/** The document of an experiment: what is compared, on what. */

import { readFileSync } from "node:fs";
import { parse, YAMLParseError } from "yaml";
import { z } from "zod";
import { invalid } from "#libs/core/errors.ts";
import { type EventType, eventCode } from "#libs/events/event.ts";

const eventNames = Object.keys(eventCode) as [EventType, ...EventType[]];
const settings = z.record(z.string(), z.union([z.number(), z.string(), z.boolean()]));
const day = z
  .unknown()
  .transform((value) => (value instanceof Date ? value.toISOString() : typeof value === "string" ? value : ""))
  .refine((value) => !Number.isNaN(Date.parse(value)), "must be a date such as 2020-09-16")
  .transform((value) => Date.parse(value) / 1000);

const splitSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("weeks").describe("several weeks, each with what was before it"),
    weeks: z.number().int().min(1).max(200).default(1),
    until: day.optional(),
  }),
  z.strictObject({
    kind: z.literal("windows").describe("given windows of time, `to` excluded"),
    windows: z.array(z.strictObject({ from: day, to: day }).refine(({ from, to }) => from < to, "`from` must be before `to`")).min(1),
  }),
  z.strictObject({
    kind: z.literal("given"),
    /** `all`: everything of the test part was taken; `last`: the last of each test sequence, the others are known. */
    taken: z.enum(["all", "last"]).default("all"),
    validation_share: z.number().min(0.01).max(0.5).default(0.1),
  }),
  z.strictObject({ kind: z.literal("leave_last_out") }),
  z.strictObject({ kind: z.literal("leave_last_basket_out") }),
]);

const recipeSchema = z.strictObject({
  /** Settings by source. */
  sources: z.record(z.string(), settings).default({}),
  /** Settings of SASRec: of the model `sasrec`, and of the states that a ranker reads. */
  sasrec: settings.default({}),
  /** `kind` of ranker (linear, wide-deep) and its settings. */
  ranking: settings.default({}),
  labels: z
    .strictObject({
      kind: z.enum(["windows", "leave_last_out"]).default("windows"),
      windows: z.number().int().min(1).max(20).default(3),
      days: z.number().min(0.25).max(60).default(7),
    })
    .default({ kind: "windows", windows: 3, days: 7 }),
  ranker_users: z.number().int().min(1).default(10_000),
});

/** What a setting is searched in. */
const rangeSchema = z.union([
  z
    .strictObject({
      from: z.number(),
      to: z.number(),
      scale: z.enum(["linear", "log"]).default("linear"),
      whole: z.boolean().default(false),
    })
    .refine(({ from, to }) => from < to, "`from` must be below `to`")
    .refine(({ from, scale }) => scale === "linear" || from > 0, "a log scale starts above 0"),
  z.strictObject({ choices: z.array(z.union([z.string(), z.number()])).min(2) }),
]);

const tuneSchema = z.strictObject({
  /** Model whose figure is to grow: a source, `union` or `modiste`. */
  model: z.string(),
  /** By `source.setting`. */
  ranges: z
    .record(z.string().regex(/^[a-z0-9_]+\.[A-Za-z0-9]+$/, "must read source.setting"), rangeSchema)
    .refine((ranges) => Object.keys(ranges).length > 0, "names nothing to search"),
  trials: z.number().int().min(1).max(10_000).default(30),
  /** Such as ndcg@20; the first metric at the first k when left out. */
  figure: z.string().optional(),
});

const documentSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, "must be lower-case letters, digits and dashes"),
  /** Data sets by name inside the home folder, or paths. */
  data: z.union([z.string(), z.array(z.string()).min(1)]).transform((names) => (typeof names === "string" ? [names] : names)),
  split: splitSchema,
  /** `validation`: figures for choosing settings; `test`: figures for reporting. */
  part: z.enum(["test", "validation"]).default("test"),
  /** Events that count as taken. */
  targets: z.array(z.enum(eventNames)).min(1).default(["purchase"]),
  /** File of external user ids, one a line: only they count. */
  users: z.string().optional(),
  /** Most cases of a window, a seeded sample of more. */
  cases_max: z.number().int().min(1).optional(),
  /** Whether items that the user took before may be listed. */
  seen: z.enum(["keep", "drop"]).default("keep"),
  /** Which items may be listed: sold within 60 days, ever sold before, or all of the catalogue. */
  items: z.enum(["available", "sold", "all"]).default("available"),
  /** Latest events of a user that models see. */
  history: z.number().int().min(1).max(1_000_000).default(200),
  k: z.array(z.number().int().min(1).max(1000)).min(1).default([12]),
  seed: z.number().int().min(0).default(1),
  recipes: z
    .record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9 ._-]*$/), recipeSchema)
    .refine((recipes) => Object.keys(recipes).length > 0, "names no recipe")
    .default({ default: recipeSchema.parse({}) }),
  /** Models of every recipe; all when left out. */
  models: z
    .array(z.string())
    .min(1)
    .refine((names) => new Set(names).size === names.length, "names a model twice")
    .optional(),
  /** Figure that models are compared by, such as recall@20; the first metric at the first k when left out. */
  headline: z.string().optional(),
  /** What the others are compared with; the last model when left out. */
  baseline: z.string().optional(),
  sensitivity: z
    .array(z.strictObject({ source: z.string(), setting: z.string(), values: z.array(z.union([z.number(), z.string()])).min(1) }))
    .default([]),
  /** Read by `modiste tune`. */
  tune: tuneSchema.optional(),
});

export type TuneDocument = z.infer<typeof tuneSchema>;
export type SearchRange = z.infer<typeof rangeSchema>;
export type ExperimentDocument = z.infer<typeof documentSchema>;
export type Recipe = z.infer<typeof recipeSchema>;
export type SplitDocument = z.infer<typeof splitSchema>;

export const defaultRecipe: Recipe = recipeSchema.parse({});

/** Checks a document; throws `invalid_argument` that lists every problem with its place. */
export function checkExperiment(document: unknown, file: string): ExperimentDocument {
  const parsed = documentSchema.safeParse(document);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join(".") || "document"}: ${issue.message}`);
  throw invalid(file, problems.join("; "), "experiment_document");
}

/** Reads YAML (of which JSON is a part). Throws `invalid_argument` naming file, line and field. */
export function parseExperiment(text: string, file: string): ExperimentDocument {
  try {
    return checkExperiment(parse(text, { merge: true }), file);
  } catch (cause) {
    if (cause instanceof YAMLParseError) throw invalid(file, cause.message, "experiment_yaml");
    throw cause;
  }
}

/** Throws `invalid_argument` naming the file. */
export function readExperiment(file: string): ExperimentDocument {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw invalid("document", `${file} cannot be read: ${(cause as Error).message}`, "experiment_file");
  }
  return parseExperiment(text, file);
}
