COPY (SELECT file, line, reason, raw FROM stage_rejects ORDER BY file, line, reason) TO {{file}} (FORMAT parquet, COMPRESSION zstd);
