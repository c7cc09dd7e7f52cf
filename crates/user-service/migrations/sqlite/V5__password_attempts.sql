-- Who was lately asked for with a wrong password, and who asked: keyed hashes alone, forgotten within the hour. Times are
-- microseconds since 1970, of the service's clock.
CREATE TABLE {vault}.password_attempts (
    key BLOB PRIMARY KEY,
    failures INTEGER NOT NULL,
    wait INTEGER NOT NULL,
    last_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
