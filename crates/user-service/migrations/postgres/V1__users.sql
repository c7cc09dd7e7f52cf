-- What the user service keeps beside the log. Written in the transaction of each append.

-- The read model: each live user as she is. An e-mail or a username is found through its claim, and ids are in the order
-- of their making, so that the newest come first by key.
CREATE TABLE user_read_model (
    id uuid PRIMARY KEY,
    email text COLLATE "C" NOT NULL,
    username text COLLATE "C" NOT NULL,
    first_name text COLLATE "C",
    last_name text COLLATE "C",
    avatar_url text COLLATE "C",
    status text COLLATE "C" NOT NULL CHECK (status IN ('active', 'inactive', 'suspended', 'deleted')),
    standing smallint NOT NULL,
    created_at timestamptz NOT NULL,
    last_updated timestamptz NOT NULL,
    deleted_at timestamptz,
    version bigint NOT NULL,
    position bigint NOT NULL
) WITH (fillfactor = 85); -- most updates then stay on their page, and touch no index

-- A page of users with a status, also a rare one, newest first. Updates that leave the status alone do not touch it.
CREATE INDEX user_read_model_by_status ON user_read_model (status, id);

-- One row per live user: the key that her events are sealed with, and her password's hash.
CREATE TABLE {vault}.user_secret (
    user_id uuid PRIMARY KEY,
    key_id smallint NOT NULL,
    wrapped_key bytea NOT NULL,
    credential_version bigint NOT NULL,
    hash text COLLATE "C" NOT NULL,
    changed_at timestamptz NOT NULL
) WITH (fillfactor = 85);

-- The secret behind every keyed hash, wrapped by the master key. One row.
CREATE TABLE {vault}.vault_root (
    id smallint PRIMARY KEY CHECK (id = 1),
    key_id smallint NOT NULL,
    wrapped bytea NOT NULL
);

-- Without it nothing can be found or opened any more. A trigger, since the service's role is not there in every database.
CREATE FUNCTION {vault}.refuse_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the root of the vault is never deleted';
END $$;

CREATE TRIGGER vault_root_is_never_deleted BEFORE DELETE OR TRUNCATE ON {vault}.vault_root
    FOR EACH STATEMENT EXECUTE FUNCTION {vault}.refuse_deletion();
