-- The answered turns of the last days, so that their callers can rate them, whichever replica they ask, and after a restart.

CREATE TABLE answered_turns (
    request_id   TEXT PRIMARY KEY,   -- a UUIDv7
    expires_at   BIGINT NOT NULL,    -- by the retention time
    session_id   TEXT,               -- the session that the client named
    owner_id     BIGINT,             -- the owner of the stored chat; no reference: the row may come after the owner's deletion
    visitor      TEXT,               -- the visitor of a ticket
    model        TEXT NOT NULL,
    persona      TEXT,
    site         TEXT,
    api_key      TEXT,               -- its name
    content_key  TEXT,               -- the id of the key that seals the turn's texts, and a comment
    rating       TEXT,               -- up, down; NULL before the first feedback
    comment_mark TEXT                -- a hash of the comment with that key, by which the same is recognized
);

CREATE INDEX answered_turns_by_expiry ON answered_turns (expires_at);
