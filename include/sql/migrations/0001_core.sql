-- The ledger: what was observed, how far each observation came, what was refused, and who is at work.

-- One capture is one observation of one partition (domain, tier, week, summary type). Never changed once published,
-- except for the hold, which only decides whether readers see it.
CREATE TABLE core_captures (
    capture_no ${identity},
    capture_id ${code} NOT NULL UNIQUE,
    domain ${code} NOT NULL,
    tier ${code} NOT NULL,
    week_ending ${date} NOT NULL,
    summary_type ${code} NOT NULL,
    revision ${integer} NOT NULL,
    captured_at ${instant} NOT NULL,
    source_type ${code} NOT NULL,
    source_name ${text} NOT NULL,
    source_bytes ${bigint} NOT NULL,
    source_sha256 ${code} NOT NULL,
    content_hash ${code} NOT NULL,
    source_last_update_date ${date},
    line_count ${bigint} NOT NULL,
    parsed_count ${bigint} NOT NULL,
    rejected_count ${bigint} NOT NULL,
    is_forced ${integer} NOT NULL,
    hold_reason ${text},
    execution_id ${text} NOT NULL,
    batch_id ${text},
    UNIQUE (domain, tier, week_ending, summary_type, revision)
);

-- A stage of a capture is here when it is complete: its rows and this row were committed together.
CREATE TABLE core_manifest (
    domain ${code} NOT NULL,
    partition_key ${code} NOT NULL,
    capture_id ${code} NOT NULL,
    stage ${code} NOT NULL,
    stage_rank ${integer} NOT NULL,
    row_count ${bigint} NOT NULL,
    metrics_json ${json} NOT NULL,
    execution_id ${text} NOT NULL,
    batch_id ${text},
    updated_at ${instant} NOT NULL,
    PRIMARY KEY (capture_id, stage)
);
CREATE INDEX core_manifest_partition ON core_manifest (domain, partition_key);

-- Every input line that did not become a published row, with the reason and the way back to it.
CREATE TABLE core_rejects (
    domain ${code} NOT NULL,
    partition_key ${code} NOT NULL,
    capture_id ${code} NOT NULL,
    stage ${code} NOT NULL,
    line_number ${bigint} NOT NULL,
    reason_code ${code} NOT NULL,
    reason_detail ${text} NOT NULL,
    raw_json ${json} NOT NULL,
    record_key ${text},
    source_locator ${text} NOT NULL,
    execution_id ${text} NOT NULL,
    batch_id ${text},
    created_at ${instant} NOT NULL,
    PRIMARY KEY (capture_id, stage, line_number)
);
CREATE INDEX core_rejects_partition ON core_rejects (domain, partition_key);

-- Outcomes of checks on a capture.
CREATE TABLE core_quality (
    domain ${code} NOT NULL,
    partition_key ${code} NOT NULL,
    capture_id ${code} NOT NULL,
    check_name ${code} NOT NULL,
    category ${code} NOT NULL,
    status ${code} NOT NULL,
    message ${text} NOT NULL,
    actual_value ${text},
    expected_value ${text},
    execution_id ${text} NOT NULL,
    batch_id ${text},
    created_at ${instant} NOT NULL,
    PRIMARY KEY (capture_id, check_name, execution_id)
);
CREATE INDEX core_quality_partition ON core_quality (domain, partition_key);

-- One writer per partition; fencing_token only grows.
CREATE TABLE core_concurrency_locks (
    lock_key ${code} NOT NULL PRIMARY KEY,
    execution_id ${text} NOT NULL,
    owner ${text} NOT NULL,
    fencing_token ${bigint} NOT NULL,
    acquired_at ${instant} NOT NULL,
    expires_at ${instant} NOT NULL
);

-- For every partition and stage: the newest capture that finished the stage and is not held.
CREATE VIEW core_latest AS
SELECT c.capture_no, c.capture_id, c.domain, c.tier, c.week_ending, c.summary_type, c.revision, c.captured_at,
       m.stage, m.row_count, m.updated_at
FROM core_captures c
JOIN core_manifest m ON m.capture_id = c.capture_id
WHERE c.hold_reason IS NULL
  AND NOT EXISTS (
      SELECT 1
      FROM core_captures newer
      JOIN core_manifest reached ON reached.capture_id = newer.capture_id
      WHERE reached.stage = m.stage AND newer.domain = c.domain AND newer.tier = c.tier AND newer.week_ending = c.week_ending
        AND newer.summary_type = c.summary_type AND newer.revision > c.revision AND newer.hold_reason IS NULL
  );
