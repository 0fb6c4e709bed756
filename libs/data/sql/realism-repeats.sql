-- Pairs (customer, article) of each of the last 26 weeks that the customer had bought before that week.
WITH w AS (
  SELECT w."user", w.item, w.week, i.product_group FROM weekly w JOIN items i ON i.item = w.item
), ordered AS (
  SELECT *, lead(week) OVER (PARTITION BY "user", item ORDER BY week) AS before,
         max(week) OVER (PARTITION BY "user", product_group) AS product_first
  FROM w
), days AS (
  SELECT "user", item, count(*) AS days FROM pairs GROUP BY ALL
)
SELECT avg((before IS NOT NULL)::INTEGER)::DOUBLE AS repurchase_any,
       avg(coalesce(before - week <= 4, false)::INTEGER)::DOUBLE AS repurchase_4w,
       avg((product_first > week)::INTEGER)::DOUBLE AS repurchase_product,
       (SELECT avg((days > 1)::INTEGER) FROM days)::DOUBLE AS pair_repeat
FROM ordered WHERE week < 26;
