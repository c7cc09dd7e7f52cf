-- Who may call: one row per token that has not been revoked. What it is stands in its events; its secret stands nowhere,
-- and the hash of that here alone.
CREATE TABLE {vault}.api_token (
    token_id BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    secret_hash BLOB NOT NULL
) STRICT, WITHOUT ROWID;
