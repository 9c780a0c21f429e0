-- Gates: why a capture is held, and every outcome of a rule as a row.

-- Of a held capture: staged (its gates have not let it pass yet), gate (one held it back) or person. Null: not held.
ALTER TABLE core_captures ADD COLUMN hold_kind ${code};
UPDATE core_captures SET hold_kind = 'gate' WHERE hold_reason IS NOT NULL;

-- The rule, as it was when it judged: suite and version, what it compared with, how many rows it is about.
ALTER TABLE core_quality ADD COLUMN suite ${code};
ALTER TABLE core_quality ADD COLUMN rule_version ${code};
ALTER TABLE core_quality ADD COLUMN baseline_json ${json};
ALTER TABLE core_quality ADD COLUMN affected_rows ${bigint};
