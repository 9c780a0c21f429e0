-- Retention: what was removed, and by whom. Readers are not shown a capture without rows: core_latest in 0008_latest.sql.

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
