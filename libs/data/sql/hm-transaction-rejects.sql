INSERT INTO stage_rejects SELECT {{file}}, {{line}}, reason, raw FROM {{table}} t WHERE reason IS NOT NULL;
