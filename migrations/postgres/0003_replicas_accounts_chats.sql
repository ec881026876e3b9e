CREATE TABLE replicas (
    id          TEXT PRIMARY KEY,
    alive_until BIGINT NOT NULL
);

CREATE TABLE duties (
    name    TEXT PRIMARY KEY,
    replica TEXT NOT NULL
);

ALTER TABLE sessions ADD COLUMN replica TEXT;
ALTER TABLE idempotency_keys ADD COLUMN replica TEXT;

CREATE TABLE secrets (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE owners (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY
);

CREATE TABLE accounts (
    id               BIGINT PRIMARY KEY REFERENCES owners (id) ON DELETE CASCADE,
    username         TEXT NOT NULL,
    username_folded  TEXT NOT NULL UNIQUE,
    email            TEXT NOT NULL,
    email_folded     TEXT NOT NULL UNIQUE,
    password_hash    TEXT NOT NULL,
    token_generation BIGINT NOT NULL,
    created_at       BIGINT NOT NULL
);

CREATE TABLE revoked_tokens (
    jti        TEXT PRIMARY KEY,
    expires_at BIGINT NOT NULL
);

CREATE INDEX revoked_tokens_by_age ON revoked_tokens (expires_at);

CREATE TABLE chats (
    id            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner_id      BIGINT NOT NULL REFERENCES owners (id) ON DELETE CASCADE,
    title         TEXT NOT NULL,
    is_titled     BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    message_count BIGINT NOT NULL DEFAULT 0,
    turns         BIGINT NOT NULL DEFAULT 0
);

CREATE INDEX chats_by_owner ON chats (owner_id, updated_at DESC, id DESC);

CREATE TABLE messages (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    chat_id    BIGINT NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
    owner_id   BIGINT NOT NULL,
    turn       BIGINT NOT NULL,
    sender     TEXT NOT NULL,
    status     TEXT NOT NULL,
    text       TEXT NOT NULL,
    image_bytes BIGINT NOT NULL,
    request_id TEXT NOT NULL,
    replica    TEXT,
    created_at BIGINT NOT NULL
);

CREATE INDEX messages_by_chat ON messages (chat_id, turn, id);
CREATE INDEX messages_by_request ON messages (request_id);
CREATE UNIQUE INDEX messages_pending ON messages (chat_id) WHERE status = 'pending';

CREATE TABLE message_images (
    message_id BIGINT PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
    url        TEXT NOT NULL
);

-- PostgreSQL's own index of words, filled with the words that the service makes of a text, so that both databases find
-- the same; each marked as its owner's.
CREATE TABLE message_words (
    message_id BIGINT PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
    owner_id   BIGINT NOT NULL,
    words      TSVECTOR NOT NULL
);

CREATE INDEX message_words_by_owner ON message_words (owner_id, message_id);
-- Without a list of what is still to be sorted in, which each search would read through.
CREATE INDEX message_words_by_word ON message_words USING GIN (words) WITH (fastupdate = off);
