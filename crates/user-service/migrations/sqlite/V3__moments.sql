-- The directory at any moment, as fast as the one of today.

-- A page of everybody who was there at P, newest first: whom to look at next, and then at her entries, which stand side by
-- side in the table.
CREATE INDEX user_history_by_creation ON user_history (created_position) WHERE version = 1;

-- A page of users with a status at P. With the end of each entry in the index, those that did not hold at P are passed by
-- there: without it, each costs a search of the table, and at an early P most entries are of later times. The end is
-- written into its entry once; here that touches every index of the table anyway. In a store whose history has been built
-- anew the index of before has another name, and goes with the next generation but one.
DROP INDEX IF EXISTS user_history_by_status;
CREATE INDEX user_history_by_stay ON user_history (status, created_position, from_position, to_position);

-- Who changed between two positions stands in the log already, in that order. A generation is filled user by user, and
-- came to this index at random.
DROP INDEX IF EXISTS user_history_by_position;
