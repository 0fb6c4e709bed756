SELECT strftime(DATE '1970-01-01' + ("time" // 86400)::INTEGER, '%Y-%m') AS label, count(*)::DOUBLE AS n
FROM read_parquet({{interactions}}) GROUP BY 1 ORDER BY 1;
