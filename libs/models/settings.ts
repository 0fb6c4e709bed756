/** Settings of models: published defaults, ranges, and overrides by name from an untyped document (a release's recipe, an experiment). */

import { invalid, ModisteError } from "#libs/core/errors.ts";

export interface Setting<Value> {
  readonly fallback: Value;
  /** What it means, with its unit and where the default comes from. */
  readonly doc: string;
  /** Throws `invalid_argument` naming the setting. */
  parse(name: string, raw: unknown): Value;
}

export type SettingSpec<Settings> = { readonly [Name in keyof Settings]: Setting<Settings[Name]> };

/** A number within [min, max]. */
export function decimal(fallback: number, min: number, max: number, doc: string): Setting<number> {
  return {
    fallback,
    doc,
    parse: (name, raw) => {
      if (typeof raw !== "number" || !(raw >= min && raw <= max)) throw invalid(`settings.${name}`, `must be a number in [${min}, ${max}]`);
      return raw;
    },
  };
}

/** A whole number within [min, max]. */
export function whole(fallback: number, min: number, max: number, doc: string): Setting<number> {
  const inner = decimal(fallback, min, max, doc);
  return {
    ...inner,
    parse: (name, raw) => {
      const value = inner.parse(name, raw);
      if (!Number.isInteger(value)) throw invalid(`settings.${name}`, "must be a whole number");
      return value;
    },
  };
}

export function choice<const Word extends string>(fallback: NoInfer<Word>, words: readonly Word[], doc: string): Setting<Word> {
  return {
    fallback,
    doc,
    parse: (name, raw) => {
      const word = words.find((candidate) => candidate === raw);
      if (word === undefined) throw invalid(`settings.${name}`, `must be one of ${words.join(", ")}`);
      return word;
    },
  };
}

/** `readSettings` for settings that stand at `place` of a document or a command: what it throws names the place. */
export function readSettingsAt<Settings>(
  place: string,
  spec: SettingSpec<Settings>,
  overrides: Readonly<Record<string, unknown>>,
): Settings {
  try {
    return readSettings(spec, overrides);
  } catch (cause) {
    if (!(cause instanceof ModisteError)) throw cause;
    throw new ModisteError(cause.code, cause.reason, `${place}: ${cause.detail}`, { cause });
  }
}

/** Defaults with overrides. Throws `invalid_argument` for an unknown name or a bad value. */
export function readSettings<Settings>(spec: SettingSpec<Settings>, overrides: Readonly<Record<string, unknown>>): Settings {
  for (const name of Object.keys(overrides)) {
    if (!Object.hasOwn(spec, name))
      throw invalid(`settings.${name}`, `unknown; known are ${Object.keys(spec).join(", ")}`, "unknown_setting");
  }
  const settings: Partial<Settings> = {};
  for (const name of Object.keys(spec) as (keyof Settings & string)[]) {
    settings[name] = Object.hasOwn(overrides, name) ? spec[name].parse(name, overrides[name]) : spec[name].fallback;
  }
  return settings as Settings;
}

/** How much an event of each type says for an item; common to all models so that recipes read alike. */
export interface EventWeights {
  readonly viewWeight: number;
  readonly cartWeight: number;
  readonly purchaseWeight: number;
  readonly likeWeight: number;
}

export const eventWeightSpec: SettingSpec<EventWeights> = {
  viewWeight: decimal(0.1, 0, 100, "of a view; a shop sees some ten views a purchase"),
  cartWeight: decimal(0.5, 0, 100, "of putting into the cart"),
  purchaseWeight: decimal(1, 0, 100, "of a purchase"),
  likeWeight: decimal(0.5, 0, 100, "of a like"),
};

/** Weight by event code, [7]: 0 for what speaks against an item. */
export function weightsByCode(weights: EventWeights): Float64Array {
  return Float64Array.of(0, weights.viewWeight, weights.cartWeight, weights.purchaseWeight, weights.likeWeight, 0, 0);
}
