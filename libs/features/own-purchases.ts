/** What a subject bought, item by item and basket by basket. */

import { secondsPerDay } from "#libs/core/clock.ts";
import { eventCode } from "#libs/events/event.ts";

/** A subject's events on items that the release knows, ascending by time, all before `nowSeconds`. Columns of equal length. */
export interface EventColumns {
  readonly items: Int32Array;
  readonly times: ArrayLike<number>;
  readonly types: ArrayLike<number>;
}

/** One item's purchases. Baskets count from the latest, which is 0. */
export interface OwnItem {
  /** Purchases, several of one basket counted each. */
  count: number;
  /** Baskets that hold it. */
  baskets: number;
  /** Days before the instant of the latest and of the first purchase. */
  days: number;
  firstDays: number;
  lastBasket: number;
  firstBasket: number;
  /** Sum over the baskets that hold it of 0.8 and of 0.5 to the power of the basket's number: how steadily it is bought again. */
  weight80: number;
  weight50: number;
}

export interface OwnPurchases {
  readonly items: ReadonlyMap<number, OwnItem>;
  readonly count: number;
  readonly baskets: number;
  /** Days between the first and the latest basket, by the number of steps between them; 0 with fewer than two baskets. */
  readonly daysBetween: number;
  /** Share of the items that are in more than one basket. */
  readonly rebought: number;
}

function addTo(items: Map<number, OwnItem>, item: number, basket: number, days: number): void {
  const own = items.get(item);
  if (!own) {
    items.set(item, {
      count: 1,
      baskets: 1,
      days,
      firstDays: days,
      lastBasket: basket,
      firstBasket: basket,
      weight80: 0.8 ** basket,
      weight50: 0.5 ** basket,
    });
    return;
  }
  own.count++;
  own.firstDays = days;
  if (own.firstBasket === basket) return;
  own.firstBasket = basket;
  own.baskets++;
  own.weight80 += 0.8 ** basket;
  own.weight50 += 0.5 ** basket;
}

/** A basket is what was bought on one day (UTC): data sets often know the day only. O(events). */
export function ownPurchases({ items, times, types }: EventColumns, nowSeconds: number): OwnPurchases {
  const own = new Map<number, OwnItem>();
  let [count, basket, day, latest, first] = [0, -1, -1, 0, 0];
  for (let at = items.length - 1; at >= 0; at--) {
    if (types[at] !== eventCode.purchase) continue;
    const today = Math.floor(times[at]! / secondsPerDay);
    if (basket < 0) latest = today;
    if (today !== day) basket++;
    day = today;
    first = today;
    count++;
    addTo(own, items[at]!, basket, Math.max(0, (nowSeconds - times[at]!) / secondsPerDay));
  }
  let rebought = 0;
  for (const { baskets } of own.values()) if (baskets > 1) rebought++;
  return {
    items: own,
    count,
    baskets: basket + 1,
    daysBetween: basket > 0 ? (latest - first) / basket : 0,
    rebought: own.size === 0 ? 0 : rebought / own.size,
  };
}
