ALTER TABLE {table}
    ALTER COLUMN processing_start TYPE timestamp with time zone,
    ALTER COLUMN processing_end TYPE timestamp with time zone,
    ALTER COLUMN batch_weight TYPE double precision,
    ALTER COLUMN batch_count TYPE bigint,
    ALTER COLUMN attempt TYPE bigint,
    ALTER COLUMN status TYPE text USING CAST(status AS text),
    ADD COLUMN IF NOT EXISTS batch_id_after bigint,
    ADD COLUMN IF NOT EXISTS claim_token text,
    ADD COLUMN IF NOT EXISTS lease_expires timestamp with time zone,
    ADD COLUMN IF NOT EXISTS queue text,
    ADD COLUMN IF NOT EXISTS max_attempts bigint,
    ADD COLUMN IF NOT EXISTS watermark bigint,
    ADD COLUMN IF NOT EXISTS queue_from bigint;
