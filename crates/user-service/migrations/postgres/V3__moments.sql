-- The directory at any moment, as fast as the one of today.

-- A page of everybody who was there at P, newest first: whom to look at next, and then at her entries.
CREATE INDEX user_history_by_creation ON user_history (created_position) WHERE version = 1;

-- On SQLite the end of an entry stands in the index by status, too. Here it does not: an entry that did not hold at P costs
-- a look at a row whose page is in memory, and an end that stood in an index would make each of them change with it.

-- Who changed between two positions stands in the log already, in that order. A generation is filled user by user, and
-- came to this index at random.
DROP INDEX IF EXISTS user_history_by_position;
