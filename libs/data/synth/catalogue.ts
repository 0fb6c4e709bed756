/** The invented catalogue: products in colours, each with a place in the shop, a style, a price and a life. */
import { createRandom, type Random } from "#libs/core/random.ts";
import { Assortment, type ProductPlan, referenceUnits } from "./assortment.ts";
import { dayCount } from "./sizes.ts";
import { appearances, colourMasters, colourShares, groups, productTypes } from "./words.ts";

/** Length of the style vectors of items and customers. */
export const styleDim = 8;

/** Columns of length `itemCount`; variants of a product are neighbours. */
export interface SynthCatalogue {
  readonly itemCount: number;
  readonly sectionCount: number;
  /** Product number; variants of product p are [productStart[p], productStart[p + 1]). */
  readonly product: Int32Array;
  readonly productStart: Int32Array;
  readonly section: Uint8Array;
  readonly type: Uint8Array;
  readonly colour: Uint8Array;
  readonly shade: Uint8Array;
  readonly appearance: Uint8Array;
  /** Style vectors, [items, styleDim], row-major. */
  readonly style: Float32Array;
  /** Regular price in 1/59000 of the scaled price, whole. */
  readonly price: Int32Array;
  /** Relative demand over the whole life; about 1 for the common articles of a section. */
  readonly appeal: Float32Array;
  /** First day on sale, may be before day 0. */
  readonly launch: Int32Array;
  /** Days on sale after the launch. */
  readonly lifeDays: Float32Array;
  /** Age at which the leftovers are sold out, days. */
  readonly clearance: Float32Array;
}

/** Sections of all groups in a row, with the shares they have. */
export interface Section {
  readonly name: string;
  readonly group: number;
  readonly catalogueShare: number;
  readonly salesShare: number;
  /** Product types sold here, favourites first. */
  readonly types: readonly number[];
}

export function createSections(seed: number): Section[] {
  const random = createRandom(seed, "sections");
  const sections: Section[] = [];
  for (const [group, words] of groups.entries()) {
    const sizes = words.sections.map((_, place) => 1 / (place + 2) ** 0.7);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    for (const [place, name] of words.sections.entries()) {
      const share = sizes[place]! / total;
      const types = Array.from({ length: 8 }, () => random.below(productTypes.length));
      sections.push({ name, group, catalogueShare: share * words.catalogueShare, salesShare: share * words.salesShare, types });
    }
  }
  return sections;
}

const styleCount = 40;
/** Shares of products with 1, 2, 3 ... colours: mean 2.23, half have one, a tail beyond ten. */
const variantShares = [0.51, 0.235, 0.1, 0.055, 0.032, 0.02, 0.014, 0.01, 0.007, 0.005, 0.004, 0.004, 0.003, 0.002];
/** `purchases` is what the whole shop sells: with the shares of the sections it says how far the articles of a section lie apart. */
export function createCatalogue(seed: number, itemCount: number, sections: readonly Section[], purchases: number): SynthCatalogue {
  const catalogue = allocate(itemCount, sections.length);
  const styles = createStyles(seed);
  const random = createRandom(seed, "catalogue");
  const meanUnits = purchases / itemCount;
  const assortment = new Assortment(sections, itemCount, meanUnits, random);
  const starts: number[] = [];
  for (let item = 0; item < itemCount; ) {
    const colours = Math.min(itemCount - item, 1 + pick(variantShares, random));
    const plan = assortment.plan(colours, random);
    addProduct(catalogue, { first: item, product: starts.length, plan, section: sections[plan.section]!, meanUnits }, styles, random);
    starts.push(item);
    item += colours;
  }
  starts.push(itemCount);
  return { ...catalogue, productStart: Int32Array.from(starts) };
}

/** Place of Children in `groups`: outgrown in a season, so sold within fewer weeks than the rest. */
const childrenGroup = 1;

type Columns = Omit<SynthCatalogue, "productStart">;

function allocate(itemCount: number, sectionCount: number): Columns {
  return {
    itemCount,
    sectionCount,
    product: new Int32Array(itemCount),
    section: new Uint8Array(itemCount),
    type: new Uint8Array(itemCount),
    colour: new Uint8Array(itemCount),
    shade: new Uint8Array(itemCount),
    appearance: new Uint8Array(itemCount),
    style: new Float32Array(itemCount * styleDim),
    price: new Int32Array(itemCount),
    appeal: new Float32Array(itemCount),
    launch: new Int32Array(itemCount),
    lifeDays: new Float32Array(itemCount),
    clearance: new Float32Array(itemCount),
  };
}

/** Centres of style on the unit sphere, [styleCount, styleDim]. */
export function createStyles(seed: number): Float32Array[] {
  const random = createRandom(seed, "styles");
  return Array.from({ length: styleCount }, () => unit(Float32Array.from({ length: styleDim }, () => random.normal())));
}

function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return vector.map((x) => x / length);
}

interface NewProduct {
  readonly first: number;
  readonly product: number;
  readonly plan: ProductPlan;
  readonly section: Section;
  /** What the shop sells of an article on average. */
  readonly meanUnits: number;
}

/** An article that is on sale when the span starts may have come this many days before. */
const daysBefore = 170;
/** The last launches come this long before the end, or too many articles would never be sold. */
const quietEnd = 12;
/** Further colours of a product follow within this many days. */
const colourDelay = 60;

function addProduct(
  columns: Columns,
  { first, product, plan, section, meanUnits }: NewProduct,
  styles: readonly Float32Array[],
  random: Random,
): void {
  const { types } = section;
  const type = types[Math.floor(random.next() ** 1.6 * types.length)]!;
  const style = styles[random.below(styles.length)]!.map((x) => x + 0.25 * random.normal());
  const appearance = Math.floor(random.next() ** 2.5 * appearances.length);
  const price = productTypes[type]!.price * 1.18 * Math.exp(0.35 * random.normal());
  const lifeDays = middleLife(section, plan.isHit, meanUnits) * Math.exp(lifeSpread * plan.life);
  const before = Math.min(daysBefore, 0.7 * lifeDays);
  const launch = Math.floor(plan.launch * (dayCount - quietEnd + before) - before);
  for (const [place, appeal] of plan.appeal.entries()) {
    const item = first + place;
    columns.product[item] = product;
    columns.section[item] = plan.section;
    columns.type[item] = type;
    columns.colour[item] = pick(colourShares, random);
    columns.shade[item] = Math.floor(random.next() ** 2 * 4);
    columns.appearance[item] = appearance;
    columns.style.set(tint(style, columns.colour[item]!), item * styleDim);
    columns.price[item] = Math.max(60, Math.round(price * 10) * 10 - 1);
    columns.appeal[item] = appeal;
    columns.launch[item] = place === 0 ? launch : launch + Math.floor(random.next() ** 3 * colourDelay);
    columns.lifeDays[item] = lifeDays * Math.exp(colourLifeSpread * random.normal());
    columns.clearance[item] = columns.lifeDays[item]! + 20 + 170 * random.next();
  }
}

/** Spread (log normal) of the days on sale. */
const lifeSpread = 0.35;
/** And of each colour's against the others of the product; small, since it is drawn one by one. */
const colourLifeSpread = 0.1;

/**
 * Days on sale, median. A hit burns faster: its demand stands in fewer weeks, which is what makes weeks more concentrated than whole lives.
 * A common article stays longer in a busier shop, which has more of each to sell. Children's articles, a third of the catalogue with 2.6 % of the sales,
 * are the largest part of what sells one piece a week: on sale for 95 days rather than 115 there are fewer at a time, and `articles_once` falls by .01.
 */
function middleLife(section: Section, isHit: boolean, meanUnits: number): number {
  const longer = (meanUnits / referenceUnits) ** 0.31;
  if (section.group === childrenGroup) return 95 * longer;
  return isHit ? 112 : 235 * longer;
}

/** A colour turns a style a little, the same way for every product. */
function tint(style: Float32Array, colour: number): Float32Array {
  const angle = (2 * Math.PI * colour) / colourMasters.length;
  const tinted = Float32Array.from(style);
  tinted[0]! += 0.35 * Math.cos(angle);
  tinted[1]! += 0.35 * Math.sin(angle);
  return tinted;
}

/** Index drawn with probability in proportion to its weight. O(weights). */
export function pick(weights: readonly number[], random: Random): number {
  let rest = random.next() * weights.reduce((sum, weight) => sum + weight, 0);
  for (let i = 0; i < weights.length; i++) {
    rest -= weights[i]!;
    if (rest < 0) return i;
  }
  return weights.length - 1;
}
