CREATE TABLE visitors (
    owner_id   BIGINT PRIMARY KEY REFERENCES owners (id) ON DELETE CASCADE,
    token_hash TEXT NOT NULL UNIQUE,
    chat_id    BIGINT NOT NULL UNIQUE REFERENCES chats (id) ON DELETE CASCADE,
    seen_at    BIGINT NOT NULL
);

CREATE INDEX visitors_by_age ON visitors (seen_at);

ALTER TABLE chats ADD COLUMN persona TEXT;
