-- A search in the order of creation reads no further than its page: the numbers by which the index of trigrams names rows are
-- the positions at which users were created.
ALTER TABLE user_search RENAME COLUMN number TO created_position;

-- The order of creation is that of positions.
DROP INDEX IF EXISTS user_search_by_creation;
CREATE INDEX user_search_by_entry ON user_search (status, created_position, id);

-- The rows, which are made anew, are what the next revision of the projection says.
UPDATE projections SET revision = 2 WHERE name = 'user_search' AND slot = 'live' AND revision = 1;
