SELECT type::INTEGER AS type, count(*)::DOUBLE AS n FROM read_parquet({{file}}) GROUP BY type ORDER BY type;
