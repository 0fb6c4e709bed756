-- id::title::genre|genre
CREATE TABLE film_rows AS
SELECT source_line, text, c[1] AS id, c[2] AS title, string_split(c[3], '|') AS genres, len(c) = 3 AND c[1] <> '' AND len({{genres}}) > 0 AS whole
FROM (SELECT *, string_split(text, '::') AS c FROM films);
