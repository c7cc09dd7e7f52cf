-- Lists in any order and search in any text, at the cost of a page.

-- An index of trigrams names its rows by numbers, so each row has one; it is nothing that a projection declares.
DROP TABLE user_search;

CREATE TABLE user_search (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    email TEXT NOT NULL,
    username TEXT NOT NULL,
    first_name TEXT,
    last_name TEXT,
    avatar_url TEXT,
    status TEXT NOT NULL CHECK (status IN ('active', 'inactive', 'suspended', 'deleted')),
    standing INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    last_updated INTEGER NOT NULL,
    deleted_at INTEGER,
    version INTEGER NOT NULL,
    position INTEGER NOT NULL,
    email_key TEXT NOT NULL,
    username_key TEXT NOT NULL,
    folded TEXT NOT NULL
) STRICT;

-- Which three letters stand in which text, and no text. For each of them, in blocks of 4096 numbers, which rows have it.
-- The store knows this index by its name, and its postings by that of their column. It keeps it with every row that it
-- writes, makes one for every other generation, and asks it what a text is contained in.
CREATE TABLE user_search_trigrams (
    trigram INTEGER NOT NULL,
    block INTEGER NOT NULL,
    folded BLOB NOT NULL,
    PRIMARY KEY (trigram, block)
) STRICT, WITHOUT ROWID;

-- No statement makes that of the rows of before, so they are made anew: the next process that serves does it, user by user.
-- Other generations than the live one have rows without numbers; they go.
DELETE FROM projections WHERE name = 'user_search' AND slot <> 'live';
DELETE FROM parked_events WHERE projection = 'user_search'
    AND number = (SELECT number FROM projections WHERE name = 'user_search' AND slot = 'live');
UPDATE projections SET phase = 'walking', walk_after = NULL, events_done = 0 WHERE name = 'user_search' AND slot = 'live';

-- A page in every order, of each status by itself: however rare a status is, nobody else is passed by. Under new names:
-- those of before may still belong to the generation before.
CREATE INDEX user_search_by_creation ON user_search (status, created_at, id);
CREATE INDEX user_search_by_change ON user_search (status, last_updated, id);
CREATE INDEX user_search_by_address ON user_search (status, email_key, id);
CREATE INDEX user_search_by_name ON user_search (status, username_key, id);
