-- The session that the request named, by which an answer is erased that no key seals; NULL in stored chats.
ALTER TABLE idempotency_keys ADD COLUMN session_id TEXT;
-- Whether the session was erased since the turn began: then its answer is only stored if a key seals it.
ALTER TABLE idempotency_keys ADD COLUMN is_erased INTEGER NOT NULL DEFAULT 0;

-- Callers without an account are named after their session.
UPDATE idempotency_keys SET session_id = substr(caller, length('session ') + 1) WHERE caller LIKE 'session %';

CREATE INDEX idempotency_keys_by_session ON idempotency_keys (session_id)
WHERE session_id IS NOT NULL AND content_key IS NULL;
