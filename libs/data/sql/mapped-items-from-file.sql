CREATE TABLE stage_items AS
SELECT (row_number() OVER (ORDER BY min(source_line)) - 1)::INTEGER AS item, item AS id, any_value(name) AS name, any_value(text) AS text,
       any_value(category) AS category, coalesce(any_value(product_group), item) AS product_group, any_value(TRY_CAST(price AS DOUBLE)) AS price{{columns}}
FROM parsed_items WHERE reason IS NULL GROUP BY item;
INSERT INTO stage_rejects
SELECT {{file}}, source_line, 'unknown_item', raw FROM parsed_rows WHERE reason IS NULL AND item_id NOT IN (SELECT id FROM stage_items);
CREATE TABLE known_rows AS SELECT * FROM parsed_rows WHERE reason IS NULL AND item_id IN (SELECT id FROM stage_items);
