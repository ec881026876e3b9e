-- Whether the model may have been asked in the turn of a key. 0 while the turn still waits for something: if its process
-- ends then, the key is free again.
ALTER TABLE idempotency_keys ADD COLUMN is_asked INTEGER NOT NULL DEFAULT 1;
