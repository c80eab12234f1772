CREATE TRIGGER IF NOT EXISTS {schema}.{upgraded} BEFORE INSERT ON {unqualified} WHEN NEW.claim_token IS NULL
    BEGIN SELECT RAISE(ABORT, 'this inventory was upgraded: pybatchintory cannot write to it any more'); END;
CREATE UNIQUE INDEX IF NOT EXISTS {schema}.{chain} ON {unqualified} (meta_table, job, batch_id_after, attempt);
CREATE UNIQUE INDEX IF NOT EXISTS {schema}.{claim_token} ON {unqualified} (claim_token);
