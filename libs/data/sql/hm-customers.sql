-- Customers in file order; the postal code is left behind on purpose.
CREATE TABLE customers AS
SELECT source_line, customer_id, row_number() OVER (PARTITION BY customer_id ORDER BY source_line) AS nth,
       TRY_CAST(TRY_CAST(age AS DOUBLE) AS INTEGER) AS age_years, age, club_member_status AS club, fashion_news_frequency AS news,
       Active AS active_flag, FN AS fn_flag
FROM {{relation}} r;
CREATE TABLE known_users AS
SELECT (row_number() OVER (ORDER BY source_line) - 1)::INTEGER AS "user", customer_id AS id,
       CASE WHEN age_years BETWEEN 0 AND 120 THEN age_years::VARCHAR END AS age, club, news,
       CASE WHEN TRY_CAST(active_flag AS DOUBLE) = 1 THEN '1' ELSE '0' END AS active,
       CASE WHEN TRY_CAST(fn_flag AS DOUBLE) = 1 THEN '1' ELSE '0' END AS fn
FROM customers WHERE customer_id IS NOT NULL AND nth = 1;
