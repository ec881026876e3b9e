-- The text of an answer, sealed with the key that seals the turn's texts in the session log, so that it is erased with them in
-- every copy of the database. `answer` is NULL then.
ALTER TABLE idempotency_keys ADD COLUMN sealed_answer TEXT;
ALTER TABLE idempotency_keys ADD COLUMN content_key TEXT;
