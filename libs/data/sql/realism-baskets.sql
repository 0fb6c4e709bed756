WITH months AS (
  SELECT date_trunc('month', DATE '1970-01-01' + day) AS month, count(*) AS n FROM p GROUP BY 1
), full_months AS (
  SELECT * FROM months
  WHERE month >= DATE '1970-01-01' + (SELECT first FROM span) AND month + INTERVAL 1 MONTH <= DATE '1970-01-01' + (SELECT last FROM span) + 1
)
SELECT avg(n)::DOUBLE AS basket_mean,
       quantile_cont(n, 0.5)::DOUBLE AS basket_median,
       avg((n = 1)::INTEGER)::DOUBLE AS basket_one_share,
       quantile_cont(n, 0.9)::DOUBLE AS basket_p90,
       quantile_cont(n, 0.99)::DOUBLE AS basket_p99,
       1 - (SELECT count(*) FROM pairs)::DOUBLE / (SELECT count(*) FROM p) AS identical_rows,
       avg((channels = 1)::INTEGER)::DOUBLE AS basket_single_channel,
       (SELECT avg((channel = 2)::INTEGER) FROM p)::DOUBLE AS channel_online,
       (SELECT max(n)::DOUBLE / min(n) FROM full_months) AS season_ratio,
       (SELECT median(value / 590) FROM p)::DOUBLE AS price_median
FROM baskets;
