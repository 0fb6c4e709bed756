/**
 * Which products a section gets, when they come and which of them become hits. Spread evenly instead of drawn one by one: a week of a section has only
 * some thirty hits on sale, and independent draws made the concentration of a week differ more between two seeds than its range allows.
 */
import type { Random } from "#libs/core/random.ts";
import type { Section } from "./catalogue.ts";

/** Purchases of the mean article in the shop that the constants below were fitted with. */
export const referenceUnits = 125;
/**
 * Spread (log normal) of the hits' demand, a little wider in a busier shop, and how much of it the colours of a product have in common. Only the
 * former is spread evenly: with .1 in common rather than .2 (and less noise in `demand.ts` and `catalogue.ts`) the share that the top tenth of a week's
 * articles should sell differs by .0053 between seeds, not by .0076 (standard deviation before any customer comes).
 */
const hitSpread = 0.67;
const hitSpreadOfProduct = 0.1;
/** Spread of the demand of all products, wider in a busier shop, and of the colours of one. */
const productSpread = 0.11;
const colourSpread = 0.13;
/** Sets the demand of hits: the higher, the more of a section's sales go to its common articles. */
const medianUnits = 100;
/** Hits among the articles: in most sections, and at most where a section sells far more an article than the others. */
const hitShare = 0.172;
const hitShareMost = 0.42;
/** Colours of a product that become hits with it; further ones sell as any article. Without a bound, one product of 14 colours makes a season. */
const hitColours = 2;
/** How strongly a lack or an excess of hits so far acts on the next product. */
const hitFeedback = 4;

export interface ProductPlan {
  readonly section: number;
  readonly isHit: boolean;
  /** Demand of each colour over its life, relative. */
  readonly appeal: readonly number[];
  /** Place in the span of launches, from 0 to 1. */
  readonly launch: number;
  /** Standard normal, for the length of the life. */
  readonly life: number;
}

interface Hits {
  /** Spread (log normal) of the demand of all products. */
  readonly spread: number;
  /** Spread of the demand of hits. */
  readonly hitSpread: number;
  /** Share of articles that become hits. */
  readonly share: number;
  /** Logarithm of a hit's demand against that of a common article. */
  readonly level: number;
}

/** Evenly spread points that the hits of a group share: a section has six hits on sale in a week, too few to even out alone. */
interface HitSeries {
  readonly levelStart: number;
  readonly lifeStart: number;
  articles: number;
  products: number;
}

interface Rail {
  readonly hits: Hits;
  /** Articles that the section will have. */
  readonly size: number;
  readonly series: HitSeries;
  /** Where its evenly spread lives start. */
  readonly lifeStart: number;
  articles: number;
  products: number;
  /** Hits that should have come by now, less those that did. */
  missing: number;
}

export class Assortment {
  private readonly rails: readonly Rail[];
  private readonly itemCount: number;
  private articles = 0;

  /** `meanUnits` is what the shop sells of an article in the whole span, on average. */
  constructor(sections: readonly Section[], itemCount: number, meanUnits: number, random: Random) {
    const total = sections.reduce((sum, section) => sum + section.catalogueShare, 0);
    this.itemCount = itemCount;
    const series = new Map<number, HitSeries>();
    for (const { group } of sections) {
      if (!series.has(group)) series.set(group, { levelStart: random.next(), lifeStart: random.next(), articles: 0, products: 0 });
    }
    this.rails = sections.map((section) => ({
      hits: hitsOf(meanUnits, section),
      size: (section.catalogueShare / total) * itemCount,
      series: series.get(section.group)!,
      lifeStart: random.next(),
      articles: 0,
      products: 0,
      missing: random.next() - 0.5,
    }));
  }

  /** The next product: in the section that lags most behind its share, launched after those that the section has. O(sections). */
  plan(colours: number, random: Random): ProductPlan {
    const section = this.laggingSection();
    const rail = this.rails[section]!;
    const hitsIfHit = Math.min(colours, hitColours);
    const isHit = random.next() < rail.hits.share + (hitFeedback * rail.missing) / hitsIfHit;
    rail.missing += rail.hits.share * colours - (isHit ? hitsIfHit : 0);
    const launch = Math.min(1, (rail.articles + colours * random.next()) / rail.size);
    rail.articles += colours;
    this.articles += colours;
    const appeal = isHit ? appealOfHit(rail, colours, random) : appealOfCommon(rail, colours, random);
    return {
      section,
      isHit,
      appeal,
      launch,
      life: normalQuantile(isHit ? lifeOfHit(rail.series) : evenPoint(rail.lifeStart, ++rail.products)),
    };
  }

  private laggingSection(): number {
    const progress = (this.articles + 1) / this.itemCount;
    let most = 0;
    for (let section = 1; section < this.rails.length; section++) {
      const [rail, best] = [this.rails[section]!, this.rails[most]!];
      if (rail.size * progress - rail.articles > best.size * progress - best.articles) most = section;
    }
    return most;
  }
}

/** By another step than the levels of the hits, or long lives would go with certain levels. */
function lifeOfHit(series: HitSeries): number {
  return evenPoint(series.lifeStart, ++series.products, Math.SQRT2 - 1);
}

function appealOfCommon(rail: Rail, colours: number, random: Random): number[] {
  const ofProduct = rail.hits.spread * random.normal();
  return Array.from({ length: colours }, () => Math.exp(ofProduct + colourSpread * random.normal()));
}

/** The first colours of a hit are hits, at levels that are spread evenly over those of the group. */
function appealOfHit(rail: Rail, colours: number, random: Random): number[] {
  const ofProduct = rail.hits.level + hitSpreadOfProduct * random.normal();
  const ofColour = Math.sqrt(rail.hits.hitSpread ** 2 - hitSpreadOfProduct ** 2);
  return appealOfCommon(rail, colours, random).map((common, place) => {
    if (place >= hitColours) return common;
    return common * Math.exp(ofProduct + ofColour * normalQuantile(evenPoint(rail.series.levelStart, ++rail.series.articles)));
  });
}

/**
 * The hits of a section, such that its median article sells about the same whatever its mean is: in the real shop the median over all
 * sections is 65 at a mean of 304. A section or shop that sells more has more hits, not only larger ones; one log-normal for all articles
 * fails the weekly concentration.
 */
function hitsOf(meanUnits: number, section: Section): Hits {
  const size = meanUnits / referenceUnits;
  const ratio = (meanUnits * section.salesShare) / section.catalogueShare / (medianUnits * size ** 0.25);
  // 2.1 is the ratio of the largest group in the reference shop.
  const share = Math.min(hitShareMost, hitShare * size ** 0.35 * Math.max(1, ratio / 2.1));
  const spread = productSpread * size ** 1.6;
  const spreadOfHits = hitSpread * size ** 0.03;
  const common = Math.exp((spread ** 2 + colourSpread ** 2) / 2) * (1 - share);
  // A hit's demand follows from what the common articles leave of the section's sales; 1.2 makes up for customers who spread over the section.
  const level = Math.log(Math.max(1, (1.2 * ratio - common) / (share * Math.exp(spreadOfHits ** 2 / 2))));
  return { spread, hitSpread: spreadOfHits, share, level };
}

const goldenRatio = (Math.sqrt(5) - 1) / 2;

/** Point n of a sequence that fills (0, 1) evenly at any length: multiples of an irrational step (van der Corput's and Weyl's idea). */
export function evenPoint(start: number, n: number, step = goldenRatio): number {
  return Math.min(1 - 1e-6, Math.max(1e-6, (start + n * step) % 1));
}

/** Inverse of the standard normal distribution, rational approximation (Acklam 2003), relative error below 1.2e-9. */
export function normalQuantile(share: number): number {
  if (share > 0.5) return -normalQuantile(1 - share);
  if (share < 0.02425) {
    const q = Math.sqrt(-2 * Math.log(share));
    return polynomial(tailOver, q) / (polynomial(tailUnder, q) * q + 1);
  }
  const q = share - 0.5;
  const r = q * q;
  return (polynomial(middleOver, r) * q) / (polynomial(middleUnder, r) * r + 1);
}

const middleOver = [-39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239];
const middleUnder = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572];
const tailOver = [-0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968, 2.938163982698783];
const tailUnder = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416];

/** Horner's scheme, highest power first. */
function polynomial(coefficients: readonly number[], x: number): number {
  return coefficients.reduce((sum, coefficient) => sum * x + coefficient, 0);
}
