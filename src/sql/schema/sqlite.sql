CREATE TABLE IF NOT EXISTS {table} (
    id integer PRIMARY KEY AUTOINCREMENT,
    meta_table text NOT NULL,
    job text NOT NULL,
    job_identifier text,
    job_result_item text,
    processing_start text NOT NULL,
    processing_end text,
    batch_id_start integer NOT NULL,
    batch_id_end integer NOT NULL,
    batch_weight double precision,
    batch_count integer NOT NULL,
    attempt integer NOT NULL,
    status text NOT NULL,
    logging text,
    config text NOT NULL,
    batch_id_after integer NOT NULL,
    claim_token text NOT NULL,
    lease_expires text,
    queue text,
    max_attempts integer NOT NULL,
    watermark integer NOT NULL,
    queue_from integer,
    config_fingerprint integer,
    meta_database text,
    ranges_through integer NOT NULL,
    items_through integer NOT NULL,
    weight_through double precision NOT NULL,
    items_recounted integer,
    weight_recounted double precision,
    CONSTRAINT {chain} UNIQUE (meta_table, job, batch_id_after, attempt),
    CONSTRAINT {claim_token} UNIQUE (claim_token)
);
CREATE INDEX IF NOT EXISTS {schema}.{watermark} ON {unqualified} (meta_table, job, batch_id_end, attempt);
CREATE INDEX IF NOT EXISTS {schema}.{queue} ON {unqualified} (meta_table, job, queue, watermark);
CREATE INDEX IF NOT EXISTS {schema}.{history} ON {unqualified} (meta_table, job, id);
CREATE INDEX IF NOT EXISTS {schema}.{recounts} ON {unqualified} (meta_table, job, items_recounted)
    WHERE items_recounted IS NOT NULL;
