/** Reads a rule file, or says everything that is wrong with it at once. */

import { parseDocument } from "yaml";
import { z } from "zod";
import { filterValuesMax } from "#libs/catalog/filter.ts";
import { idProblem, itemsMax } from "#libs/events/limits.ts";
import { surfaceNames } from "#libs/pipeline/surfaces.ts";
import type { Rule } from "./rule.ts";

export const rulesMax = 100;
/** Boosts, buries and hides of a file together: each is asked of every candidate of every answer, 1.5 ms for 100 of two conditions and 700 candidates. */
export const wheresMax = 100;
/** Item ids in one list. */
const itemsListMax = 1000;

/** Whether the serving catalogue has an attribute of this name. */
export type KnowsAttribute = (name: string) => boolean;

export interface ReadRules {
  readonly rules: readonly Rule[];
  /** "rules[0].then.pin[1].position: ..."; empty when the file is good. */
  readonly problems: readonly string[];
}

const value = z.string({ error: "must be a text" }).min(1, "must not be empty").max(256, "is longer than 256 characters");
const itemId = z.string({ error: "must be an item id" }).superRefine((id, context) => {
  const problem = idProblem(id);
  if (problem) context.addIssue({ code: "custom", message: problem });
});

/** One entry or a list of them. */
function some<T extends z.ZodType>(entry: T, { min = 1, max = filterValuesMax } = {}) {
  const entries = z.array(entry).min(min, "names nothing").max(max, `has more than ${max} entries`);
  return z.preprocess((given) => (Array.isArray(given) ? given : [given]), entries).optional();
}

const oneOf = <const T extends readonly [string, ...string[]]>(words: T) => z.enum(words, { error: `must be one of ${words.join(", ")}` });

const number = (expects: string, holds: (given: number) => boolean) =>
  z
    .string({ error: expects })
    .regex(/^[+-]?(\d+\.?\d*|\.\d+)$/, expects)
    .transform(Number)
    .refine(holds, expects);

/** An instant without an offset would mean another one on every machine. */
const instant = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })], {
    error: "must be a day such as 2026-12-01 (midnight UTC), or a time with its offset such as 2026-12-01T08:00:00+01:00",
  })
  .transform((text) => Date.parse(text) / 1000);

/** Refinements of a whole object are to run also where one of its fields is wrong, so that nothing is found only after mending another. */
const always = { when: () => true } as const;

const isObject = (given: unknown): given is Record<string, unknown> => typeof given === "object" && given !== null && !Array.isArray(given);
const entriesOf = (given: unknown): readonly Record<string, unknown>[] => (Array.isArray(given) ? given.filter(isObject) : []);

type Report = (path: readonly (string | number)[], message: string) => void;

/** Reports every entry of a list whose `field` an earlier one has. */
function findDoubles(list: unknown, field: string, report: Report): void {
  const first = new Map<unknown, number>();
  if (!Array.isArray(list)) return;
  list.forEach((entry, i) => {
    if (!isObject(entry) || entry[field] === undefined) return;
    const before = first.get(entry[field]);
    if (before !== undefined) report([i, field], `${String(entry[field])} stands in [${before}] already`);
    else first.set(entry[field], i);
  });
}

function attributeNames(knows: KnowsAttribute | null) {
  return z.string().refine((name) => knows === null || knows(name), "no attribute of the serving catalogue");
}

function whenSchema(attribute: ReturnType<typeof attributeNames>) {
  return z
    .strictObject({
      requests: some(oneOf(["recommend", "similar", "popular"])),
      surfaces: some(oneOf(surfaceNames)),
      categories: some(value),
      attributes: z.record(attribute, some(value, { min: 0 }).unwrap()).optional(),
      users: some(oneOf(["known", "unknown", "session", "unavailable"])),
      segment: z.record(value, some(value).unwrap()).optional(),
      from: instant.optional(),
      until: instant.optional(),
    })
    .refine(({ from, until } = {}) => typeof from !== "number" || typeof until !== "number" || from < until, {
      ...always,
      path: ["until"],
      error: "must be after `from`",
    });
}

function whereSchema(attribute: ReturnType<typeof attributeNames>) {
  return z
    .strictObject({
      items: some(itemId, { max: itemsListMax }),
      categories: some(value),
      product_groups: some(value),
      attributes: z.record(attribute, some(value).unwrap()).optional(),
    })
    .refine((where) => !isObject(where) || Object.keys(where).length > 0, {
      ...always,
      error: "names no condition, which would be every item",
    });
}

const pinSchema = z.strictObject({
  item: itemId,
  position: number(`must be a whole number from 1 to ${itemsMax}`, (given) => Number.isInteger(given) && given >= 1 && given <= itemsMax),
});

function ruleSchema(knows: KnowsAttribute | null) {
  const attribute = attributeNames(knows);
  const where = whereSchema(attribute);
  const factor = number(
    "must be a number above 1 and at most 1000000: `boost` raises, `bury` lowers by it",
    (given) => given > 1 && given <= 1e6,
  );
  const boosts = z.array(z.strictObject({ where, factor })).default([]);
  const then = z
    .strictObject({ pin: z.array(pinSchema).max(itemsMax).default([]), boost: boosts, bury: boosts, hide: z.array(where).default([]) })
    .superRefine((actions, context) => {
      if (!isObject(actions)) return;
      if (Object.values(actions).every((list) => Array.isArray(list) && list.length === 0)) {
        context.addIssue({ code: "custom", message: "does nothing; expected pin, boost, bury or hide" });
      }
      const report: Report = (path, message) => context.addIssue({ code: "custom", path: ["pin", ...path], message });
      findDoubles(actions.pin, "item", report);
      findDoubles(actions.pin, "position", report);
    }, always);
  return z.strictObject({
    name: z
      .string({ error: "must be a name" })
      .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, "must be lower-case letters, digits, - and _, at most 64"),
    when: whenSchema(attribute).default({}),
    then,
  });
}

function documentSchema(knows: KnowsAttribute | null) {
  const rules = z
    .array(ruleSchema(knows))
    .max(rulesMax, `has more than ${rulesMax} rules`)
    .superRefine((list, context) => {
      findDoubles(list, "name", (path, message) => context.addIssue({ code: "custom", path: [...path], message }));
      const wheres = entriesOf(list).flatMap(({ then }) =>
        isObject(then) ? ["boost", "bury", "hide"].flatMap((action) => entriesOf(then[action])) : [],
      );
      if (wheres.length > wheresMax) {
        context.addIssue({
          code: "custom",
          message: `have ${wheres.length} boosts, buries and hides together, at most ${wheresMax} are taken`,
        });
      }
    }, always);
  return z.strictObject({ rules });
}

/** "rules[0].then.pin[1].position". */
function placeOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (place, step) => (typeof step === "number" ? `${place}[${step}]` : `${place === "" ? "" : `${place}.`}${String(step)}`),
    "",
  );
}

function describeIssue(issue: z.core.$ZodIssue): string[] {
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => `${placeOf([...issue.path, key])}: unknown`);
  const messages = issue.code === "invalid_key" ? issue.issues.map(({ message }) => message) : [issue.message];
  return messages.map((message) => `${placeOf(issue.path) || "document"}: ${message}`);
}

/** @param knows null where no release serves yet: then attributes are not checked. */
export function readRules(text: string, knows: KnowsAttribute | null): ReadRules {
  // Every scalar stays the text that it is: YAML's own types would make 106132001 of the item 0106132001.
  const document = parseDocument(text, { schema: "failsafe" });
  if (document.errors.length > 0) return { rules: [], problems: document.errors.map(({ message }) => message.split("\n")[0]!) };
  const parsed = documentSchema(knows).safeParse(document.toJS());
  if (!parsed.success) return { rules: [], problems: parsed.error.issues.flatMap(describeIssue) };
  return { rules: parsed.data.rules.map(({ name, when, then }) => ({ name, when, ...then })), problems: [] };
}
