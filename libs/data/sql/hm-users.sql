-- Customers that only the transactions know follow the known ones, by first appearance.
CREATE VIEW transactions AS {{union}};
CREATE TABLE new_users AS
SELECT ((SELECT count(*) FROM known_users) + row_number() OVER (ORDER BY min(source_row)) - 1)::INTEGER AS "user", unknown_id AS id
FROM transactions WHERE unknown_id IS NOT NULL GROUP BY unknown_id;
CREATE TABLE stage_users AS
SELECT * FROM known_users
UNION ALL
SELECT "user", id, NULL, NULL, NULL, NULL, NULL FROM new_users;
