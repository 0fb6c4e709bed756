-- What an importer fills. Attribute columns are added by the importer; stage_interactions may be replaced by a view of the same columns.
CREATE TABLE stage_rejects (file VARCHAR, line BIGINT, reason VARCHAR, raw VARCHAR);
