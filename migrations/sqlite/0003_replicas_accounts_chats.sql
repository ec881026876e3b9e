-- Services that share this database (with SQLite there is only one, which needs no entry here).
CREATE TABLE replicas (
    id          TEXT PRIMARY KEY,
    alive_until INTEGER NOT NULL            -- set forward as long as it lives
) STRICT;

-- Work that only one replica does at a time.
CREATE TABLE duties (
    name    TEXT PRIMARY KEY,
    replica TEXT NOT NULL
) STRICT;

-- Which replica logs the stop; it's up to another one if that one dies before.
ALTER TABLE sessions ADD COLUMN replica TEXT;

-- Which replica takes the turn.
ALTER TABLE idempotency_keys ADD COLUMN replica TEXT;

-- Made once, for all replicas.
CREATE TABLE secrets (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- Whoever chats belong to.
CREATE TABLE owners (
    id INTEGER PRIMARY KEY AUTOINCREMENT
) STRICT;

CREATE TABLE accounts (
    id               INTEGER PRIMARY KEY REFERENCES owners (id) ON DELETE CASCADE,
    username         TEXT NOT NULL,
    username_folded  TEXT NOT NULL UNIQUE,    -- without regard to case
    email            TEXT NOT NULL,
    email_folded     TEXT NOT NULL UNIQUE,
    password_hash    TEXT NOT NULL,
    token_generation INTEGER NOT NULL,        -- tokens of earlier ones are dead
    created_at       INTEGER NOT NULL
) STRICT;

-- Tokens logged out before their time.
CREATE TABLE revoked_tokens (
    jti        TEXT PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX revoked_tokens_by_age ON revoked_tokens (expires_at);

CREATE TABLE chats (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    owner_id      INTEGER NOT NULL REFERENCES owners (id) ON DELETE CASCADE,
    title         TEXT NOT NULL,
    is_titled     INTEGER NOT NULL,           -- 0: the first message will give it a title
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    message_count INTEGER NOT NULL DEFAULT 0,
    turns         INTEGER NOT NULL DEFAULT 0  -- numbers given to turns so far
) STRICT;

CREATE INDEX chats_by_owner ON chats (owner_id, updated_at DESC, id DESC);

-- A turn is a message of the user and what the bot answered to it; its number orders them, also when a failed one is
-- answered later.
CREATE TABLE messages (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    chat_id    INTEGER NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
    owner_id   INTEGER NOT NULL,
    turn       INTEGER NOT NULL,
    sender     TEXT NOT NULL,               -- user, bot
    status     TEXT NOT NULL,               -- complete; of a user's message also pending, failed
    text       TEXT NOT NULL,
    image_bytes INTEGER NOT NULL,           -- of the image's URL; 0 without one
    request_id TEXT NOT NULL,               -- the request that asked last
    replica    TEXT,                        -- of a pending one: where its turn goes on
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX messages_by_chat ON messages (chat_id, turn, id);
CREATE INDEX messages_by_request ON messages (request_id);
-- One turn of a chat at a time.
CREATE UNIQUE INDEX messages_pending ON messages (chat_id) WHERE status = 'pending';

-- Apart from the messages, which are read far more often.
CREATE TABLE message_images (
    message_id INTEGER PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
    url        TEXT NOT NULL
) STRICT;

-- The words of messages, by the message's id; one of them stands for the owner. They come as the service makes them of a
-- text, set apart by blanks. What they begin with has an index of its own: put together from all words that begin so, the
-- messages of a frequent beginning took 50 ms.
CREATE VIRTUAL TABLE message_words USING fts5(
    words, content = '', contentless_delete = 1, detail = none, prefix = '3 4 5 6', tokenize = 'ascii'
);

CREATE TRIGGER messages_forget_words AFTER DELETE ON messages BEGIN
    DELETE FROM message_words WHERE rowid = old.id;
END;
