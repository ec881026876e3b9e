-- Owners without an account, known by a token that only their browser has.
CREATE TABLE visitors (
    owner_id   INTEGER PRIMARY KEY REFERENCES owners (id) ON DELETE CASCADE,
    token_hash TEXT NOT NULL UNIQUE,
    chat_id    INTEGER NOT NULL UNIQUE REFERENCES chats (id) ON DELETE CASCADE,
    seen_at    INTEGER NOT NULL               -- to the nearest hour or so
) STRICT;

CREATE INDEX visitors_by_age ON visitors (seen_at);

-- Who speaks in a chat: a persona's name; none where that is the model as it is.
ALTER TABLE chats ADD COLUMN persona TEXT;
