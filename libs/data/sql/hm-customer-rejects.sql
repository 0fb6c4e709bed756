INSERT INTO stage_rejects
SELECT {{file}}, {{line}}, CASE WHEN customer_id IS NULL THEN 'missing_user' ELSE 'duplicate_user' END,
       concat_ws(',', coalesce(customer_id, ''), age)
FROM customers c WHERE customer_id IS NULL OR nth > 1;
