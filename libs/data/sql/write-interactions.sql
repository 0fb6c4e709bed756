-- The order that every reader relies on: by user, then time, then the row of the source.
COPY (
  SELECT "user"::INTEGER AS "user", item::INTEGER AS item, "time"::BIGINT AS "time", source_row::BIGINT AS source_row,
         type::TINYINT AS type, value::FLOAT AS value, channel::TINYINT AS channel
  FROM stage_interactions
  ORDER BY "user", "time", source_row
) TO {{file}} (FORMAT parquet, COMPRESSION snappy);
