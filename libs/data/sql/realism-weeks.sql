-- Weeks counted back from the last day: week 0 is the last complete one.
CREATE TABLE weekly AS
SELECT DISTINCT "user", item, ((SELECT last FROM span) - day) // 7 AS week FROM p;
CREATE TABLE first_week AS
SELECT "user", max(((SELECT last FROM span) - day) // 7) AS week FROM p GROUP BY "user";
WITH active AS (
  SELECT week, count(DISTINCT "user") AS users FROM weekly WHERE week < 52 GROUP BY week
), rows_of AS (
  SELECT ((SELECT last FROM span) - day) // 7 AS week, count(*) AS n FROM p WHERE day > (SELECT last FROM span) - 364 GROUP BY 1
), fresh AS (
  SELECT w.week, count(DISTINCT w."user") AS users FROM weekly w JOIN first_week f ON f."user" = w."user" AND f.week = w.week
  WHERE w.week < 26 GROUP BY w.week
), late AS (
  SELECT DISTINCT "user", item FROM p WHERE day > (SELECT last FROM span) - 3
), early AS (
  SELECT DISTINCT item FROM p WHERE day <= (SELECT last FROM span) - 3 AND day > (SELECT last FROM span) - 7
)
SELECT avg(users)::DOUBLE / (SELECT count(*) FROM first_week) AS weekly_active_share,
       (SELECT avg(r.n::DOUBLE / a.users) FROM rows_of r JOIN active a ON a.week = r.week) AS week_tx_per_active,
       (SELECT count(*)::DOUBLE / count(DISTINCT "user") FROM weekly WHERE week = 0) AS week_articles_per_active,
       (SELECT count(DISTINCT item)::DOUBLE FROM weekly WHERE week = 0) / (SELECT count(*) FROM items) AS week_articles_sold,
       (SELECT sum(f.users)::DOUBLE / sum(a.users) FROM fresh f JOIN active a ON a.week = f.week) AS cold_customers,
       (SELECT avg((item IN (SELECT item FROM early))::INTEGER) FROM late)::DOUBLE AS recent_articles
FROM active;
