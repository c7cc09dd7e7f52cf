-- Who was lately asked for with a wrong password, and who asked: keyed hashes alone, forgotten within the hour. Times are
-- microseconds since 1970, of the service's clock.
CREATE TABLE {vault}.password_attempts (
    key uuid PRIMARY KEY,
    failures bigint NOT NULL,
    wait bigint NOT NULL,
    last_at bigint NOT NULL
) WITH (fillfactor = 50); -- its rows are counted up on their page
