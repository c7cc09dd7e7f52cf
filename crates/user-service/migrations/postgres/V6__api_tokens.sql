-- Who may call: one row per token that has not been revoked. What it is stands in its events; its secret stands nowhere,
-- and the hash of that here alone.
CREATE TABLE {vault}.api_token (
    token_id uuid PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    scopes text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    secret_hash bytea NOT NULL
);
