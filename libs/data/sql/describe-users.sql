-- Lengths of histories, baskets (a user's interactions of a day) and repeats.
WITH p AS (SELECT "user", item, "time" // 86400 AS day FROM read_parquet({{interactions}})),
c AS (SELECT "user", count(*) AS n FROM p GROUP BY "user"),
b AS (SELECT "user", day, count(*) AS n FROM p GROUP BY ALL),
d AS (SELECT "user", item, count(*) AS n, count(DISTINCT day) AS days FROM p GROUP BY ALL)
SELECT (SELECT list(quantile ORDER BY quantile) FROM (SELECT unnest(quantile_disc(n, [0.1, 0.25, 0.5, 0.75, 0.9, 0.99])) AS quantile FROM c))::VARCHAR AS history,
       (SELECT list(quantile ORDER BY quantile) FROM (SELECT unnest(quantile_disc(n, [0.1, 0.25, 0.5, 0.75, 0.9, 0.99])) AS quantile FROM b))::VARCHAR AS basket,
       (SELECT avg(n) FROM c)::DOUBLE AS history_mean, (SELECT avg(n) FROM b)::DOUBLE AS basket_mean, (SELECT count(*) FROM c)::DOUBLE AS users_with,
       (SELECT avg((days > 1)::INTEGER) FROM d)::DOUBLE AS repeated_pairs, (SELECT 1 - count(*)::DOUBLE / sum(n) FROM d)::DOUBLE AS repeat_share;
