-- Lists in any order and search in any text, at the cost of a page.

-- Appends that erase wait for this before they are queued, and not in the queue, where others would wait with them.
SELECT pg_advisory_xact_lock_shared(hashtextextended('indexing of ' || current_schema(), 0));

-- A page in every order, of each status by itself: however rare a status is, nobody else is passed by.
DROP INDEX IF EXISTS user_search_by_created_at, user_search_by_last_updated, user_search_by_email, user_search_by_username;
CREATE INDEX user_search_by_creation ON user_search (status, created_at, id);
CREATE INDEX user_search_by_change ON user_search (status, last_updated, id);
CREATE INDEX user_search_by_address ON user_search (status, email_key, id);
CREATE INDEX user_search_by_name ON user_search (status, username_key, id);

-- pg_trgm comes with PostgreSQL, and the owner of a database may create it. Where it is not there, or may not be created, a
-- rare text is looked for along the order of the list: slower, and as right. It goes where all schemas can share it, which
-- may be creating it at this moment. Whatever else goes wrong ends the migration.
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm') THEN
        IF has_schema_privilege(to_regnamespace('public'), 'CREATE') THEN
            CREATE EXTENSION pg_trgm SCHEMA public;
        ELSE
            CREATE EXTENSION pg_trgm;
        END IF;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN
        NULL;
    WHEN insufficient_privilege OR undefined_file OR feature_not_supported THEN
        RAISE NOTICE 'searches do without pg_trgm: %', SQLERRM;
END $$;

-- Which three letters stand in which text. A short list of what is new, since every search reads it.
DO $$
DECLARE
    schema text := (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm');
BEGIN
    IF schema IS NOT NULL THEN
        EXECUTE format('CREATE INDEX user_search_by_trigrams ON user_search USING gin (folded %I.gin_trgm_ops) '
            'WITH (gin_pending_list_limit = 256)', schema);
    END IF;
EXCEPTION WHEN insufficient_privilege OR undefined_object THEN
    RAISE NOTICE 'searches do without an index: %', SQLERRM;
END $$;
