-- The catalogue: one item an article, in file order; the first row of an id wins.
CREATE TABLE articles AS
SELECT r.*, row_number() OVER (PARTITION BY article_id ORDER BY source_line) AS nth FROM {{relation}} r;
CREATE TABLE stage_items AS
SELECT (row_number() OVER (ORDER BY source_line) - 1)::INTEGER AS item, article_id AS id, prod_name AS name, detail_desc AS text,
       product_type_name AS category, product_code AS product_group, NULL::DOUBLE AS price{{attributes}}
FROM articles WHERE article_id IS NOT NULL AND nth = 1;
