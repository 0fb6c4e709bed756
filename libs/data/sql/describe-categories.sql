SELECT coalesce(i.category, '(none)') AS label, count(*)::DOUBLE AS n
FROM read_parquet({{interactions}}) p JOIN read_parquet({{items}}) i ON i.item = p.item GROUP BY 1 ORDER BY n DESC, label LIMIT 15;
