-- The rows of a data set by day, and its customers and articles; all realism figures start here.
CREATE TABLE p AS
SELECT "user", item, ("time" // 86400)::INTEGER AS day, value, channel::TINYINT AS channel FROM read_parquet({{interactions}}) WHERE type = 3;
CREATE TABLE span AS SELECT max(day) AS last, min(day) AS first FROM p;
CREATE TABLE baskets AS SELECT "user", day, count(*) AS n, count(DISTINCT channel) AS channels FROM p GROUP BY ALL;
CREATE TABLE pairs AS SELECT DISTINCT "user", item, day FROM p;
CREATE VIEW users AS SELECT * FROM read_parquet({{users}});
CREATE VIEW items AS SELECT * FROM read_parquet({{items}});
