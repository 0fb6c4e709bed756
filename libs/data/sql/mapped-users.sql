CREATE TABLE stage_users AS
SELECT (row_number() OVER (ORDER BY min(source_line)) - 1)::INTEGER AS "user", user_id AS id{{columns}} FROM known_rows GROUP BY user_id;
CREATE VIEW stage_interactions AS
SELECT u."user", i.item, r.seconds AS "time", r.source_line AS source_row, r.code AS type, r.amount AS value, r.channel_code AS channel
FROM known_rows r JOIN stage_users u ON u.id = r.user_id JOIN stage_items i ON i.id = r.item_id;
