-- id|title|release date|video date|link|19 flags
CREATE TABLE film_rows AS
SELECT source_line, text, c[1] AS id, c[2] AS title, list_filter(list_transform(range(1, 20), g -> CASE WHEN c[g + 5] = '1' THEN {{genres}}[g] END), x -> x IS NOT NULL) AS genres,
       len(c) = 24 AND c[1] <> '' AS whole
FROM (SELECT *, string_split(text, '|') AS c FROM films);
