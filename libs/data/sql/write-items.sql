-- Items with what the interactions say about them: first and last purchase, and the last price paid where the source gives none.
COPY (
  WITH sold AS (
    SELECT item,
           min("time") FILTER (WHERE type = 3) AS first_sale,
           max("time") FILTER (WHERE type = 3) AS last_sale,
           arg_max(value, "time"::HUGEINT * 1000000000000 + source_row) FILTER (WHERE value > 0) AS last_price
    FROM read_parquet({{interactions}}) GROUP BY item
  )
  SELECT i.item::INTEGER AS item, i.id, coalesce(i.name, '') AS name, coalesce(i.text, '') AS text, i.category, i.product_group,
         coalesce(i.price, s.last_price, 0)::FLOAT AS price, coalesce(s.first_sale, 0)::BIGINT AS first_sale,
         coalesce(s.last_sale, 0)::BIGINT AS last_sale{{columns}}
  FROM stage_items i LEFT JOIN sold s ON s.item = i.item
  ORDER BY i.item
) TO {{items}} (FORMAT parquet, COMPRESSION zstd);
