CREATE TABLE rating_rows AS
WITH r AS (
  SELECT source_line, text, c, TRY_CAST(c[3] AS DOUBLE) AS stars, TRY_CAST(c[4] AS BIGINT) AS "time"
  FROM (SELECT *, string_split(text, {{delimiter}}) AS c FROM ratings)
)
SELECT r.source_line, r.text, u."user", i.item, r.stars, r."time",
       CASE WHEN len(c) <> 4 THEN 'malformed_row' WHEN u."user" IS NULL THEN 'unknown_user' WHEN i.item IS NULL THEN 'unknown_item'
            WHEN stars IS NULL OR stars < 0 OR stars > 5 THEN 'broken_rating'
            WHEN "time" IS NULL OR "time" < 0 OR "time" > 4102444800 THEN 'broken_date' END AS reason
FROM r LEFT JOIN stage_users u ON u.id = r.c[1] LEFT JOIN stage_items i ON i.id = r.c[2];
INSERT INTO stage_rejects SELECT {{file}}, source_line, reason, text FROM rating_rows WHERE reason IS NOT NULL;
CREATE VIEW stage_interactions AS
SELECT "user", item, "time", source_line AS source_row, CASE WHEN stars >= {{like}} THEN 4 ELSE 1 END AS type, 0 AS value, 0 AS channel
FROM rating_rows WHERE reason IS NULL;
