-- Lists in any order and search in any text, at the cost of a page.

-- An index of trigrams names its rows by numbers, so each row has one; it is nothing that a projection declares.
ALTER TABLE user_search RENAME TO user_search_before;

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

-- Which three letters stand in which text, and no text. `secure-delete`: nothing of a row stays in it when the row goes.
-- The store knows this index by its name, makes it for every other generation, and asks it what a text is contained in.
CREATE VIRTUAL TABLE user_search_trigrams USING fts5 (
    folded, content = '', columnsize = 0, detail = none, tokenize = 'trigram case_sensitive 1'
);
INSERT INTO user_search_trigrams (user_search_trigrams, rank) VALUES ('secure-delete', 1);

CREATE TRIGGER user_search_trigrams_put AFTER INSERT ON user_search BEGIN
    INSERT INTO user_search_trigrams (rowid, folded) VALUES (new.rowid, new.folded);
END;
CREATE TRIGGER user_search_trigrams_changed AFTER UPDATE OF folded ON user_search WHEN old.folded IS NOT new.folded BEGIN
    INSERT INTO user_search_trigrams (user_search_trigrams, rowid, folded) VALUES ('delete', old.rowid, old.folded);
    INSERT INTO user_search_trigrams (rowid, folded) VALUES (new.rowid, new.folded);
END;
CREATE TRIGGER user_search_trigrams_gone AFTER DELETE ON user_search BEGIN
    INSERT INTO user_search_trigrams (user_search_trigrams, rowid, folded) VALUES ('delete', old.rowid, old.folded);
END;

INSERT INTO user_search (
        id, email, username, first_name, last_name, avatar_url, status, standing, created_at, last_updated, deleted_at,
        version, position, email_key, username_key, folded
    ) SELECT
        id, email, username, first_name, last_name, avatar_url, status, standing, created_at, last_updated, deleted_at,
        version, position, email_key, username_key, folded
    FROM user_search_before ORDER BY id;

DROP TABLE user_search_before;

-- A page in every order, of each status by itself: however rare a status is, nobody else is passed by. Under new names:
-- those of before may still belong to the generation before.
CREATE INDEX user_search_by_creation ON user_search (status, created_at, id);
CREATE INDEX user_search_by_change ON user_search (status, last_updated, id);
CREATE INDEX user_search_by_address ON user_search (status, email_key, id);
CREATE INDEX user_search_by_name ON user_search (status, username_key, id);
