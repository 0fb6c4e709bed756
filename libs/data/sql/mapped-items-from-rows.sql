-- Items in the order in which they appear; what they are called is taken from the first row that says it.
CREATE TABLE stage_items AS
SELECT (row_number() OVER (ORDER BY min(source_line)) - 1)::INTEGER AS item, item_id AS id,
       arg_min(name, source_line) FILTER (WHERE name IS NOT NULL) AS name, arg_min(text, source_line) FILTER (WHERE text IS NOT NULL) AS text,
       arg_min(category, source_line) FILTER (WHERE category IS NOT NULL) AS category,
       coalesce(arg_min(product_group, source_line) FILTER (WHERE product_group IS NOT NULL), item_id) AS product_group, NULL::DOUBLE AS price{{columns}}
FROM parsed_rows WHERE reason IS NULL GROUP BY item_id;
CREATE TABLE known_rows AS SELECT * FROM parsed_rows WHERE reason IS NULL AND {{file}} IS NOT NULL;
