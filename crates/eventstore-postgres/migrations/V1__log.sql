-- The log. What each column and index costs was measured: see the decisions on the append.

CREATE TABLE events (
    position       bigint PRIMARY KEY,
    recorded_at    timestamptz NOT NULL,
    aggregate_id   uuid NOT NULL,
    event_id       uuid NOT NULL,
    correlation_id uuid,
    causation_id   uuid,
    request_id     uuid,
    version        bigint NOT NULL,
    schema_version smallint NOT NULL,
    aggregate_type text COLLATE "C" NOT NULL,
    event_type     text COLLATE "C" NOT NULL,
    actor          text COLLATE "C",
    data           text COLLATE "C" NOT NULL, -- exact JSON text: its bytes can be hashed, and it is written faster than jsonb
    sealed         bytea,
    UNIQUE (aggregate_id, version)
);

CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are never rewritten';
END $$;

CREATE TRIGGER events_are_never_rewritten BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

-- Who owns a value that one stream alone may own. A claim that moves keeps its row: hence some free space.
CREATE TABLE claims (
    key          uuid PRIMARY KEY,
    aggregate_id uuid NOT NULL
) WITH (fillfactor = 85);

-- What each remembered request id did.
CREATE TABLE requests (
    key          uuid PRIMARY KEY,
    fingerprint  uuid NOT NULL,
    aggregate_id uuid NOT NULL,
    version      bigint NOT NULL,
    position     bigint NOT NULL
);

-- Which log this is, and which writers it takes: one row.
CREATE TABLE log_meta (
    only_row     integer PRIMARY KEY CHECK (only_row = 1),
    log_id       uuid NOT NULL,
    writer_floor integer NOT NULL,
    layout       text COLLATE "C" NOT NULL
);

-- Takes the append lock until the transaction ends, then reads where the log stands and gives the batch its time.
-- VOLATILE is what makes it right: under READ COMMITTED each query in here sees what was committed before it began,
-- so the head that is read is the head under the lock, also when the statement around it began to wait long before.
CREATE FUNCTION head_locked(
    writer integer, writes text, clock timestamptz, latest timestamptz,
    OUT p bigint, OUT ts timestamptz, OUT shown timestamptz
) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    floor integer;
    stored text;
    last timestamptz;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(current_schema(), 0));
    SELECT m.writer_floor, m.layout, e.position, e.recorded_at INTO floor, stored, p, last
        FROM log_meta m
        LEFT JOIN LATERAL (SELECT position, recorded_at FROM events ORDER BY position DESC LIMIT 1) e ON true
        WHERE m.only_row = 1;
    IF floor IS NULL OR floor > writer OR stored <> writes THEN
        RAISE EXCEPTION 'the log takes writers from % on, with %', floor, stored USING ERRCODE = 'UV001';
    END IF;
    shown := coalesce(clock, clock_timestamp());
    IF shown > latest THEN
        RAISE EXCEPTION 'the clock shows %, at most % was expected', shown, latest USING ERRCODE = 'UV002';
    END IF;
    p := coalesce(p, 0);
    ts := greatest(shown, last + interval '1 microsecond');
END $$;
