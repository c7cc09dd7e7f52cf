-- The predecessor's two tables with the columns and indexes that it had, in a schema of their own.
CREATE SCHEMA seed;

CREATE TABLE seed.event_store (
    event_id       varchar(36) PRIMARY KEY,
    event_type     varchar(255) NOT NULL,
    aggregate_id   varchar(36) NOT NULL,
    aggregate_type varchar(255) NOT NULL,
    version        bigint NOT NULL,
    timestamp      timestamp NOT NULL,
    data           jsonb NOT NULL,
    metadata       jsonb,
    created_at     timestamp NOT NULL DEFAULT now(),
    UNIQUE (aggregate_id, version)
);
CREATE INDEX ON seed.event_store (aggregate_type, aggregate_id);
CREATE INDEX ON seed.event_store (event_type);
CREATE INDEX ON seed.event_store (timestamp);
CREATE INDEX ON seed.event_store (aggregate_id, version);

CREATE TABLE seed.user_read_model (
    id           varchar(36) PRIMARY KEY,
    email        varchar(255) NOT NULL UNIQUE,
    username     varchar(255) NOT NULL UNIQUE,
    first_name   varchar(255),
    last_name    varchar(255),
    avatar_url   varchar(500),
    status       varchar(50) NOT NULL CHECK (status IN ('active', 'inactive', 'suspended')),
    created_at   timestamp NOT NULL,
    last_updated timestamp NOT NULL,
    deleted_at   timestamp
);
CREATE INDEX ON seed.user_read_model (email);
CREATE INDEX ON seed.user_read_model (username);
CREATE INDEX ON seed.user_read_model (status);
CREATE INDEX ON seed.user_read_model (created_at);
