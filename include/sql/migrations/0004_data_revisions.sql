-- What a newer capture of a partition changed, against the one before it.
CREATE TABLE core_data_revisions (
    domain ${code} NOT NULL,
    partition_key ${code} NOT NULL,
    previous_capture_id ${code} NOT NULL,
    new_capture_id ${code} NOT NULL PRIMARY KEY,
    revision_type ${code} NOT NULL,
    impact_summary ${json} NOT NULL,
    detected_at ${instant} NOT NULL,
    notified_at ${instant}
);
CREATE INDEX core_data_revisions_partition ON core_data_revisions (domain, partition_key);
