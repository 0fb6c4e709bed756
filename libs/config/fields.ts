/** Builders of settings. A field without a fallback must be given; a fallback of `undefined` makes it optional. */

import { z } from "zod";

export interface Field<T> {
  /** Without "MODISTE_" and without the service, with its unit last: "HALF_LIFE_MS". */
  readonly name: string;
  /** One line for people. */
  readonly doc: string;
  /** What is expected, for people: "whole number, 1 to 64". */
  readonly expects: string;
  readonly required: boolean;
  readonly fallback: T | undefined;
  readonly secret: boolean;
  /** Reads the text of the environment. */
  readonly schema: z.ZodType<T>;
}

export interface FieldOptions<T, F extends T | undefined = T> {
  readonly fallback?: F;
}

/** `min` and `max` are inclusive: characters of a text, entries of a list, otherwise the value. */
export interface Bounded<T, F extends T | undefined = T> extends FieldOptions<T, F> {
  readonly min?: number;
  readonly max?: number;
}

function createField<T, F extends T | undefined>(
  name: string,
  doc: string,
  expects: string,
  schema: z.ZodType<T>,
  options: FieldOptions<T, F>,
  secret = false,
): Field<T | F> {
  const required = !("fallback" in options);
  return { name, doc, expects, required, fallback: options.fallback, secret, schema: schema as z.ZodType<T | F> };
}

export function text<F extends string | undefined = string>(
  name: string,
  doc: string,
  options: Bounded<string, F> = {},
): Field<string | F> {
  return createField(name, doc, `text${range(options, " characters")}`, boundedText(options), options);
}

/** Shown as `***` wherever effective values are shown. */
export function secret<F extends string | undefined = string>(
  name: string,
  doc: string,
  options: Bounded<string, F> = {},
): Field<string | F> {
  return createField(name, doc, `secret text${range(options, " characters")}`, boundedText(options), options, true);
}

export function integer<F extends number | undefined = number>(
  name: string,
  doc: string,
  options: Bounded<number, F> = {},
): Field<number | F> {
  const schema = z
    .string()
    .regex(/^[+-]?\d+$/)
    .transform(Number)
    .pipe(boundedNumber(options).refine(Number.isSafeInteger));
  return createField(name, doc, `whole number${range(options)}`, schema, options);
}

export function number<F extends number | undefined = number>(
  name: string,
  doc: string,
  options: Bounded<number, F> = {},
): Field<number | F> {
  const schema = z
    .string()
    .regex(/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i)
    .transform(Number)
    .pipe(boundedNumber(options));
  return createField(name, doc, `number${range(options)}`, schema, options);
}

/** A duration; its name ends with `_MS`. */
export function millis<F extends number | undefined = number>(
  name: string,
  doc: string,
  options: Bounded<number, F> = {},
): Field<number | F> {
  const field = number(name, doc, { min: 0, ...options });
  return { ...field, expects: `milliseconds${range({ min: 0, ...options })}` };
}

const byteUnits: Readonly<Record<string, number>> = { "": 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** A size; its name ends with `_BYTES`. "64MiB" is understood. */
export function bytes<F extends number | undefined = number>(
  name: string,
  doc: string,
  options: Bounded<number, F> = {},
): Field<number | F> {
  const toBytes = (value: string): number => Number.parseInt(value, 10) * (byteUnits[value.replace(/^\d+ ?/, "")] ?? Number.NaN);
  const schema = z
    .string()
    .regex(/^\d+ ?([KMG]iB)?$/)
    .transform(toBytes)
    .pipe(boundedNumber({ min: 0, ...options }));
  return createField(name, doc, `bytes, such as 64MiB${range(options)}`, schema, options);
}

export function flag<F extends boolean | undefined = boolean>(
  name: string,
  doc: string,
  options: FieldOptions<boolean, F> = {},
): Field<boolean | F> {
  const schema = z.enum(["true", "false", "1", "0"]).transform((value) => value === "true" || value === "1");
  return createField(name, doc, "true or false", schema, options);
}

export function choice<const C extends string>(
  name: string,
  doc: string,
  choices: readonly C[],
  options: FieldOptions<NoInfer<C>, NoInfer<C>> = {},
): Field<C> {
  const schema = z.string().refine((value) => (choices as readonly string[]).includes(value));
  return createField<C, C>(name, doc, `one of ${choices.join(", ")}`, schema as unknown as z.ZodType<C>, options);
}

/** @param schemes such as ["http:", "https:"]; empty: any. */
export function url<F extends string | undefined = string>(
  name: string,
  doc: string,
  options: FieldOptions<string, F> & { readonly schemes?: readonly string[] } = {},
): Field<string | F> {
  const { schemes = [] } = options;
  const fits = (value: string): boolean => URL.canParse(value) && (schemes.length === 0 || schemes.includes(new URL(value).protocol));
  return createField(name, doc, schemes.length === 0 ? "URL" : `URL with ${schemes.join(" or ")}`, z.string().refine(fits), options);
}

/** Entries between commas, trimmed; empty ones are left out. */
export function list<F extends readonly string[] | undefined = readonly string[]>(
  name: string,
  doc: string,
  options: Bounded<readonly string[], F> & { readonly secret?: boolean } = {},
): Field<readonly string[] | F> {
  const split = (value: string): readonly string[] =>
    value
      .split(",")
      .map((entry) => entry.trim())
      .filter((entry) => entry !== "");
  const { min = 0, max = 1000 } = options;
  const schema = z
    .string()
    .transform(split)
    .refine((entries) => entries.length >= min && entries.length <= max);
  return createField<readonly string[], F>(
    name,
    doc,
    `list between commas${range(options, " entries")}`,
    schema,
    options,
    options.secret === true,
  );
}

/** A text that a function of ours reads, such as an address. `accepts` throws or answers false where it cannot. */
export function form<F extends string | undefined = string>(
  name: string,
  doc: string,
  expects: string,
  accepts: (value: string) => boolean,
  options: FieldOptions<string, F> = {},
): Field<string | F> {
  return createField(name, doc, expects, z.string().refine(accepts), options);
}

function boundedText({ min = 0, max = 65_536 }: { readonly min?: number; readonly max?: number }): z.ZodType<string> {
  return z.string().min(min).max(max);
}

function boundedNumber({ min = -Number.MAX_VALUE, max = Number.MAX_VALUE }: { readonly min?: number; readonly max?: number }): z.ZodNumber {
  return z.number().min(min).max(max);
}

function range({ min, max }: { readonly min?: number; readonly max?: number }, unit = ""): string {
  if (min !== undefined && max !== undefined) return `, ${min} to ${max}${unit}`;
  if (min !== undefined) return `, at least ${min}${unit}`;
  return max === undefined ? "" : `, at most ${max}${unit}`;
}
