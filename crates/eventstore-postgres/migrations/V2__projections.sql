-- What projections keep beside their rows. Nothing in these tables is personal.

-- How far each generation has come: its checkpoint is (log_id, position, event_id). While it walks, walk_after is the last
-- stream in its rows. An inline one that is live is always at the head, whatever stands here.
CREATE TABLE projections (
    name        text COLLATE "C" NOT NULL,
    slot        text COLLATE "C" NOT NULL CHECK (slot IN ('live', 'next', 'prior')),
    mode        text COLLATE "C" NOT NULL CHECK (mode IN ('inline', 'async')),
    number      integer NOT NULL,
    revision    integer NOT NULL,
    log_id      uuid NOT NULL,
    position    bigint NOT NULL,
    event_id    uuid,
    phase       text COLLATE "C" NOT NULL CHECK (phase IN ('walking', 'tailing')),
    walk_after  uuid,
    events_done bigint NOT NULL,
    paused      text COLLATE "C",
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (name, slot)
) WITH (fillfactor = 50); -- a few rows that change all the time: with room for that in the page, no index changes with them

-- Who may write a projection. Without a holder it has been given back; the epoch stays, so that it can grow.
CREATE TABLE projection_leases (
    projection text COLLATE "C" PRIMARY KEY,
    holder     uuid,
    epoch      bigint NOT NULL,
    label      text COLLATE "C" NOT NULL,
    expires_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- The latest wish for each projection.
CREATE TABLE projection_wishes (
    projection text COLLATE "C" PRIMARY KEY,
    ticket     bigint NOT NULL,
    wish       text COLLATE "C" NOT NULL,
    answer     text COLLATE "C",
    asked_at   timestamptz NOT NULL
);

-- Events that a generation could not take, by reference. By its number and not by its slot: a swap changes nothing here.
CREATE TABLE parked_events (
    projection   text COLLATE "C" NOT NULL,
    number       integer NOT NULL,
    position     bigint NOT NULL,
    aggregate_id uuid NOT NULL,
    version      bigint NOT NULL,
    cause        text COLLATE "C" NOT NULL,
    parked_at    timestamptz NOT NULL,
    PRIMARY KEY (projection, number, position)
);

CREATE INDEX parked_events_by_stream ON parked_events (projection, number, aggregate_id, position);

-- Every table of every generation, by the name that it has now, until it has been dropped: base_name is the one that it was
-- declared with. An erasure touches those with an id_column: it makes the columns in redacts (a,b,c) null, or deletes the
-- rows where that is null.
CREATE TABLE derived_tables (
    table_name text COLLATE "C" PRIMARY KEY,
    base_name  text COLLATE "C" NOT NULL,
    projection text COLLATE "C" NOT NULL,
    number     integer NOT NULL,
    id_column  text COLLATE "C",
    redacts    text COLLATE "C"
);

CREATE INDEX derived_tables_by_generation ON derived_tables (projection, number);

-- Takes the append lock until the transaction ends. Whoever finds it held for an exchange of tables does not wait in its
-- transaction, with the locks that it has: it is sent away, and comes back when appends are let go.
CREATE OR REPLACE FUNCTION lock_appends() RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended(current_schema(), 0)) THEN
        IF NOT pg_try_advisory_xact_lock_shared(hashtextextended('hold of ' || current_schema(), 0)) THEN
            RAISE EXCEPTION 'appends are held' USING ERRCODE = 'UV003';
        END IF;
        PERFORM pg_advisory_xact_lock(hashtextextended(current_schema(), 0));
    END IF;
END $$;

-- As before, but whoever waits for the append lock can be sent away. A statement that waits in here holds locks on every
-- table that it is about to write; somebody who holds all appends to put another table in the place of one of those would
-- wait for it, and it for her. Whoever holds the appends has the second lock to herself before she asks for the first.
CREATE OR REPLACE FUNCTION head_locked(
    writer integer, writes text, clock timestamptz, latest timestamptz,
    OUT p bigint, OUT ts timestamptz, OUT shown timestamptz
) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    floor integer;
    stored text;
    last timestamptz;
BEGIN
    PERFORM lock_appends();
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

-- Cleans everything that projections hold about some streams, also projections that the caller has never heard of. In the
-- transaction of the append that erases them. A table that has gone holds nothing.
CREATE FUNCTION erase_derived(streams uuid[]) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    t record;
BEGIN
    FOR t IN SELECT table_name, id_column, redacts FROM derived_tables
        WHERE id_column IS NOT NULL AND to_regclass(quote_ident(table_name)) IS NOT NULL
    LOOP
        IF t.redacts IS NULL THEN
            EXECUTE format('DELETE FROM %I WHERE %I = ANY ($1)', t.table_name, t.id_column) USING streams;
        ELSE
            EXECUTE format('UPDATE %I SET %s WHERE %I = ANY ($1)', t.table_name, (
                SELECT string_agg(format('%I = NULL', c), ', ') FROM unnest(string_to_array(t.redacts, ',')) c
            ), t.id_column) USING streams;
        END IF;
    END LOOP;
END $$;

-- From here on: what the role of the service may have done, though it may not do it itself. Temporary tables come last in
-- the path: nobody puts one in the place of ours. The role can write the list of tables, so the log's own are named here,
-- and those of the vault, which is another schema, are out of reach.
SELECT set_config('search_path', current_setting('search_path') || ', pg_temp', true);

CREATE FUNCTION generation_name(name text, number integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    -- PostgreSQL would cut the end off: the number.
    SELECT left(name, 63 - length('__g' || number)) || '__g' || number
$$;

-- The live table of that name, if there is one; refuses what is no projection's.
CREATE FUNCTION projected_table(base text) RETURNS regclass LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF base IN ('events', 'claims', 'requests', 'log_meta', 'log_schema_history', 'product_schema_history', 'projections',
            'projection_leases', 'projection_wishes', 'parked_events', 'derived_tables')
        OR NOT EXISTS (SELECT 1 FROM derived_tables WHERE base_name = base)
    THEN
        RAISE EXCEPTION '% is no table of a projection', base USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN to_regclass(format('%I.%I', current_schema(), base));
END $$;

-- Gives a generation the indexes that it lacks, under names with its number. Those of constraints become constraints.
CREATE FUNCTION copy_indexes(base text, number integer, only_primary boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    live regclass := projected_table(base);
    target text := format('%I.%I', current_schema(), generation_name(base, number));
    i record;
    new_name text;
BEGIN
    FOR i IN SELECT c.relname, x.indisunique, k.contype, pg_get_indexdef(x.indexrelid) AS definition
        FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid
            LEFT JOIN pg_constraint k ON k.conindid = x.indexrelid AND k.contype IN ('p', 'u')
        WHERE x.indrelid = live AND x.indisvalid AND (x.indisprimary OR NOT only_primary)
    LOOP
        new_name := generation_name(i.relname, number);
        CONTINUE WHEN to_regclass(format('%I.%I', current_schema(), new_name)) IS NOT NULL;
        EXECUTE format('CREATE %s INDEX %I ON %s %s', CASE WHEN i.indisunique THEN 'UNIQUE' ELSE '' END,
            new_name, target, substring(i.definition FROM 'USING .*$'));
        IF i.contype IS NOT NULL THEN
            EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s USING INDEX %I', target, new_name,
                CASE i.contype WHEN 'p' THEN 'PRIMARY KEY' ELSE 'UNIQUE' END, new_name);
        END IF;
    END LOOP;
END $$;

-- A table like the live one, empty, with the same rights, the same room in its pages, and the primary key. Rows come in the
-- order of that key, so it costs little while it is filled, and erasures and counters need it. The others come at the end.
CREATE FUNCTION make_generation(base text, number integer) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    live regclass := projected_table(base);
    target text := format('%I.%I', current_schema(), generation_name(base, number));
    options text;
    g record;
BEGIN
    IF live IS NULL THEN
        RAISE EXCEPTION 'there is no table % to copy', base USING ERRCODE = 'undefined_table';
    END IF;
    SELECT ' WITH (' || array_to_string(reloptions, ', ') || ')' INTO options FROM pg_class WHERE oid = live;
    EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING ALL EXCLUDING INDEXES)%s', target, live, coalesce(options, ''));
    FOR g IN SELECT a.privilege_type, r.rolname FROM pg_class c, aclexplode(c.relacl) a JOIN pg_roles r ON r.oid = a.grantee
        WHERE c.oid = live
    LOOP
        EXECUTE format('GRANT %s ON %s TO %I', g.privilege_type, target, g.rolname);
    END LOOP;
    PERFORM copy_indexes(base, number, true);
END $$;

-- What was put off while it was filled.
CREATE FUNCTION index_generation(base text, number integer) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM copy_indexes(base, number, false);
    EXECUTE format('ANALYZE %I.%I', current_schema(), generation_name(base, number));
END $$;

-- Puts one generation of some tables in the place of the live one, which gets a number of its own; indexes follow. With
-- `writes`, writers must have that layout from now on: whoever changes it holds the append lock.
CREATE FUNCTION swap_generation(bases text[], from_number integer, to_number integer, writes text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    schema text := current_schema();
    base text;
    live regclass;
    target regclass;
    i record;
BEGIN
    FOREACH base IN ARRAY bases LOOP
        live := projected_table(base);
        target := to_regclass(format('%I.%I', schema, generation_name(base, to_number)));
        -- A table that only one of the two has.
        IF live IS NOT NULL THEN
            EXECUTE format('ALTER TABLE %s RENAME TO %I', live, generation_name(base, from_number));
        END IF;
        IF target IS NOT NULL THEN
            EXECUTE format('ALTER TABLE %s RENAME TO %I', target, base);
        END IF;
        FOR i IN SELECT c.relname FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid WHERE x.indrelid = live LOOP
            EXECUTE format('ALTER INDEX %I.%I RENAME TO %I', schema, i.relname, generation_name(i.relname, from_number));
            EXECUTE format('ALTER INDEX IF EXISTS %I.%I RENAME TO %I', schema, generation_name(i.relname, to_number), i.relname);
        END LOOP;
    END LOOP;
    IF writes IS NOT NULL THEN
        IF NOT EXISTS (
            SELECT 1 FROM pg_locks, hashtextextended(schema, 0) k WHERE locktype = 'advisory' AND pid = pg_backend_pid()
                AND granted AND mode = 'ExclusiveLock' AND ((classid::bigint << 32) | objid::bigint) = k AND objsubid = 1
        ) THEN
            RAISE EXCEPTION 'the append lock is not held' USING ERRCODE = 'insufficient_privilege';
        END IF;
        UPDATE log_meta SET layout = writes WHERE only_row = 1;
    END IF;
END $$;

-- A generation that is not live, and no other table.
CREATE FUNCTION drop_generation(base text, number integer) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM projected_table(base);
    EXECUTE format('DROP TABLE IF EXISTS %I.%I', current_schema(), generation_name(base, number));
END $$;

REVOKE EXECUTE ON FUNCTION make_generation(text, integer), index_generation(text, integer),
    swap_generation(text[], integer, integer, text), drop_generation(text, integer) FROM PUBLIC;
