ALTER TABLE {table} ADD COLUMN batch_id_after integer;
ALTER TABLE {table} ADD COLUMN claim_token text;
ALTER TABLE {table} ADD COLUMN lease_expires text;
ALTER TABLE {table} ADD COLUMN queue text;
ALTER TABLE {table} ADD COLUMN max_attempts integer;
ALTER TABLE {table} ADD COLUMN watermark integer;
ALTER TABLE {table} ADD COLUMN queue_from integer;
