-- Tables that are loaded by declaration (pipeline core.load_table): one row here for every load, in the transaction of
-- its rows. No captures: such a table keeps the newest state, not each observation.
CREATE TABLE core_loads (
    load_id ${code} NOT NULL PRIMARY KEY,
    domain ${code} NOT NULL,
    partition_key ${code} NOT NULL,
    table_name ${code} NOT NULL,
    load_mode ${code} NOT NULL,
    definition_hash ${code} NOT NULL,
    source_type ${code} NOT NULL,
    source_name ${text} NOT NULL,
    byte_count ${bigint} NOT NULL,
    content_hash ${code} NOT NULL,
    etag ${text},
    last_modified ${text},
    record_count ${bigint} NOT NULL,
    rejected_count ${bigint} NOT NULL,
    inserted_count ${bigint} NOT NULL,
    updated_count ${bigint} NOT NULL,
    unchanged_count ${bigint} NOT NULL,
    deleted_count ${bigint} NOT NULL,
    execution_id ${text} NOT NULL,
    batch_id ${text},
    loaded_at ${instant} NOT NULL
);
CREATE INDEX core_loads_partition ON core_loads (domain, partition_key, loaded_at);
