-- What projections keep: filled from the log by the runner, and rebuilt from it at any time. The rows of another
-- generation stand in tables of the same shape, which the store makes after these.

-- The states of each user and the positions between which they held: from `from_position` on, up to and without
-- `to_position`, which is the largest number while it holds. Whoever has been erased keeps status and times; what she was
-- is null.
CREATE TABLE user_history (
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    from_position INTEGER NOT NULL,
    to_position INTEGER NOT NULL,
    from_time INTEGER NOT NULL,
    email TEXT,
    username TEXT,
    first_name TEXT,
    last_name TEXT,
    avatar_url TEXT,
    status TEXT NOT NULL CHECK (status IN ('active', 'inactive', 'suspended', 'deleted', 'erased')),
    standing INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    last_updated INTEGER NOT NULL,
    deleted_at INTEGER,
    email_claim BLOB,
    username_claim BLOB,
    created_position INTEGER NOT NULL,
    PRIMARY KEY (id, version)
) STRICT, WITHOUT ROWID;

-- A page of users with a status at P, newest first. Whoever was created after P stands before the page's first entry, so
-- that an early P costs no more than a late one: an order by id could not say that.
CREATE INDEX user_history_by_status ON user_history (status, created_position, from_position);

-- Whose address or name was this at P: the entry with the greatest `from_position` up to P, if it held still.
CREATE INDEX user_history_by_email ON user_history (email_claim, from_position);
CREATE INDEX user_history_by_username ON user_history (username_claim, from_position);

-- Whoever was there at P and has been erased since.
CREATE INDEX user_history_of_erased ON user_history (created_position, from_position) WHERE email IS NULL;

-- Who changed between two positions.
CREATE INDEX user_history_by_position ON user_history (from_position);

-- Each live user as she is, for searching and sorting. `folded` has everything that is searched in one text, case-folded;
-- the keys are e-mail and username as they are compared.
CREATE TABLE user_search (
    id BLOB PRIMARY KEY,
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
) STRICT, WITHOUT ROWID;

CREATE INDEX user_search_by_created_at ON user_search (created_at, id);
CREATE INDEX user_search_by_last_updated ON user_search (last_updated, id);
CREATE INDEX user_search_by_email ON user_search (email_key, id);
CREATE INDEX user_search_by_username ON user_search (username_key, id);

-- Where each user stands and at which domain her address is: what the figures are counted from.
CREATE TABLE activity_user (
    id BLOB PRIMARY KEY,
    status TEXT NOT NULL CHECK (status IN ('active', 'inactive', 'suspended', 'deleted', 'erased')),
    standing INTEGER NOT NULL,
    email_domain TEXT
) STRICT, WITHOUT ROWID;

-- Users of a domain who are not deleted, counted without looking at their rows.
CREATE INDEX activity_user_by_email_domain ON activity_user (email_domain, status);

-- How often something happened on a day, UTC, as 2026-05-03.
CREATE TABLE activity_day (
    day TEXT NOT NULL,
    event_type TEXT NOT NULL,
    events INTEGER NOT NULL,
    PRIMARY KEY (day, event_type)
) STRICT, WITHOUT ROWID;

-- How many users more than before have a status at the end of a day. The sum of all days up to one is how many they are.
CREATE TABLE activity_status (
    day TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'inactive', 'suspended', 'deleted', 'erased')),
    change INTEGER NOT NULL,
    PRIMARY KEY (day, status)
) STRICT, WITHOUT ROWID;
