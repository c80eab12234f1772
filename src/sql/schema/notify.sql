CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_catalog.pg_notify(TG_ARGV[0], ''); RETURN NULL; END$$;
DROP TRIGGER IF EXISTS batchintory_notify ON {table};
CREATE TRIGGER batchintory_notify AFTER INSERT ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {function}({channel});
