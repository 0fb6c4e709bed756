/** How big a synthetic shop is, and its calendar. */
import { invalid } from "#libs/core/errors.ts";

export interface SynthSize {
  readonly users: number;
  readonly items: number;
  readonly purchases: number;
}

export const synthSizes = {
  small: { users: 10_000, items: 5_000, purchases: 300_000 },
  medium: { users: 100_000, items: 20_000, purchases: 2_500_000 },
  full: { users: 1_371_980, items: 105_542, purchases: 31_788_324 },
} as const satisfies Record<string, SynthSize>;

export type SynthSizeName = keyof typeof synthSizes;

/** Throws invalid_argument naming the sizes that exist. */
export function parseSynthSize(text: string): SynthSizeName {
  if (Object.hasOwn(synthSizes, text)) return text as SynthSizeName;
  throw invalid("size", `expected ${Object.keys(synthSizes).join(", ")}, found ${text}`);
}

/** 2018-09-20, days since 1970: the span is that of the data whose figures the generator follows. */
export const firstDay = 17_794;
export const dayCount = 734;
/** Weeks counted back from the end, so that the last one is complete: week 104 ends with the data, week 0 has 6 days. */
export const weekCount = 105;

/** Week of a day, both from the start of the span. */
export function weekOf(day: number): number {
  return weekCount - 1 - Math.floor((dayCount - 1 - day) / 7);
}
