-- How concentrated the rows of the last week are over the articles sold in it.
WITH sold AS (
  SELECT item, count(*) AS n FROM p WHERE day > (SELECT last FROM span) - 7 GROUP BY item
), r AS (
  SELECT n, row_number() OVER (ORDER BY n DESC) AS place, row_number() OVER (ORDER BY n) AS up, count(*) OVER () AS total FROM sold
)
SELECT (sum(n) FILTER (WHERE place <= round(0.01 * total)) / sum(n))::DOUBLE AS top1pct_articles,
       (sum(n) FILTER (WHERE place <= round(0.05 * total)) / sum(n))::DOUBLE AS top5pct_articles,
       (sum(n) FILTER (WHERE place <= round(0.1 * total)) / sum(n))::DOUBLE AS top10pct_articles,
       (sum(n) FILTER (WHERE place <= 12) / sum(n))::DOUBLE AS top12_articles,
       (sum(n) FILTER (WHERE place <= 1000) / sum(n))::DOUBLE AS top1000_articles,
       (2 * sum(up * n) / (any_value(total) * sum(n)) - (any_value(total) + 1) / any_value(total))::DOUBLE AS gini_articles,
       avg((n = 1)::INTEGER)::DOUBLE AS articles_once
FROM r;
