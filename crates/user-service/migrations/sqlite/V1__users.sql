-- What the user service keeps beside the log. Written in the transaction of each append.

-- The read model: each live user as she is. An e-mail or a username is found through its claim, and ids are in the order
-- of their making, so that the newest come first by key.
CREATE TABLE user_read_model (
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
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A page of users with a status, also a rare one, newest first. Updates that leave the status alone do not touch it.
CREATE INDEX user_read_model_by_status ON user_read_model (status, id);

-- One row per live user: the key that her events are sealed with, and her password's hash.
CREATE TABLE {vault}.user_secret (
    user_id BLOB PRIMARY KEY,
    key_id INTEGER NOT NULL,
    wrapped_key BLOB NOT NULL,
    credential_version INTEGER NOT NULL,
    hash TEXT NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The secret behind every keyed hash, wrapped by the master key. One row.
CREATE TABLE {vault}.vault_root (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    key_id INTEGER NOT NULL,
    wrapped BLOB NOT NULL
) STRICT;
