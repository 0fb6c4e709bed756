-- Malformed lines of one file: to the rejects, and, by line, how many well-formed rows stood before each (to number the others).
CREATE TABLE {{lines}} AS
  SELECT line, line - {{header}} - row_number() OVER (ORDER BY line) AS before
  FROM (SELECT DISTINCT line FROM {{rejects}});
INSERT INTO stage_rejects
  SELECT {{file}}, line,
         CASE WHEN bool_or(error_type = 'INVALID ENCODING') THEN 'wrong_encoding' ELSE 'malformed_row' END,
         first(csv_line)
  FROM {{rejects}} GROUP BY line;
