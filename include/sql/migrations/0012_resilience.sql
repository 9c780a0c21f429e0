-- What is known of dependencies that fail, and of work that failed for good.

-- One row for each dependency that ever failed; all workers read and change it. A change counts only where row_version is still
-- the one that was read.
CREATE TABLE circuit_breakers (
    breaker_id ${code} NOT NULL PRIMARY KEY,
    name ${code} NOT NULL UNIQUE,
    state ${code} NOT NULL,
    generation ${bigint} NOT NULL,
    failure_count ${integer} NOT NULL,
    success_count ${integer} NOT NULL,
    trial_count ${integer} NOT NULL,
    last_failure_at ${instant},
    last_success_at ${instant},
    opened_at ${instant},
    half_opened_at ${instant},
    last_error ${text},
    config ${json} NOT NULL,
    updated_at ${instant} NOT NULL,
    row_version ${bigint} NOT NULL
);

-- One row for each piece of work (workflow, partition, step) that failed for good; what it takes to run it again, never rows.
CREATE TABLE dead_letter_queue (
    dlq_id ${code} NOT NULL PRIMARY KEY,
    source_type ${code} NOT NULL,
    source_id ${code} NOT NULL,
    partition_key ${code} NOT NULL,
    domain ${code} NOT NULL,
    payload ${json} NOT NULL,
    error ${text} NOT NULL,
    error_category ${code} NOT NULL,
    retry_count ${integer} NOT NULL,
    max_retries ${integer} NOT NULL,
    first_failed_at ${instant} NOT NULL,
    last_failed_at ${instant} NOT NULL,
    next_retry_at ${instant},
    status ${code} NOT NULL,
    resolved_at ${instant},
    resolved_by ${text},
    resolution ${text},
    metadata ${json} NOT NULL
);
CREATE INDEX dead_letter_queue_due ON dead_letter_queue (status, next_retry_at);
CREATE INDEX dead_letter_queue_source ON dead_letter_queue (source_type, source_id);
