-- The life of an article: how much, how long, how fast.
WITH daily AS (
  SELECT item, day, count(*) AS n FROM p GROUP BY ALL
), run AS (
  SELECT *, sum(n) OVER (PARTITION BY item ORDER BY day) AS cumulated, sum(n) OVER (PARTITION BY item) AS units,
         min(day) OVER (PARTITION BY item) AS first_day,
         sum(n) OVER (PARTITION BY item ORDER BY day RANGE BETWEEN CURRENT ROW AND 6 FOLLOWING) AS seven
  FROM daily
), a AS (
  SELECT item, any_value(units) AS units, max(day) - min(day) AS life, count(*) AS days, max(seven) / any_value(units) AS best,
         min(day - first_day) FILTER (WHERE cumulated >= 0.5 * units) AS half,
         min(day - first_day) FILTER (WHERE cumulated >= 0.8 * units) AS most
  FROM run GROUP BY item
), products AS (
  SELECT product_group, count(*) AS n FROM items GROUP BY product_group
)
SELECT count(*)::DOUBLE / (SELECT count(*) FROM items) AS articles_sold,
       quantile_cont(units, 0.5)::DOUBLE AS units_median,
       quantile_cont(life, 0.5)::DOUBLE AS life_median,
       quantile_cont(days, 0.5)::DOUBLE AS active_days_median,
       quantile_cont(half, 0.5)::DOUBLE AS days_to_50,
       quantile_cont(most, 0.5)::DOUBLE AS days_to_80,
       quantile_cont(best, 0.5)::DOUBLE AS max7d_share,
       (SELECT avg(n) FROM products)::DOUBLE AS variants_per_product
FROM a;
