-- As 0007_retention.sql. The view is replaced, not made anew, so that readers keep the rights they were given.

-- One row for each capture whose rows were removed, in the transaction that removed them.
CREATE TABLE core_prunes (
    capture_id ${code} NOT NULL PRIMARY KEY,
    domain ${code} NOT NULL,
    partition_key ${code} NOT NULL,
    superseded_by ${code} NOT NULL,
    row_count ${bigint} NOT NULL,
    rows_json ${json} NOT NULL,
    pruned_by ${text} NOT NULL,
    execution_id ${text} NOT NULL,
    pruned_at ${instant} NOT NULL
);
CREATE INDEX core_prunes_partition ON core_prunes (domain, partition_key);

-- For every partition and stage: the newest capture that finished the stage, is not held and still has its rows.
CREATE OR REPLACE VIEW core_latest AS
SELECT c.capture_no, c.capture_id, c.domain, c.tier, c.week_ending, c.summary_type, c.revision, c.captured_at,
       m.stage, m.row_count, m.updated_at
FROM core_captures c
JOIN core_manifest m ON m.capture_id = c.capture_id
WHERE c.hold_reason IS NULL AND c.pruned_at IS NULL
  AND NOT EXISTS (
      SELECT 1
      FROM core_captures newer
      JOIN core_manifest reached ON reached.capture_id = newer.capture_id
      WHERE reached.stage = m.stage AND newer.domain = c.domain AND newer.tier = c.tier AND newer.week_ending = c.week_ending
        AND newer.summary_type = c.summary_type AND newer.revision > c.revision AND newer.hold_reason IS NULL
        AND newer.pruned_at IS NULL
  );
