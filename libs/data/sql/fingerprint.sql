-- Sums that change with the content and not with the machine: whole numbers only, no hash function of the engine but MD5.
WITH i AS (
  SELECT count(*)::DOUBLE AS n, coalesce(min("time"), 0)::DOUBLE AS first, coalesce(max("time"), 0)::DOUBLE AS last,
         coalesce(sum(("user"::BIGINT * 1000003 + item::BIGINT * 7919 + "time") % 2147483647), 0) AS a,
         coalesce(sum((source_row * 31 + item::BIGINT * 1009 + "user") % 2147483647), 0) AS b,
         coalesce(sum((round(value * 1000)::BIGINT * 31 + type * 7 + channel) % 2147483647), 0) AS c
  FROM read_parquet({{interactions}})
), t AS (
  SELECT count(*)::DOUBLE AS n,
         coalesce(sum(((md5_number_lower((x::VARCHAR)) % 2147483647)::HUGEINT * (x.item % 1000003 + 1))), 0) AS a
  FROM read_parquet({{items}}) x
), u AS (
  SELECT count(*)::DOUBLE AS n,
         coalesce(sum(((md5_number_lower((x::VARCHAR)) % 2147483647)::HUGEINT * (x."user" % 1000003 + 1))), 0) AS a
  FROM read_parquet({{users}}) x
)
SELECT i.n AS interactions, t.n AS items, u.n AS users, i.first, i.last,
       concat_ws(' ', i.n, i.a, i.b, i.c, t.n, t.a, u.n, u.a) AS sums
FROM i, t, u;
