-- How the interactions spread over the items that have any.
WITH sold AS (SELECT item, count(*) AS n FROM read_parquet({{interactions}}) GROUP BY item),
r AS (SELECT n, row_number() OVER (ORDER BY n DESC) AS place, row_number() OVER (ORDER BY n) AS up, count(*) OVER () AS total FROM sold)
SELECT coalesce(sum(n) FILTER (WHERE place <= ceil(0.01 * total)) / sum(n), 0)::DOUBLE AS top1, coalesce(sum(n) FILTER (WHERE place <= ceil(0.05 * total)) / sum(n), 0)::DOUBLE AS top5,
       coalesce(sum(n) FILTER (WHERE place <= ceil(0.1 * total)) / sum(n), 0)::DOUBLE AS top10,
       (2 * sum(up * n) / (any_value(total) * sum(n)) - (any_value(total) + 1) / any_value(total))::DOUBLE AS gini,
       count(*)::DOUBLE AS items_with, avg((n < 5)::INTEGER)::DOUBLE AS cold_share
FROM r;
