/** The invented customers: who they are, what they like, how often they come. */
import type { Random } from "#libs/core/random.ts";
import { pick, type Section, styleDim } from "./catalogue.ts";
import { type Calendar, dayAtShare } from "./demand.ts";
import { dayCount } from "./sizes.ts";
import { groups } from "./words.ts";

export interface Customer {
  /** Years, 0 when not known. */
  readonly age: number;
  readonly fn: boolean;
  readonly active: boolean;
  readonly club: "ACTIVE" | "PRE-CREATE" | "LEFT CLUB" | "";
  readonly news: "NONE" | "Regularly" | "Monthly" | "";
  /** Probability of buying online on a day. */
  readonly online: number;
  /** Sections with their cumulated probabilities. */
  readonly sections: readonly number[];
  readonly sectionCumulated: readonly number[];
  /** [styleDim]. */
  readonly taste: Float32Array;
  /** Mean of the logarithm of the basket size. */
  readonly basketLevel: number;
  /** Purchase days, ascending, distinct. */
  readonly days: readonly number[];
}

export interface CustomerSettings {
  readonly sections: readonly Section[];
  readonly styles: readonly Float32Array[];
  readonly calendar: Calendar;
  /** Multiplies the number of purchase days, to meet the size's number of purchases. */
  readonly dayFactor: number;
}

/** Share of customers that never buy. */
const neverBuys = 0.0075;

export function createCustomer(settings: CustomerSettings, random: Random): Customer {
  const age = drawAge(random);
  const fn = random.next() < 0.345;
  const level = random.normal();
  const home = drawHome(age, random);
  return {
    age: random.next() < 0.013 ? 0 : age,
    fn,
    active: fn && random.next() < 0.965,
    ...drawClub(fn, random),
    online: drawOnline(random),
    ...drawSections(settings.sections, home, random),
    taste: drawTaste(settings.styles, random),
    basketLevel: 0.795 + 0.14 * level,
    days: drawDays(settings, level, random),
  };
}

/** Two peaks, around 23 and 50, with a trough around 40. */
function drawAge(random: Random): number {
  const place = random.next();
  const age =
    place < 0.56
      ? 24.3 + 4.2 * random.normal() + 2.5 * random.next() ** 3 * 4
      : place < 0.7
        ? 30 + random.next() * 16
        : 50.5 + 7.6 * random.normal();
  return Math.round(Math.min(95, Math.max(16, age)));
}

function drawClub(fn: boolean, random: Random): Pick<Customer, "club" | "news"> {
  const place = random.next();
  const club = place < 0.927 ? "ACTIVE" : place < 0.996 ? "PRE-CREATE" : place < 0.9965 ? "LEFT CLUB" : "";
  const news = fn ? (random.next() < 0.99 ? "Regularly" : "Monthly") : random.next() < 0.01 ? "" : "NONE";
  return { club, news };
}

/** Most keep to one channel; the others mix. */
function drawOnline(random: Random): number {
  const place = random.next();
  if (place < 0.4) return 1;
  if (place < 0.545) return 0;
  return 0.04 + 0.96 * random.next() ** 0.55;
}

/** The group where a customer is at home: the young in Youth, some parents in Children. */
function drawHome(age: number, random: Random): number {
  const youth = age < 30 ? 0.36 : 0.12;
  const weights = groups.map((group, index) => (index === 2 ? youth : group.salesShare));
  return pick(weights, random);
}

const favouriteCount = 4;

function drawSections(all: readonly Section[], home: number, random: Random): Pick<Customer, "sections" | "sectionCumulated"> {
  const atHome = all.flatMap((section, index) => (section.group === home ? [{ index, weight: section.salesShare }] : []));
  const sections: number[] = [];
  const weights: number[] = [];
  for (let i = 0; i < favouriteCount; i++) {
    sections.push(
      atHome[
        pick(
          atHome.map((entry) => entry.weight),
          random,
        )
      ]!.index,
    );
    weights.push(0.19 * (0.4 + 1.2 * random.next()));
  }
  for (let i = 0; i < favouriteCount; i++) {
    sections.push(
      pick(
        all.map((section) => section.salesShare),
        random,
      ),
    );
    weights.push(0.06 * (0.4 + 1.2 * random.next()));
  }
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const sectionCumulated = weights.map((_, at) => weights.slice(0, at + 1).reduce((sum, weight) => sum + weight, 0) / total);
  return { sections, sectionCumulated };
}

/** Between two styles, with some of one's own. */
function drawTaste(styles: readonly Float32Array[], random: Random): Float32Array {
  const first = styles[random.below(styles.length)]!;
  const second = styles[random.below(styles.length)]!;
  const mix = 0.6 + 0.4 * random.next();
  return Float32Array.from({ length: styleDim }, (_, i) => mix * first[i]! + (1 - mix) * second[i]! + 0.15 * random.normal());
}

/** Share of customers that come once and never again, beyond those of the spread. */
const oneVisit = 0.04;

/** Towards this many purchase days the heaviest customers tend: without a limit the top tenth buys too much and comes back too soon. */
const manyDays = 104;

/**
 * Number of purchase days, log normal below `manyDays`; heavier customers also fill larger baskets. Who is with the shop for a part of its time
 * (`share` of all sales) comes accordingly less often, or short stays would be bursts.
 */
function drawDayCount(factor: number, share: number, level: number, random: Random): number {
  const kind = random.next();
  if (kind < neverBuys) return 0;
  if (kind < neverBuys + oneVisit) return 1;
  const spread = 1.42;
  const normal = 0.45 * level + Math.sqrt(1 - 0.45 * 0.45) * random.normal();
  const days = 4.15 * factor * share ** 0.9 * Math.exp(spread * normal);
  return Math.max(1, Math.round(days / (1 + days / manyDays)));
}

/** Purchase days: visits spread over the customer's time with the shop as the calendar says. */
function drawDays(settings: CustomerSettings, level: number, random: Random): number[] {
  const { from, to } = drawTenure(random);
  const { cumulated } = settings.calendar;
  const [low, high] = [cumulated[from]!, cumulated[to]!];
  const wanted = drawDayCount(settings.dayFactor, high - low, level, random);
  const days = new Set<number>();
  for (let tries = 0; days.size < wanted && tries < wanted * 6; tries++) {
    days.add(dayAtShare(settings.calendar, low + random.next() * (high - low)));
  }
  return [...days].sort((a, b) => a - b);
}

/** Part of the span in which a customer buys at all: all of it, its start, its end, or a piece inside. */
function drawTenure(random: Random): { from: number; to: number } {
  const place = random.next();
  if (place < 0.475) return { from: 0, to: dayCount };
  const length = Math.floor(dayCount * (0.1 + 0.75 * random.next()));
  if (place < 0.655) return { from: 0, to: length };
  if (place < 0.9) return { from: dayCount - length, to: dayCount };
  const from = Math.floor(random.next() * (dayCount - length));
  return { from, to: Math.min(dayCount, from + length) };
}
