-- What projections keep beside their rows. Nothing in these tables is personal.

-- How far each generation has come: its checkpoint is (log_id, position, event_id). While it walks, walk_after is the last
-- stream in its rows. An inline one that is live is always at the head, whatever stands here.
CREATE TABLE projections (
    name        TEXT NOT NULL,
    slot        TEXT NOT NULL CHECK (slot IN ('live', 'next', 'prior')),
    mode        TEXT NOT NULL CHECK (mode IN ('inline', 'async')),
    number      INTEGER NOT NULL,
    revision    INTEGER NOT NULL,
    log_id      BLOB NOT NULL,
    position    INTEGER NOT NULL,
    event_id    BLOB,
    phase       TEXT NOT NULL CHECK (phase IN ('walking', 'tailing')),
    walk_after  BLOB,
    events_done INTEGER NOT NULL,
    paused      TEXT,
    updated_at  INTEGER NOT NULL,
    PRIMARY KEY (name, slot)
) STRICT, WITHOUT ROWID;

-- Who may write a projection. Without a holder it has been given back; the epoch stays, so that it can grow.
CREATE TABLE projection_leases (
    projection TEXT PRIMARY KEY,
    holder     BLOB,
    epoch      INTEGER NOT NULL,
    label      TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The latest wish for each projection.
CREATE TABLE projection_wishes (
    projection TEXT PRIMARY KEY,
    ticket     INTEGER NOT NULL,
    wish       TEXT NOT NULL,
    answer     TEXT,
    asked_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Events that a generation could not take, by reference. By its number and not by its slot: a swap changes nothing here.
CREATE TABLE parked_events (
    projection   TEXT NOT NULL,
    number       INTEGER NOT NULL,
    position     INTEGER NOT NULL,
    aggregate_id BLOB NOT NULL,
    version      INTEGER NOT NULL,
    cause        TEXT NOT NULL,
    parked_at    INTEGER NOT NULL,
    PRIMARY KEY (projection, number, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX parked_events_by_stream ON parked_events (projection, number, aggregate_id, position);

-- Every table of every generation, by the name that it has now, until it has been dropped: base_name is the one that it was
-- declared with. An erasure touches those with an id_column: it makes the columns in redacts (a,b,c) null, or deletes the
-- rows where that is null. A table whose generation stands in projections no longer is to be dropped.
CREATE TABLE derived_tables (
    table_name TEXT PRIMARY KEY,
    base_name  TEXT NOT NULL,
    projection TEXT NOT NULL,
    number     INTEGER NOT NULL,
    id_column  TEXT,
    redacts    TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX derived_tables_by_generation ON derived_tables (projection, number);
