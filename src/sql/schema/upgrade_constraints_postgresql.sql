ALTER TABLE {table}
    ALTER COLUMN batch_id_after SET NOT NULL,
    ALTER COLUMN claim_token SET NOT NULL,
    ALTER COLUMN max_attempts SET NOT NULL,
    ALTER COLUMN watermark SET NOT NULL,
    ALTER COLUMN ranges_through SET NOT NULL,
    ALTER COLUMN items_through SET NOT NULL,
    ALTER COLUMN weight_through SET NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS {chain} ON {table} (meta_table, job, batch_id_after, attempt);
CREATE UNIQUE INDEX IF NOT EXISTS {claim_token} ON {table} (claim_token);
