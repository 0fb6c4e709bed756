-- Files may overlap. Inside one file identical rows are quantities and all count; between files a distinct purchase counts as often as in the
-- file that has it most often: its n-th copy in a second file is dropped when the first has an n-th copy too.
-- Only days that stand in more than one file are looked at.
CREATE TABLE doubles AS
WITH shared AS (
  SELECT "time" FROM transactions WHERE reason IS NULL GROUP BY "time" HAVING count(DISTINCT file_number) > 1
), copies AS (
  SELECT source_row, file_number, "time", coalesce("user"::VARCHAR, unknown_id) AS who, item, round(value * 100)::BIGINT AS cents, channel
  FROM transactions WHERE reason IS NULL AND "time" IN (SELECT "time" FROM shared)
), numbered AS (
  SELECT *, row_number() OVER (PARTITION BY file_number, "time", who, item, cents, channel ORDER BY source_row) AS nth FROM copies
), ranked AS (
  SELECT source_row, row_number() OVER (PARTITION BY "time", who, item, cents, channel, nth ORDER BY file_number) AS place FROM numbered
)
SELECT source_row FROM ranked WHERE place > 1;
