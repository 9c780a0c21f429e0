-- An alert says which of FINRA's series it is about: the same week of another one is another thing.
ALTER TABLE core_alerts ADD COLUMN summary_type ${code} DEFAULT '' NOT NULL;
