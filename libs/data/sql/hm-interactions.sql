CREATE VIEW stage_interactions AS
SELECT coalesce(t."user", n."user") AS "user", t.item, t."time", t.source_row, 3 AS type, t.value, t.channel
FROM transactions t LEFT JOIN new_users n ON n.id = t.unknown_id
WHERE t.reason IS NULL{{without_doubles}};
