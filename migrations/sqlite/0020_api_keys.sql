-- The API keys of servers.
CREATE TABLE api_keys (
    name         TEXT NOT NULL PRIMARY KEY,   -- a name is not used again
    hash         TEXT NOT NULL UNIQUE,        -- SHA-256 of the key, in hexadecimal digits
    limits       TEXT,                        -- as in LIMIT_KEY, which applies without
    models       TEXT,                        -- as in ALLOWED_MODELS; without, all of those
    created_at   INTEGER NOT NULL,            -- microseconds since 1970
    last_used_at INTEGER,                     -- about a minute late at most
    revoked_at   INTEGER
) STRICT;
