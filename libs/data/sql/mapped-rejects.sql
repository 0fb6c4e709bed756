INSERT INTO stage_rejects SELECT {{file}}, {{line}}, reason, raw FROM {{table}} r WHERE reason IS NOT NULL;
