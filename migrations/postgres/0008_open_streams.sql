-- Streams that have run for about a second and have not ended, each with the line of the session log that is written at
-- the next start if the process ends before the stream.
CREATE TABLE open_streams (
    request_id TEXT PRIMARY KEY,   -- a UUIDv7
    log        TEXT NOT NULL,      -- the id of the session log that the line belongs in
    line       TEXT NOT NULL       -- the fields of the line as JSON
);
