-- A data set and what came after it: the items stay, the events of the archive follow. Who asked to be forgotten is left out of both.
CREATE TABLE stage_items AS SELECT item, id, name, text, category, product_group, NULL::DOUBLE AS price{{item_columns}} FROM read_parquet({{items}});
CREATE TABLE old_rows AS
SELECT u.id AS user_id, r.item, r."time", r.source_row, r.type, r.value, r.channel
FROM read_parquet({{interactions}}) r JOIN read_parquet({{users}}) u ON u."user" = r."user"
WHERE u.id NOT IN (SELECT subject FROM forgotten);
CREATE TABLE new_events AS
SELECT e.*, row_number() OVER (ORDER BY e.time_seconds, e."partition", e."offset") AS row
FROM (
  -- The same event may come twice over the bus; its id tells.
  SELECT * FROM read_parquet({{archive}}) WHERE kind = 'event' AND NOT starts_with(subject, 'session:') AND time_seconds > {{after}}
  QUALIFY event_id = '' OR row_number() OVER (PARTITION BY subject, event_id ORDER BY published, "partition", "offset") = 1
) e;
INSERT INTO stage_rejects
SELECT "partition" || '@' || "offset", "offset", 'unknown_item', item_id FROM new_events WHERE item_id NOT IN (SELECT id FROM stage_items);
CREATE TABLE new_rows AS
SELECT e.subject AS user_id, i.item, e.time_seconds AS "time", 1000000000000 + e.row AS source_row,
       list_position({{types}}, e.type) AS type, e.value, 0 AS channel
FROM new_events e JOIN stage_items i ON i.id = e.item_id;
CREATE TABLE old_users AS SELECT * FROM read_parquet({{users}}) WHERE id NOT IN (SELECT subject FROM forgotten);
CREATE TABLE stage_users AS
WITH known AS (
  SELECT id, "user" AS place FROM old_users
  UNION ALL
  SELECT user_id, 1000000000000 + min(source_row) FROM new_rows WHERE user_id NOT IN (SELECT id FROM old_users) GROUP BY user_id
)
SELECT (row_number() OVER (ORDER BY k.place) - 1)::INTEGER AS "user", k.id{{user_columns}}
FROM known k LEFT JOIN old_users a ON a.id = k.id;
CREATE VIEW stage_interactions AS
SELECT u."user", r.item, r."time", r.source_row, r.type, r.value, r.channel
FROM (SELECT * FROM old_rows UNION ALL SELECT * FROM new_rows) r JOIN stage_users u ON u.id = r.user_id;
