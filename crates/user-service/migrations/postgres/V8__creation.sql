-- A search in the order of creation reads no further than its page: the index of trigrams knows at which position each user was
-- created, in buckets of 4096.

-- Appends that erase wait for this before they are queued, and not in the queue, where others would wait with them.
SELECT pg_advisory_xact_lock_shared(hashtextextended('indexing of ' || current_schema(), 0));

-- What is being built anew would be built as it was.
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM projections WHERE name = 'user_search' AND slot = 'next') THEN
        RAISE EXCEPTION 'user_search is being rebuilt: let that end, or give it up (projection retire), before you migrate';
    END IF;
END $$;

ALTER TABLE user_search ADD COLUMN created_position bigint;
UPDATE user_search u SET created_position = e.position FROM events e WHERE e.aggregate_id = u.id AND e.version = 1;
ALTER TABLE user_search ALTER COLUMN created_position SET NOT NULL;

-- The order of creation is that of positions.
DROP INDEX IF EXISTS user_search_by_creation;
CREATE INDEX user_search_by_entry ON user_search (status, created_position, id);

-- In the place of the index of trigrams alone, where that could be made; or where `pg_trgm` has come since.
DO $$
DECLARE
    schema text := (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm');
BEGIN
    IF schema IS NOT NULL THEN
        EXECUTE format('CREATE INDEX user_search_by_text ON user_search USING gin ((ARRAY[created_position >> 12]), '
            'folded %I.gin_trgm_ops) WITH (gin_pending_list_limit = 256)', schema);
        DROP INDEX IF EXISTS user_search_by_trigrams;
    END IF;
EXCEPTION WHEN insufficient_privilege OR undefined_object THEN
    RAISE NOTICE 'searches do without an index: %', SQLERRM;
END $$;

-- The rows are now what the next revision of the projection says; nothing has to be built anew.
UPDATE projections SET revision = 2 WHERE name = 'user_search' AND slot = 'live' AND revision = 1;
