-- Words of every line, train before test, positions inside a user.
CREATE TABLE sequence_lines AS
WITH l AS (
  SELECT 0 AS part, source_line, text, string_split(replace(trim(text), chr(9), ' '), ' ') AS words FROM train_lines
  UNION ALL
  SELECT 1, source_line, text, string_split(replace(trim(text), chr(9), ' '), ' ') FROM test_lines
)
SELECT part, source_line, text, {{user}} AS user_id, {{items}} AS items, {{wrong}} AS wrong FROM l;
INSERT INTO stage_rejects
SELECT CASE WHEN part = 0 THEN {{train}} ELSE {{test}} END, source_line, 'malformed_row', text FROM sequence_lines WHERE wrong;
CREATE TABLE stage_users AS
SELECT (row_number() OVER (ORDER BY min(part), min(source_line)) - 1)::INTEGER AS "user", user_id AS id FROM sequence_lines WHERE NOT wrong GROUP BY user_id;
CREATE TABLE steps AS
SELECT u."user", l.part, l.source_line, unnest(l.items) AS item_id, generate_subscripts(l.items, 1) AS place
FROM sequence_lines l JOIN stage_users u ON u.id = l.user_id WHERE NOT wrong;
CREATE TABLE placed AS
SELECT *, row_number() OVER (PARTITION BY "user", part ORDER BY source_line, place) AS position,
       row_number() OVER (ORDER BY part, source_line, place) AS source_row FROM steps;
CREATE TABLE border AS SELECT (coalesce(max({{train_time}}), 0) // 86400 + 1) * 86400 AS test_from FROM placed WHERE part = 0;
CREATE TABLE stage_items AS
SELECT (row_number() OVER (ORDER BY min(source_row)) - 1)::INTEGER AS item, item_id AS id, '' AS name, '' AS text, NULL::VARCHAR AS category,
       item_id AS product_group, NULL::DOUBLE AS price
FROM placed GROUP BY item_id;
CREATE VIEW stage_interactions AS
SELECT p."user", i.item, CASE WHEN part = 0 THEN {{train_time}} ELSE (SELECT test_from FROM border) + (position - 1) * {{step}} END AS "time",
       p.source_row, {{code}} AS type, 0 AS value, 0 AS channel
FROM placed p JOIN stage_items i ON i.id = p.item_id;
