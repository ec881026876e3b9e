-- The answers of turns that were asked for with an Idempotency-Key, for a day. No answer: the turn goes on, or was
-- interrupted by the end of the process.
CREATE TABLE idempotency_keys (
    caller            TEXT NOT NULL,
    key               TEXT NOT NULL,
    fingerprint       TEXT NOT NULL,      -- of what was asked, in hexadecimal digits
    request_id        TEXT NOT NULL,
    asked_at          INTEGER NOT NULL,
    answered_at       INTEGER,
    answer            TEXT,
    model             TEXT,
    prompt_tokens     INTEGER,
    completion_tokens INTEGER,
    finish            TEXT,
    PRIMARY KEY (caller, key)
) STRICT;

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (asked_at);
