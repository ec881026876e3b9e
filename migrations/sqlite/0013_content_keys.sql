-- The keys that seal the texts of the session log. Deleting a row erases the texts that its key has sealed, in every copy
-- of the log.
CREATE TABLE content_keys (
    id         TEXT PRIMARY KEY,   -- a UUIDv7, which the lines that the key has sealed hold
    slot       INTEGER NOT NULL UNIQUE REFERENCES content_key_slots (slot),
    scope      TEXT UNIQUE,        -- what the key seals: session, owner, chat and day; NULL for a single turn
    session_id TEXT,
    owner_id   INTEGER REFERENCES owners (id) ON DELETE CASCADE,
    chat_id    INTEGER REFERENCES chats (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL    -- in retention time
) STRICT;

CREATE INDEX content_keys_by_session ON content_keys (session_id);
CREATE INDEX content_keys_by_owner ON content_keys (owner_id, created_at);
CREATE INDEX content_keys_by_chat ON content_keys (chat_id);

-- The bytes of the keys. When SQLite deletes rows, it moves others to fuller pages, and what it leaves there is not
-- overwritten, not even with secure_delete. So these rows have one length and are never deleted: they are overwritten
-- where they are, and used again.
CREATE TABLE content_key_slots (
    slot    INTEGER PRIMARY KEY,
    key     TEXT NOT NULL CHECK (length(key) = 44),   -- 256 bits in base64
    is_free INTEGER NOT NULL CHECK (is_free IN (0, 1))
) STRICT;

CREATE INDEX content_key_slots_free ON content_key_slots (slot) WHERE is_free = 1;

CREATE TRIGGER content_keys_overwrite AFTER DELETE ON content_keys BEGIN
    UPDATE content_key_slots SET key = '--------------------------------------------', is_free = 1 WHERE slot = old.slot;
END;
