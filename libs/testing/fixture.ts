/** A small made-up shop with clear tastes: five clusters of items, users who buy almost only from one of them. */

import type { AttributeColumn, Catalog, UserTable } from "#libs/catalog/catalog.ts";
import { secondsPerDay } from "#libs/core/clock.ts";
import { createRandom, type Random } from "#libs/core/random.ts";
import type { Interactions } from "#libs/data/interactions.ts";
import { interactionsOf } from "./interactions.ts";

export interface FixtureShop {
  readonly catalog: Catalog;
  readonly users: UserTable;
  /** All before `nowSeconds`. */
  readonly interactions: Interactions;
  readonly nowSeconds: number;
  /** What user u buys in the week after `nowSeconds`: distinct items that the user had not bought before. */
  readonly future: readonly Int32Array[];
}

export const fixtureClusters = 5;
const itemCount = 200;
const userCount = 300;
const days = 84;
/** Purchases by a user over the 12 weeks and in the week to come. */
const purchases = { least: 8, spread: 12, future: 4 };
/** Share of purchases within the user's own cluster. */
const loyalty = 0.9;
/** The last items of the catalogue are never sold: cold ones. */
const coldItems = 10;

interface Purchase {
  readonly item: number;
  readonly time: number;
}

export function createFixtureShop(seed = 7): FixtureShop {
  const random = createRandom(seed, "fixture shop");
  const nowSeconds = 1_600_000_000;
  const histories: Purchase[][] = [];
  const future: Int32Array[] = [];
  for (let user = 0; user < userCount; user++) {
    const count = purchases.least + random.below(purchases.spread);
    const history = Array.from({ length: count }, () => ({
      item: drawItem(random, user % fixtureClusters),
      time: nowSeconds - 1 - random.below(days * secondsPerDay),
    })).sort((a, b) => a.time - b.time);
    histories.push(history);
    const owned = new Set(history.map((purchase) => purchase.item));
    const next = new Set<number>();
    while (next.size < purchases.future) {
      const item = drawItem(random, user % fixtureClusters);
      if (!owned.has(item)) next.add(item);
    }
    future.push(Int32Array.from(next));
  }
  return {
    catalog: createCatalog(histories),
    users: createUsers(),
    interactions: interactionsOf(
      histories.map((history) => history.map(({ item, time }) => [item, time] as const)),
      itemCount,
      10,
    ),
    nowSeconds,
    future,
  };
}

/** Item i belongs to cluster i modulo 5; lower items of a cluster sell more. */
function drawItem(random: Random, ownCluster: number): number {
  const cluster = random.next() < loyalty ? ownCluster : random.below(fixtureClusters);
  const sold = (itemCount - coldItems) / fixtureClusters;
  const place = Math.floor(sold * random.next() ** 1.5);
  return place * fixtureClusters + cluster;
}

function column(name: string, values: readonly string[], code: (item: number) => number): AttributeColumn {
  return { name, values, codes: Int32Array.from({ length: itemCount }, (_, item) => code(item)) };
}

/** Colour and material go with the cluster, the size with nothing; a product group has two items of one cluster. */
function createCatalog(histories: readonly Purchase[][]): Catalog {
  const clusterWords = ["linen summer dress", "wool winter coat", "running shorts sport", "office cotton shirt", "denim rock jacket"];
  const first = new Uint32Array(itemCount);
  const last = new Uint32Array(itemCount);
  for (const { item, time } of histories.flat()) {
    first[item] = first[item] === 0 ? time : Math.min(first[item]!, time);
    last[item] = Math.max(last[item]!, time);
  }
  const cluster = (item: number): number => item % fixtureClusters;
  const items = Array.from({ length: itemCount }, (_, item) => item);
  const groups = items.map((item) => `p${Math.floor(item / (2 * fixtureClusters)) * fixtureClusters + cluster(item)}`);
  const groupNames = [...new Set(groups)];
  return {
    itemCount,
    ids: items.map((item) => `item-${item}`),
    names: items.map((item) => `${clusterWords[cluster(item)]!} ${item}`),
    texts: items.map((item) => `A ${clusterWords[cluster(item)]!} of good quality`),
    category: column("category", ["dress", "coat", "shorts", "shirt", "jacket"], cluster),
    productGroup: column("product_group", groupNames, (item) => groupNames.indexOf(groups[item]!)),
    attributes: [
      column("colour", ["white", "black", "red", "blue", "indigo"], cluster),
      column("size_range", ["regular", "petite", "tall"], (item) => Math.floor(item / fixtureClusters) % 3),
    ],
    prices: Float32Array.from(items, (item) => 10 + cluster(item) * 5),
    firstSaleSeconds: first,
    lastSaleSeconds: last,
  };
}

/** Ages 18 to 67 in steps of ten years that go with the cluster; every tenth is unknown. */
function createUsers(): UserTable {
  const values = ["18", "28", "38", "48", "67"];
  const codes = Int32Array.from({ length: userCount }, (_, user) => (user % 10 === 9 ? -1 : user % fixtureClusters));
  return {
    userCount,
    ids: Array.from({ length: userCount }, (_, user) => `user-${user}`),
    attributes: [{ name: "age", values, codes }],
  };
}
