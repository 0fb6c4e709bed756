-- How much customers buy, how often, and when last.
WITH c AS (
  SELECT "user", sum(n) AS n, count(*) AS days, max(day) AS last_day FROM baskets GROUP BY "user"
), r AS (
  SELECT *, row_number() OVER (ORDER BY n) AS place, count(*) OVER () AS total FROM c
), gaps AS (
  SELECT day - lag(day) OVER (PARTITION BY "user" ORDER BY day) AS gap FROM baskets
), channels AS (
  SELECT "user", count(DISTINCT channel) AS used FROM p GROUP BY "user"
)
SELECT count(*)::DOUBLE / (SELECT count(*) FROM users) AS customers_buying,
       avg(n)::DOUBLE AS tx_per_customer_mean,
       quantile_cont(n, 0.5)::DOUBLE AS tx_per_customer_median,
       quantile_cont(n, 0.25)::DOUBLE AS tx_per_customer_p25,
       quantile_cont(n, 0.75)::DOUBLE AS tx_per_customer_p75,
       quantile_cont(n, 0.9)::DOUBLE AS tx_per_customer_p90,
       quantile_cont(n, 0.99)::DOUBLE AS tx_per_customer_p99,
       avg((n = 1)::INTEGER)::DOUBLE AS tx_single_share,
       (2 * sum(place * n) / (any_value(total) * sum(n)) - (any_value(total) + 1) / any_value(total))::DOUBLE AS customer_gini,
       (sum(n) FILTER (WHERE place > 0.9 * total) / sum(n))::DOUBLE AS top10pct_customers_share,
       quantile_cont(days, 0.5)::DOUBLE AS days_per_customer_median,
       avg((days = 1)::INTEGER)::DOUBLE AS one_day_customers,
       (SELECT quantile_cont(gap, 0.5) FROM gaps)::DOUBLE AS gap_median,
       avg((last_day <= (SELECT last FROM span) - 30)::INTEGER)::DOUBLE AS inactive_30d,
       avg((last_day <= (SELECT last FROM span) - 90)::INTEGER)::DOUBLE AS inactive_90d,
       avg((last_day <= (SELECT last FROM span) - 365)::INTEGER)::DOUBLE AS inactive_365d,
       (SELECT avg((used = 1)::INTEGER) FROM channels)::DOUBLE AS customer_single_channel
FROM r;
