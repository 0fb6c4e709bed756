-- Rows of any shop to numbers. Times: seconds or milliseconds since 1970, ISO 8601, or month/day/year with hours and minutes.
-- A user number that was once a floating point number ("17850.0") loses its tail.
CREATE TABLE parsed_rows AS
WITH r AS (
  SELECT *, regexp_replace("user", '^(\d+)\.0+$', '\1') AS user_id, TRY_CAST("time" AS DOUBLE) AS number,
         TRY_CAST(value AS DOUBLE) AS amount, TRY_CAST(quantity AS DOUBLE) AS pieces,
         CASE WHEN type IS NULL THEN {{default_type}} ELSE {{types}}[lower(type)] END AS code
  FROM {{relation}} x
), t AS (
  SELECT *, CASE WHEN number IS NOT NULL THEN CASE WHEN number > 1e14 THEN number / 1e6 WHEN number > 1e11 THEN number / 1e3 ELSE number END
                 WHEN regexp_matches("time", ':\d{2}.*([zZ]|[+-]\d{2}:?\d{2})$') THEN epoch(TRY_CAST("time" AS TIMESTAMPTZ))
                 ELSE epoch(coalesce(TRY_CAST("time" AS TIMESTAMP),
                                     TRY_STRPTIME("time", ['%m/%d/%Y %H:%M', '%m/%d/%Y %H:%M:%S', '%m/%d/%Y', '%d.%m.%Y %H:%M', '%d.%m.%Y']))) END AS seconds
  FROM r
)
SELECT source_line, raw, user_id, item AS item_id, floor(seconds)::BIGINT AS seconds, coalesce(amount, 0) AS amount, code,
       coalesce(TRY_CAST(channel AS TINYINT), 0) AS channel_code, * EXCLUDE (source_line, raw, user_id, item, seconds, amount, code, number, pieces),
       CASE WHEN broken THEN 'malformed_row'
            WHEN user_id IS NULL THEN 'missing_user'
            WHEN item IS NULL THEN 'missing_item'
            WHEN seconds IS NULL OR seconds < 1 OR seconds > 4102444800 THEN 'broken_date'
            WHEN value IS NOT NULL AND (amount IS NULL OR NOT isfinite(amount)) THEN 'broken_price'
            WHEN amount < 0 THEN 'negative_price'
            WHEN quantity IS NOT NULL AND pieces IS NULL THEN 'broken_quantity'
            WHEN pieces <= 0 THEN 'quantity_not_positive'
            WHEN code IS NULL THEN 'unknown_type' END AS reason
FROM t;
