/** What one shard has counted of one item. Does not depend on the order of the events, but for the price of two sales in the same second. */

import { type CountBucket, type CountedEvent, daySeconds, daysKept, hourSeconds, hoursKept, type ItemCounts } from "./counter-store.ts";

export interface Tally {
  /** Counts by "<d or h><number of the day or hour>:<type>:<segment>". */
  readonly counts: Readonly<Record<string, number>>;
  readonly firstSaleSeconds: number;
  readonly lastSaleSeconds: number;
  readonly lastPrice: number;
  /** Time of the sale that said the price. */
  readonly pricedSeconds: number;
  /** Time of the newest event, from which ages are counted. */
  readonly newestSeconds: number;
}

export const emptyTally: Tally = {
  counts: {},
  firstSaleSeconds: 0,
  lastSaleSeconds: 0,
  lastPrice: 0,
  pricedSeconds: 0,
  newestSeconds: 0,
};

const units = {
  d: { seconds: daySeconds, kept: daysKept },
  h: { seconds: hourSeconds, kept: hoursKept },
} as const;
type Unit = keyof typeof units;

const fieldName = (unit: Unit, { timeSeconds, type, segment }: CountedEvent): string =>
  `${unit}${Math.floor(timeSeconds / units[unit].seconds)}:${type}:${segment}`;

/** Whether the bucket of this field is still kept when the newest event is of `newestSeconds`. */
export function isKept(field: string, newestSeconds: number): boolean {
  const unit = units[field[0] as Unit];
  return Number.parseInt(field.slice(1), 10) > Math.floor(newestSeconds / unit.seconds) - unit.kept;
}

/** Buckets are dropped only when this moves on. */
const hourOf = (seconds: number): number => Math.floor(seconds / hourSeconds);

export function addToTally(tally: Tally, events: readonly CountedEvent[]): Tally {
  const newestSeconds = events.reduce((newest, { timeSeconds }) => Math.max(newest, timeSeconds), tally.newestSeconds);
  const counts = { ...tally.counts };
  let { firstSaleSeconds, lastSaleSeconds, lastPrice, pricedSeconds } = tally;
  for (const event of events) {
    const { timeSeconds, type, value } = event;
    for (const unit of ["d", "h"] as const) {
      const field = fieldName(unit, event);
      if (isKept(field, newestSeconds)) counts[field] = (counts[field] ?? 0) + 1;
    }
    if (type !== "purchase") continue;
    firstSaleSeconds = firstSaleSeconds === 0 ? timeSeconds : Math.min(firstSaleSeconds, timeSeconds);
    lastSaleSeconds = Math.max(lastSaleSeconds, timeSeconds);
    if (value > 0 && timeSeconds >= pricedSeconds) [lastPrice, pricedSeconds] = [value, timeSeconds];
  }
  if (hourOf(newestSeconds) !== hourOf(tally.newestSeconds)) {
    for (const field of Object.keys(counts)) if (!isKept(field, newestSeconds)) delete counts[field];
  }
  return { counts, firstSaleSeconds, lastSaleSeconds, lastPrice, pricedSeconds, newestSeconds };
}

function bucketOf(field: string, count: number): CountBucket {
  const { seconds } = units[field[0] as Unit];
  const [number, type, segment] = field.slice(1).split(":");
  return {
    startSeconds: Number(number) * seconds,
    spanSeconds: seconds,
    type: type as CountBucket["type"],
    segment: Number(segment),
    count,
  };
}

/** The sum of an item's shards, less what is too old beside the newest of them. Buckets ascending by field name. */
export function mergeTallies(itemId: string, shards: readonly Tally[]): ItemCounts {
  const newest = Math.max(0, ...shards.map(({ newestSeconds }) => newestSeconds));
  const counts = new Map<string, number>();
  for (const shard of shards) {
    for (const [field, count] of Object.entries(shard.counts)) {
      if (isKept(field, newest)) counts.set(field, (counts.get(field) ?? 0) + count);
    }
  }
  const firsts = shards.map(({ firstSaleSeconds }) => firstSaleSeconds).filter((first) => first > 0);
  const priced = shards.reduce((best, shard) => (shard.pricedSeconds > best.pricedSeconds ? shard : best), emptyTally);
  return {
    itemId,
    buckets: [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([field, count]) => bucketOf(field, count)),
    firstSaleSeconds: firsts.length === 0 ? 0 : Math.min(...firsts),
    lastSaleSeconds: Math.max(0, ...shards.map(({ lastSaleSeconds }) => lastSaleSeconds)),
    lastPrice: priced.lastPrice,
  };
}
