-- Events on their way to EVENTS_URL, in their order.
CREATE TABLE event_outbox (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    webhook_id TEXT NOT NULL,
    body       TEXT NOT NULL,
    expires_at BIGINT NOT NULL,   -- by the retention time
    same_as    TEXT UNIQUE         -- what waits once only; NULL for others
);

CREATE INDEX event_outbox_by_expiry ON event_outbox (expires_at);

-- The number of events that were dropped instead of sent, in a single row.
CREATE TABLE event_drops (
    id      BIGINT PRIMARY KEY CHECK (id = 1),
    records BIGINT NOT NULL
);

INSERT INTO event_drops (id, records) VALUES (1, 0);

-- What was reported by an event and is not reported again until then, such as a limit that is reached.
CREATE TABLE event_marks (
    name       TEXT PRIMARY KEY,
    expires_at BIGINT NOT NULL
);

CREATE INDEX event_marks_by_expiry ON event_marks (expires_at);
