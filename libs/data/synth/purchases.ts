/** What one customer buys: baskets by day, with taste, the mood of the day, colours of known products, and things bought again. */
import type { Random } from "#libs/core/random.ts";
import { type SynthCatalogue, styleDim } from "./catalogue.ts";
import type { Customer } from "./customers.ts";
import { drawItem, onSale, type WeekTables } from "./demand.ts";
import { weekOf } from "./sizes.ts";

/** Rows of all customers as growing columns. */
export interface PurchaseColumns {
  count: number;
  readonly user: Int32Array;
  readonly item: Int32Array;
  readonly day: Int16Array;
  /** In 1/59000 of the scaled price, whole. */
  readonly price: Int32Array;
  readonly channel: Uint8Array;
}

export function createPurchaseColumns(capacity: number): PurchaseColumns {
  return {
    count: 0,
    user: new Int32Array(capacity),
    item: new Int32Array(capacity),
    day: new Int16Array(capacity),
    price: new Int32Array(capacity),
    channel: new Uint8Array(capacity),
  };
}

/** Shares measured so that the repeats of the result meet the realism figures. */
const again = {
  /** Another piece of something in the same basket. */
  sameBasket: 0.15,
  /** Something bought in the last weeks. */
  recent: 0.034,
  /** Something bought at any time. */
  ever: 0.018,
  /** Another colour of a product that was bought before. */
  colour: 0.085,
};
/** Candidates among which taste decides, and how strongly. */
const candidateCount = 6;
const tasteStrength = 3.2;
/** How much the last article of the day draws the next one towards itself. */
const moodShare = 0.35;
const basketSpread = 0.83;
const recentDays = 32;

interface Past {
  readonly items: number[];
  readonly days: number[];
  readonly bought: Set<number>;
  readonly products: Set<number>;
}

/** Appends the purchases of a customer. */
export function addPurchases(
  rows: PurchaseColumns,
  user: number,
  customer: Customer,
  catalogue: SynthCatalogue,
  tables: WeekTables,
  random: Random,
): void {
  const past: Past = { items: [], days: [], bought: new Set(), products: new Set() };
  for (const day of customer.days) {
    const size = Math.max(1, Math.min(60, Math.round(Math.exp(customer.basketLevel + basketSpread * random.normal()))));
    const online = random.next() < customer.online;
    addBasket({ rows, user, customer, catalogue, tables, random, past, day, online }, size);
  }
}

interface Visit {
  readonly rows: PurchaseColumns;
  readonly user: number;
  readonly customer: Customer;
  readonly catalogue: SynthCatalogue;
  readonly tables: WeekTables;
  readonly random: Random;
  readonly past: Past;
  readonly day: number;
  readonly online: boolean;
}

function addBasket(visit: Visit, size: number): void {
  const { rows, random, past, catalogue } = visit;
  const first = rows.count;
  for (let n = 0; n < size && rows.count < rows.item.length; n++) {
    const item = drawRow(visit, first);
    if (item < 0) continue;
    const at = rows.count++;
    rows.user[at] = visit.user;
    rows.item[at] = item;
    past.bought.add(item);
    rows.day[at] = visit.day;
    rows.price[at] = priceOn(catalogue, item, visit.day);
    const online = random.next() < 0.006 ? !visit.online : visit.online;
    rows.channel[at] = online ? 2 : 1;
  }
  for (let at = first; at < rows.count; at++) {
    const item = rows.item[at]!;
    past.items.push(item);
    past.days.push(visit.day);
    past.products.add(catalogue.product[item]!);
  }
}

/** The article of the next row, or -1 when nothing is on sale. */
function drawRow(visit: Visit, first: number): number {
  const { rows, random, past } = visit;
  if (rows.count > first && random.next() < again.sameBasket) return rows.item[first + random.below(rows.count - first)]!;
  const place = random.next();
  if (past.items.length > 0 && place < again.recent + again.ever + again.colour) {
    const item = drawKnown(visit, place);
    if (item >= 0) return item;
  }
  return drawNew(visit, rows.count > first ? rows.item[rows.count - 1]! : -1);
}

function drawKnown(visit: Visit, place: number): number {
  const { random, past, catalogue, day } = visit;
  for (let tries = 0; tries < 7; tries++) {
    const back = place < again.ever ? random.next() : random.next() ** 3;
    const at = past.items.length - 1 - Math.floor(back * Math.min(past.items.length, place < again.ever ? 400 : 20));
    const item = past.items[at]!;
    if (place >= again.ever && place < again.ever + again.recent) {
      if (day - past.days[at]! <= recentDays && onSale(catalogue, item, day)) return item;
    } else if (place < again.ever) {
      if (onSale(catalogue, item, day)) return item;
    } else {
      const sibling = drawSibling(catalogue, item, random);
      if (sibling !== item && onSale(catalogue, sibling, day)) return sibling;
    }
  }
  return -1;
}

function drawSibling(catalogue: SynthCatalogue, item: number, random: Random): number {
  const product = catalogue.product[item]!;
  const from = catalogue.productStart[product]!;
  return from + random.below(catalogue.productStart[product + 1]! - from);
}

/** A draw by demand and taste; what the customer has already is mostly passed over. */
function drawNew(visit: Visit, previous: number): number {
  for (let tries = 0; tries < 8; tries++) {
    const item = drawByTaste(visit, previous);
    if (item < 0) return -1;
    if (!visit.past.bought.has(item) && !visit.past.products.has(visit.catalogue.product[item]!)) return item;
  }
  return drawByTaste(visit, previous);
}

function drawByTaste(visit: Visit, previous: number): number {
  const { random, catalogue, tables, customer } = visit;
  const table = weekOf(visit.day) * catalogue.sectionCount + drawSection(visit, previous);
  let best = -1;
  let bestScore = Number.NEGATIVE_INFINITY;
  for (let n = 0; n < candidateCount; n++) {
    const item = drawItem(tables, table, visit.day, random);
    if (item < 0) return -1;
    const gumbel = -Math.log(-Math.log(random.next() + 1e-12));
    const score = tasteStrength * affinity(catalogue, item, customer.taste, previous) + gumbel;
    if (score > bestScore) {
      best = item;
      bestScore = score;
    }
  }
  return best;
}

function drawSection(visit: Visit, previous: number): number {
  const { random, customer, catalogue } = visit;
  if (previous >= 0 && random.next() < moodShare) return catalogue.section[previous]!;
  const place = random.next();
  let at = 0;
  while (at + 1 < customer.sectionCumulated.length && customer.sectionCumulated[at]! <= place) at++;
  return customer.sections[at]!;
}

/** Taste, leaning towards the article just chosen. */
function affinity(catalogue: SynthCatalogue, item: number, taste: Float32Array, previous: number): number {
  const { style } = catalogue;
  const at = item * styleDim;
  let score = 0;
  for (let i = 0; i < styleDim; i++) score += style[at + i]! * taste[i]!;
  if (previous < 0) return score;
  let mood = 0;
  for (let i = 0; i < styleDim; i++) mood += style[at + i]! * style[previous * styleDim + i]!;
  return (1 - moodShare) * score + moodShare * mood;
}

/** The regular price, marked down late in an article's life by a step that is its own. */
function priceOn(catalogue: SynthCatalogue, item: number, day: number): number {
  const age = (day - catalogue.launch[item]!) / catalogue.lifeDays[item]!;
  const regular = catalogue.price[item]!;
  if (age < 0.75) return regular;
  const step = age < 0.88 ? 0.8 : age < 1 ? 0.65 : 0.5;
  return Math.max(40, Math.round((regular * step) / 10) * 10 - 1);
}
