CREATE TABLE idempotency_keys (
    caller            TEXT NOT NULL,
    key               TEXT NOT NULL,
    fingerprint       TEXT NOT NULL,
    request_id        TEXT NOT NULL,
    asked_at          BIGINT NOT NULL,
    answered_at       BIGINT,
    answer            TEXT,
    model             TEXT,
    prompt_tokens     BIGINT,
    completion_tokens BIGINT,
    finish            TEXT,
    PRIMARY KEY (caller, key)
);

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (asked_at);
