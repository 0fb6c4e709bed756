/** Which settings are tried next, and which trials are not worth ending. */

import type { Random } from "#libs/core/random.ts";
import type { SearchRange } from "./document.ts";

/** Value by `source.setting`. */
export type TrialSettings = Readonly<Record<string, string | number>>;

/** One place of each range in [0, 1). */
type UnitPoint = readonly number[];

function valueAt(range: SearchRange, unit: number): string | number {
  if ("choices" in range) return range.choices[Math.min(range.choices.length - 1, Math.floor(unit * range.choices.length))]!;
  const { from, to, scale, whole } = range;
  const value = scale === "log" ? from * (to / from) ** unit : from + (to - from) * unit;
  return whole ? Math.round(value) : Number(value.toPrecision(4));
}

export interface Trial {
  readonly settings: TrialSettings;
  /** Mean of the figure; of a stopped trial over the cases that it saw. */
  readonly value: number;
  readonly stopped: boolean;
  /** Mean at each rung that it passed or ended at. */
  readonly rungs: readonly number[];
}

/** Share of the trials that are drawn evenly (Bergstra and Bengio, JMLR 13, 2012) before others step around the best. */
const evenShare = 0.5;
/** Best trials that are stepped from, and the standard deviation of a step in units of a range. */
const parents = 4;
const stepDeviation = 0.12;

export interface Search {
  next(): TrialSettings;
  /** Tells the value of the settings that `next` gave last. */
  tell(value: number, stopped: boolean): void;
}

/** Seeded: the same ranges and values give the same trials. */
export function createSearch(ranges: Readonly<Record<string, SearchRange>>, trials: number, random: Random): Search {
  const names = Object.keys(ranges);
  const ended: { point: UnitPoint; value: number }[] = [];
  let current: UnitPoint = [];
  let given = 0;
  const step = (from: UnitPoint): UnitPoint =>
    from.map((unit, i) => {
      // A choice has no neighbours: it is kept mostly, drawn anew sometimes.
      if ("choices" in ranges[names[i]!]!) return random.next() < 0.25 ? random.next() : unit;
      return Math.min(1 - 1e-9, Math.max(0, unit + stepDeviation * random.normal()));
    });
  return {
    next: () => {
      const even = given++ < Math.ceil(trials * evenShare) || ended.length === 0;
      if (even) current = names.map(() => random.next());
      else {
        const best = [...ended].sort((a, b) => b.value - a.value).slice(0, parents);
        current = step(best[random.below(best.length)]!.point);
      }
      return Object.fromEntries(names.map((name, i) => [name, valueAt(ranges[name]!, current[i]!)]));
    },
    tell: (value, stopped) => {
      if (!stopped) ended.push({ point: current, value });
    },
  };
}

/** Trials that must have passed a rung before it stops any. */
const rungTrials = 4;

export interface Stopping {
  /** Whether a trial with this mean at a rung is worth going on with; remembers the mean. */
  goesOn(rung: number, mean: number): boolean;
}

/** The median stopping rule (Golovin et al., KDD 2017): a trial ends where it is below the median of the trials before it at the same rung. */
export function medianStopping(): Stopping {
  const means = new Map<number, number[]>();
  return {
    goesOn: (rung, mean) => {
      const before = means.get(rung) ?? [];
      const sorted = [...before].sort((a, b) => a - b);
      means.set(rung, [...before, mean]);
      return sorted.length < rungTrials || mean >= sorted[Math.floor((sorted.length - 1) / 2)]!;
    },
  };
}
