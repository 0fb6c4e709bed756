/** What a shop looks like in figures: ranges measured on a real fashion retailer. Generated data of a comparable span should fall inside. */

export interface RealismTarget {
  readonly id: string;
  readonly what: string;
  readonly low: number;
  readonly high: number;
  /**
   * Counts of articles and purchases in absolute numbers (the twelve best sellers, the thousand best sellers) can only hold in a shop of the real size:
   * such a figure is judged from this many items on. With 20,000 articles the top 1 % of those sold in a week are some 30, so a share
   * of 16 % for them and of 4 % for the best 12 exclude each other.
   */
  readonly itemsMin?: number;
}

const wholeShop = 60_000;

const rows: readonly (readonly [string, string, number, number, number?])[] = [
  ["customers_buying", "customers with a purchase", 0.985, 0.999],
  ["articles_sold", "articles sold at all", 0.97, 1],
  ["tx_per_customer_mean", "purchases a buying customer, mean", 20, 27],
  ["tx_per_customer_median", "... median", 7, 12],
  ["tx_per_customer_p25", "... 25th percentile", 2, 4],
  ["tx_per_customer_p75", "... 75th percentile", 20, 32],
  ["tx_per_customer_p90", "... 90th percentile", 50, 80],
  ["tx_per_customer_p99", "... 99th percentile", 140, 260],
  ["tx_single_share", "customers with one purchase", 0.06, 0.13],
  ["customer_gini", "Gini of purchases over customers", 0.6, 0.7],
  ["top10pct_customers_share", "share of the top 10 % of customers", 0.42, 0.55],
  ["days_per_customer_median", "purchase days a customer, median", 2, 4],
  ["one_day_customers", "customers with one purchase day", 0.27, 0.39],
  ["basket_mean", "rows of a customer and day, mean", 2.8, 3.9],
  ["basket_median", "... median", 2, 2],
  ["basket_one_share", "baskets of one row", 0.26, 0.36],
  ["basket_p90", "basket, 90th percentile", 6, 8],
  ["basket_p99", "basket, 99th percentile", 13, 22],
  ["gap_median", "days between purchase days, median", 17, 28],
  ["identical_rows", "rows repeating customer, article, day", 0.07, 0.12],
  ["inactive_30d", "customers without a purchase for 30 days", 0.78, 0.85],
  ["inactive_90d", "... for 90 days", 0.5, 0.66],
  ["inactive_365d", "... for 365 days", 0.24, 0.34],
  ["weekly_active_share", "customers active in a week", 0.045, 0.065],
  ["week_tx_per_active", "purchases an active customer and week", 3.2, 4.4],
  ["week_articles_per_active", "distinct articles an active customer", 2.7, 3.5],
  ["week_articles_sold", "share of the catalogue sold in a week", 0.14, 0.21],
  ["cold_customers", "active customers without an earlier purchase", 0.06, 0.14],
  ["repurchase_any", "pairs of a week bought before", 0.02, 0.045],
  ["repurchase_4w", "... within 4 weeks before", 0.012, 0.027],
  ["repurchase_product", "... same product before", 0.06, 0.095],
  ["pair_repeat", "pairs bought on more than one day", 0.027, 0.045],
  ["recent_articles", "pairs of 3 days sold in the 4 before", 0.92, 0.98],
  ["top1pct_articles", "share of the top 1 % of sold articles", 0.16, 0.24],
  ["top5pct_articles", "... top 5 %", 0.42, 0.54],
  ["top10pct_articles", "... top 10 %", 0.58, 0.7],
  ["top12_articles", "... the 12 best sellers", 0.018, 0.042, wholeShop],
  ["top1000_articles", "... the 1,000 best sellers", 0.44, 0.57, wholeShop],
  ["gini_articles", "Gini over articles sold in the week", 0.7, 0.79],
  ["articles_once", "sold articles of the week with one row", 0.25, 0.36],
  ["units_median", "units an article, median", 45, 95],
  ["life_median", "days from first to last sale, median", 150, 260],
  ["active_days_median", "days with a sale an article, median", 28, 52],
  ["days_to_50", "days to half of the units, median", 45, 90],
  ["days_to_80", "days to 80 % of the units, median", 80, 150],
  ["max7d_share", "best 7 days of an article, median share", 0.11, 0.22],
  ["channel_online", "share of channel 2", 0.66, 0.74],
  ["basket_single_channel", "baskets of one channel", 0.97, 1],
  ["customer_single_channel", "customers of one channel", 0.58, 0.74],
  ["season_ratio", "busiest over quietest full month", 1.5, 2.3],
  ["age_median", "age, median", 28, 34],
  ["age_missing", "age missing", 0.008, 0.018],
  ["fn_share", "FN = 1", 0.32, 0.37],
  ["club_active", "club member ACTIVE", 0.91, 0.95],
  ["variants_per_product", "articles a product", 2, 2.5],
  ["price_median", "price (scaled), median", 0.02, 0.036],
  ["map_popular", "MAP@12 of last week's best sellers", 0.004, 0.01, wholeShop],
  ["map_popular_ceiling", "MAP@12 of the week's own best sellers", 0.007, 0.014, wholeShop],
  ["map_repurchase", "MAP@12 of own 12 most recent articles", 0.011, 0.024],
];

export const realismTargets: readonly RealismTarget[] = rows.map(([id, what, low, high, itemsMin]) => ({
  id,
  what,
  low,
  high,
  ...(itemsMin === undefined ? {} : { itemsMin }),
}));
