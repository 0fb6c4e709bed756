COPY (
  SELECT "user"::INTEGER AS "user", id{{columns}} FROM stage_users ORDER BY "user"
) TO {{users}} (FORMAT parquet, COMPRESSION zstd);
