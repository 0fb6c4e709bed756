INSERT INTO stage_rejects
SELECT {{file}}, {{line}}, CASE WHEN article_id IS NULL THEN 'missing_item' ELSE 'duplicate_item' END,
       concat_ws(',', coalesce(article_id, ''), product_code, prod_name)
FROM articles a WHERE article_id IS NULL OR nth > 1;
