/** Demand over time: how busy a day is, and what a section sells in a week. */
import { createRandom, type Random } from "#libs/core/random.ts";
import { referenceUnits } from "./assortment.ts";
import type { Section, SynthCatalogue } from "./catalogue.ts";
import { dayCount, firstDay, weekCount, weekOf } from "./sizes.ts";

/** Sales a day relative to the mean, by month from 2018-09, after the monthly totals of the real shop. */
const monthLevel = [
  1.25, 1.04, 0.98, 0.86, 0.94, 0.95, 0.96, 1.14, 1.16, 1.47, 1.35, 0.93, 0.94, 0.86, 0.92, 0.83, 0.8, 0.8, 0.78, 1.03, 1.01, 1.36, 1.01,
  0.92, 0.84,
];
/** Monday to Sunday, relative to the mean. */
const weekdayLevel = [0.94, 0.96, 0.85, 1.16, 1.13, 1.06, 0.9];

export interface Calendar {
  /** Cumulated share of all purchases before day d, [days + 1], from 0 to 1. */
  readonly cumulated: Float64Array;
}

export function createCalendar(): Calendar {
  const cumulated = new Float64Array(dayCount + 1);
  for (let day = 0; day < dayCount; day++) {
    const date = new Date((firstDay + day) * 86_400_000);
    const month = (date.getUTCFullYear() - 2018) * 12 + date.getUTCMonth() - 8;
    cumulated[day + 1] = cumulated[day]! + monthLevel[month]! * weekdayLevel[(date.getUTCDay() + 6) % 7]!;
  }
  const total = cumulated[dayCount]!;
  for (let day = 0; day <= dayCount; day++) cumulated[day]! /= total;
  return { cumulated };
}

/** Day at which a share of all purchases has come; `share` in [0, 1). O(log days). */
export function dayAtShare(calendar: Calendar, share: number): number {
  let low = 0;
  let high = dayCount - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (calendar.cumulated[middle + 1]! <= share) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * For every (week, section) an alias table (Walker 1977, Vose 1991) over the articles on sale, weighted by their demand in that week.
 * Table t = week * sections + section spans [start[t], start[t + 1]).
 */
export interface WeekTables {
  readonly start: Int32Array;
  readonly items: Int32Array;
  readonly accept: Float32Array;
  readonly alias: Int32Array;
  /** 1 for an article that sells so little in the week that it is delivered once. */
  readonly slow: Uint8Array;
  /** Chance that such an article is still there, by days since the delivery. */
  readonly left: Float64Array;
}

/** Chance of the week: demand of an article moves by this much (log normal) between weeks. */
const weekNoise = 0.12;

/** Share of an article's demand that comes in the clearance, and how many days that takes. */
const clearanceShare = 0.1;
const clearanceDays = 7;
/** Exponents of the rise and fall of a life, and the integral of the curve over [0, 1], B(1.4, 1.7). */
const [rise, fall, area] = [0.4, 0.7, 0.36685];
/** An article that sells fewer pieces than this in a week comes with the delivery of the week; the rest is restocked every day. */
const slowUnits = 9;
/** Sales a day of a weekly delivery, in a shop whose mean article sells `referenceUnits`; a busier shop is supplied more often. */
const sellOut = 1.15;

/**
 * Deliveries come on Thursdays, wherever the data end: the real shop's rows jump from 27,028 on Wednesday to 40,718 on Thursday. 1970 began with one.
 * Spread over the weekdays by article they leave `recent_articles` at .89 (.91 with daily restocking, but then a week is not concentrated enough).
 */
function daysSinceDelivery(day: number): number {
  return (firstDay + day) % 7;
}

/**
 * Chance that fewer than three were sold, so that the article is there (Poisson): sizes run out together after some days, unlike by an exponential,
 * with which Thursday deliveries leave `recent_articles` at .926.
 */
export function stockLeft(sold: number): number {
  return Math.exp(-sold) * (1 + sold + sold ** 2 / 2);
}

/**
 * Demand of an article on a day of its age, relative; integrates to 1. A broad hump while it is on the shelves, nothing, then a short clearance: so a
 * life from first to last sale is long, while few articles are on sale at once, as counted in the real shop (206 days; 17 % a week).
 */
export function lifeAt(ageDays: number, lifeDays: number, clearance: number): number {
  if (ageDays <= 0) return 0;
  if (ageDays < lifeDays) {
    const x = ageDays / lifeDays;
    return ((1 - clearanceShare) * x ** rise * (1 - x) ** fall) / (area * lifeDays);
  }
  return ageDays >= clearance && ageDays < clearance + clearanceDays ? clearanceShare / clearanceDays : 0;
}

export interface WeekSettings {
  readonly sections: readonly Section[];
  readonly calendar: Calendar;
  /** Of the whole shop in the whole span. */
  readonly purchases: number;
}

export function createWeekTables(seed: number, catalogue: SynthCatalogue, settings: WeekSettings): WeekTables {
  const { sectionCount } = catalogue;
  const bySection = itemsBySection(catalogue);
  const random = createRandom(seed, "weeks");
  const start = new Int32Array(weekCount * sectionCount + 1);
  const items: number[] = [];
  const weights: number[] = [];
  for (let week = 0; week < weekCount; week++) {
    const middle = dayCount - (weekCount - 1 - week) * 7 - 3.5;
    for (let section = 0; section < sectionCount; section++) {
      for (const item of bySection[section]!) {
        const life = lifeAt(middle - catalogue.launch[item]!, catalogue.lifeDays[item]!, catalogue.clearance[item]!);
        if (life === 0) continue;
        items.push(item);
        weights.push(life * catalogue.appeal[item]! * Math.exp(weekNoise * random.normal()));
      }
      start[week * sectionCount + section + 1] = items.length;
    }
  }
  const columns = { start, items: Int32Array.from(items), weights: Float64Array.from(weights) };
  const rate = sellOut * ((referenceUnits * catalogue.itemCount) / settings.purchases) ** 0.44;
  const left = Float64Array.from({ length: 7 }, (_, day) => stockLeft(rate * day));
  return { ...buildAliases(columns), slow: findSlow(columns, settings), left };
}

interface WeekColumns {
  readonly start: Int32Array;
  readonly items: Int32Array;
  readonly weights: Float64Array;
}

function findSlow({ start, weights }: WeekColumns, { sections, calendar, purchases }: WeekSettings): Uint8Array {
  const slow = new Uint8Array(weights.length);
  const allShares = sections.reduce((sum, section) => sum + section.salesShare, 0);
  for (let table = 0; table + 1 < start.length; table++) {
    const end = dayCount - (weekCount - 1 - Math.floor(table / sections.length)) * 7;
    const ofWeek = calendar.cumulated[end]! - calendar.cumulated[Math.max(0, end - 7)]!;
    const sales = (purchases * ofWeek * sections[table % sections.length]!.salesShare) / allShares;
    const total = weights.subarray(start[table], start[table + 1]).reduce((sum, weight) => sum + weight, 0);
    for (let at = start[table]!; at < start[table + 1]!; at++) slow[at] = (sales * weights[at]!) / total < slowUnits ? 1 : 0;
  }
  return slow;
}

function itemsBySection(catalogue: SynthCatalogue): number[][] {
  const lists: number[][] = Array.from({ length: catalogue.sectionCount }, () => []);
  for (let item = 0; item < catalogue.itemCount; item++) lists[catalogue.section[item]!]!.push(item);
  return lists;
}

function buildAliases({ start, items, weights }: WeekColumns): Omit<WeekTables, "slow" | "left"> {
  const accept = new Float32Array(items.length);
  const alias = new Int32Array(items.length);
  for (let table = 0; table + 1 < start.length; table++) {
    fillAlias(weights.subarray(start[table], start[table + 1]), accept, alias, start[table]!);
  }
  return { start, items, accept, alias };
}

/** Vose's construction; `alias` holds places in the whole column. */
function fillAlias(weights: Float64Array, accept: Float32Array, alias: Int32Array, offset: number): void {
  const count = weights.length;
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const scaled = weights.map((weight) => (weight * count) / total);
  const small: number[] = [];
  const large: number[] = [];
  for (let i = 0; i < count; i++) (scaled[i]! < 1 ? small : large).push(i);
  while (small.length > 0 && large.length > 0) {
    const low = small.pop()!;
    const high = large.at(-1)!;
    accept[offset + low] = scaled[low]!;
    alias[offset + low] = offset + high;
    scaled[high]! -= 1 - scaled[low]!;
    if (scaled[high]! < 1) small.push(large.pop()!);
  }
  for (const i of [...small, ...large]) {
    accept[offset + i] = 1;
    alias[offset + i] = offset + i;
  }
}

/** Draws before a customer takes what has run out elsewhere: a section where all is slow must sell something on its last day too. */
const drawsAtMost = 9;

/** An article of a section on a day, or -1 when the section sells nothing in that week. O(1). */
export function drawItem(tables: WeekTables, table: number, day: number, random: Random): number {
  const from = tables.start[table]!;
  const count = tables.start[table + 1]! - from;
  if (count === 0) return -1;
  const left = tables.left[daysSinceDelivery(day)]!;
  for (let draw = 1; ; draw++) {
    const point = random.next() * count;
    const place = Math.min(count - 1, Math.floor(point));
    const at = from + place;
    const chosen = point - place < tables.accept[at]! ? at : tables.alias[at]!;
    if (draw === drawsAtMost || tables.slow[chosen] === 0 || random.next() < left) return tables.items[chosen]!;
  }
}

/** True when an article can be bought in a week. */
export function onSale(catalogue: SynthCatalogue, item: number, day: number): boolean {
  const age = dayCount - (weekCount - 1 - weekOf(day)) * 7 - 3.5 - catalogue.launch[item]!;
  return lifeAt(age, catalogue.lifeDays[item]!, catalogue.clearance[item]!) > 0;
}
