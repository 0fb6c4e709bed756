CREATE TABLE parsed_items AS
SELECT *, CASE WHEN broken THEN 'malformed_row'
               WHEN item IS NULL THEN 'missing_item'
               WHEN price IS NOT NULL AND TRY_CAST(price AS DOUBLE) IS NULL THEN 'broken_price'
               WHEN TRY_CAST(price AS DOUBLE) < 0 THEN 'negative_price'
               WHEN row_number() OVER (PARTITION BY item ORDER BY source_line) > 1 THEN 'duplicate_item' END AS reason
FROM {{relation}} x;
