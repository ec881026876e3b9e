-- The answered turns of the last days, so that their callers can rate them, whichever replica they ask, and after a restart. There is
-- a row for each turn, so it has one index, in whose order rows come and go.

CREATE TABLE turn_origins (
    last_day   BIGINT NOT NULL,   -- the last day, by the retention time, on which the turn can be rated; days since 1970-01-01
    request_id TEXT NOT NULL,     -- a UUIDv7
    origin     TEXT NOT NULL,     -- whose the turn is, and what answered it, as JSON
    PRIMARY KEY (last_day, request_id)
);

-- The latest feedback on rated turns.

CREATE TABLE turn_ratings (
    request_id   TEXT PRIMARY KEY,
    last_day     BIGINT NOT NULL,   -- that of the turn, or a later one
    revision     BIGINT NOT NULL,   -- the number of the feedback, from 1
    rated_at     BIGINT NOT NULL,   -- the time of its line in the session log
    rating       TEXT NOT NULL,     -- up, down
    comment_mark TEXT               -- a hash of the comment with the key of the turn's texts, by which the same is recognized
);

CREATE INDEX turn_ratings_by_day ON turn_ratings (last_day);

INSERT INTO turn_origins (last_day, request_id, origin)
SELECT expires_at / 86400000000, request_id,
       json_build_object('expires_at', expires_at, 'model', model, 'session', session_id, 'owner', owner_id, 'visitor', visitor,
                         'persona', persona, 'site', site, 'api_key', api_key, 'content_key', content_key)::text
FROM answered_turns;

INSERT INTO turn_ratings (request_id, last_day, revision, rated_at, rating, comment_mark)
SELECT request_id, expires_at / 86400000000, 1, 0, rating, comment_mark FROM answered_turns WHERE rating IS NOT NULL;

DROP TABLE answered_turns;
