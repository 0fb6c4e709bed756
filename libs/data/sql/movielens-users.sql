CREATE TABLE viewer_rows AS
SELECT source_line, text, c[1] AS id, c[{{age}}] AS age, c[{{gender}}] AS gender, c[{{occupation}}] AS occupation, len(c) >= 5 AND c[1] <> '' AS whole,
       row_number() OVER (PARTITION BY c[1] ORDER BY source_line) AS nth
FROM (SELECT *, string_split(text, {{delimiter}}) AS c FROM viewers);
CREATE TABLE stage_users AS
SELECT (row_number() OVER (ORDER BY source_line) - 1)::INTEGER AS "user", id, age, gender, occupation FROM viewer_rows WHERE whole AND nth = 1;
INSERT INTO stage_rejects
SELECT {{file}}, source_line, CASE WHEN whole THEN 'duplicate_user' ELSE 'malformed_row' END, text FROM viewer_rows WHERE NOT whole OR nth > 1;
