-- One transaction file: ids to dense numbers, days to seconds at 00:00 UTC, price times 590 (a plausible currency; the source is scaled).
-- A customer without a row in the customer file keeps the id as text until all files are read.
CREATE TABLE {{table}} AS
WITH parsed AS (
  SELECT r.source_line, TRY_CAST(t_dat AS DATE) AS day, customer_id, article_id, t_dat, price, sales_channel_id,
         TRY_CAST(price AS DOUBLE) AS amount, TRY_CAST(sales_channel_id AS TINYINT) AS channel
  FROM {{relation}} r
), joined AS (
  SELECT p.*, u."user", a.item,
         CASE WHEN day IS NULL OR day < DATE '1970-01-01' OR day > DATE '2100-01-01' THEN 'broken_date'
              WHEN customer_id IS NULL THEN 'missing_user'
              WHEN a.item IS NULL THEN 'unknown_item'
              WHEN amount IS NULL OR NOT isfinite(amount) THEN 'broken_price'
              WHEN amount < 0 THEN 'negative_price'
              WHEN channel IS NULL OR channel < 0 THEN 'broken_channel' END AS reason
  FROM parsed p LEFT JOIN known_users u ON u.id = p.customer_id LEFT JOIN stage_items a ON a.id = p.article_id
)
SELECT source_line, ((day - DATE '1970-01-01')::BIGINT * 86400)::BIGINT AS "time", "user", item, (amount * 590)::FLOAT AS value, channel,
       CASE WHEN "user" IS NULL AND reason IS NULL THEN customer_id END AS unknown_id, reason,
       CASE WHEN reason IS NOT NULL THEN concat_ws(',', coalesce(t_dat::VARCHAR, ''), coalesce(customer_id, ''), coalesce(article_id, ''),
            coalesce(price::VARCHAR, ''), coalesce(sales_channel_id::VARCHAR, '')) END AS raw
FROM joined;
