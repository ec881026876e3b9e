-- The time by which stored data expires, in a single row. It advances while the service runs, and follows the wall clock
-- only when that is confirmed.
CREATE TABLE retention_clock (
    id          BIGINT PRIMARY KEY CHECK (id = 1),
    time        BIGINT NOT NULL,
    ahead_since BIGINT
);

-- The newest row shows until when the service ran.
INSERT INTO retention_clock (id, time)
SELECT 1, LEAST(time, CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)) FROM (SELECT MAX(time) AS time FROM (
    SELECT MAX(last_used_at) AS time FROM usage_totals
    UNION ALL SELECT MAX(updated_at) FROM chats
    UNION ALL SELECT MAX(seen_at) FROM visitors
    UNION ALL SELECT MAX(asked_at) FROM idempotency_keys
) AS newest) AS last WHERE time IS NOT NULL;

-- A session's start, and the ends of its turns, are times by a monotonic clock, so they don't give the times of day.
ALTER TABLE sessions ADD COLUMN duration_us BIGINT;
ALTER TABLE sessions ADD COLUMN expires_at BIGINT;
UPDATE sessions SET
    duration_us = CASE WHEN stopped_at > started_at THEN stopped_at - started_at WHEN started_at IS NOT NULL THEN 0 END,
    expires_at = stopped_at + 604800000000
WHERE stopped_at IS NOT NULL;

DROP INDEX sessions_over;
DROP INDEX sessions_unlogged;
CREATE INDEX sessions_over ON sessions (expires_at) WHERE logged = 1;
CREATE INDEX sessions_unlogged ON sessions (expires_at) WHERE stopped_at IS NOT NULL AND logged = 0;
