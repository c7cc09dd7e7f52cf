-- The log. Uuids are 16 bytes, moments are microseconds since 1970 in UTC.
-- Small columns stand first: a read that filters by type never follows a long row's overflow pages.

CREATE TABLE events (
    position       INTEGER PRIMARY KEY,
    recorded_at    INTEGER NOT NULL,
    aggregate_id   BLOB NOT NULL,
    version        INTEGER NOT NULL,
    event_id       BLOB NOT NULL,
    aggregate_type TEXT NOT NULL,
    event_type     TEXT NOT NULL,
    schema_version INTEGER NOT NULL,
    actor          TEXT,
    request_id     BLOB,
    correlation_id BLOB,
    causation_id   BLOB,
    data           TEXT NOT NULL,
    sealed         BLOB,
    UNIQUE (aggregate_id, version)
) STRICT;

CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are never rewritten');
END;

CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are never rewritten');
END;

-- Who owns a value that one stream alone may own. The key is a keyed hash, so rows come in no order that means anything.
CREATE TABLE claims (
    key          BLOB PRIMARY KEY,
    aggregate_id BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- What each remembered request id did.
CREATE TABLE requests (
    key          BLOB PRIMARY KEY,
    fingerprint  BLOB NOT NULL,
    aggregate_id BLOB NOT NULL,
    version      INTEGER NOT NULL,
    position     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Which log this is, and which writers it takes: one row.
CREATE TABLE log_meta (
    only_row     INTEGER PRIMARY KEY CHECK (only_row = 1),
    log_id       BLOB NOT NULL,
    writer_floor INTEGER NOT NULL,
    layout       TEXT NOT NULL
) STRICT;
