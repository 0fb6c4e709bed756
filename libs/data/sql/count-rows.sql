SELECT count(*)::DOUBLE AS n FROM read_parquet({{file}});
