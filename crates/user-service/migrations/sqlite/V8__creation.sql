-- A search in the order of creation reads no further than its page: the numbers by which the index of trigrams names rows are
-- the positions at which users were created.

UPDATE user_search SET number = -(SELECT e.position FROM events e WHERE e.aggregate_id = user_search.id AND e.version = 1);
UPDATE user_search SET number = -number;
ALTER TABLE user_search RENAME COLUMN number TO created_position;

INSERT INTO user_search_trigrams (user_search_trigrams) VALUES ('delete-all');
INSERT INTO user_search_trigrams (rowid, folded) SELECT created_position, folded FROM user_search ORDER BY created_position;

-- Whoever is given another number takes it along.
DROP TRIGGER user_search_trigrams_changed;
CREATE TRIGGER user_search_trigrams_changed AFTER UPDATE OF folded ON user_search
    WHEN old.folded IS NOT new.folded OR old.rowid <> new.rowid BEGIN
    INSERT INTO user_search_trigrams (user_search_trigrams, rowid, folded) VALUES ('delete', old.rowid, old.folded);
    INSERT INTO user_search_trigrams (rowid, folded) VALUES (new.rowid, new.folded);
END;

-- The order of creation is that of positions.
DROP INDEX IF EXISTS user_search_by_creation;
CREATE INDEX user_search_by_entry ON user_search (status, created_position, id);

-- The rows are now what the next revision of the projection says; nothing has to be built anew.
UPDATE projections SET revision = 2 WHERE name = 'user_search' AND slot = 'live' AND revision = 1;
