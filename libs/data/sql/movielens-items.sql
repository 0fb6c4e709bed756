-- The year stands at the end of the title.
CREATE TABLE numbered_films AS SELECT *, row_number() OVER (PARTITION BY id ORDER BY source_line) AS nth FROM film_rows;
CREATE TABLE stage_items AS
SELECT (row_number() OVER (ORDER BY source_line) - 1)::INTEGER AS item, id, title AS name, array_to_string(genres, ' ') AS text,
       genres[1] AS category, id AS product_group, 0::DOUBLE AS price,
       nullif(regexp_extract(title, '\((\d{4})\)\s*$', 1), '') AS year, genres[1] AS genre_1, genres[2] AS genre_2, genres[3] AS genre_3,
       nullif(regexp_extract(title, '\((\d{3})\d\)\s*$', 1), '') || '0s' AS decade
FROM numbered_films WHERE whole AND nth = 1;
INSERT INTO stage_rejects
SELECT {{file}}, source_line, CASE WHEN whole THEN 'duplicate_item' ELSE 'malformed_row' END, text FROM numbered_films WHERE NOT whole OR nth > 1;
