-- Times are microseconds since 1970-01-01T00:00:00Z; money is pico-dollars.

CREATE TABLE sessions (
    id         TEXT PRIMARY KEY,
    started_at INTEGER,                     -- NULL: a stop came for an id that was never started here
    stopped_at INTEGER,
    closed_by  TEXT,
    metrics    TEXT,                        -- what the client sent with its stop, as JSON
    logged     INTEGER NOT NULL DEFAULT 0   -- whether the stop is in the session log
) STRICT;

CREATE INDEX sessions_open ON sessions (started_at) WHERE stopped_at IS NULL;
CREATE INDEX sessions_over ON sessions (stopped_at) WHERE logged = 1;
CREATE INDEX sessions_unlogged ON sessions (stopped_at) WHERE stopped_at IS NOT NULL AND logged = 0;

-- The turns of open sessions, for the numbers of their stop; removed with it.
CREATE TABLE session_turns (
    session_id        TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    ended_at          INTEGER NOT NULL,
    model             TEXT NOT NULL,
    failed            INTEGER NOT NULL,
    prompt_tokens     INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    cost_pico         INTEGER NOT NULL,
    latency_us        INTEGER NOT NULL
) STRICT;

CREATE INDEX session_turns_by_session ON session_turns (session_id, ended_at);

CREATE TABLE usage_totals (
    model                TEXT PRIMARY KEY,
    requests             INTEGER NOT NULL,
    prompt_tokens        INTEGER NOT NULL,
    completion_tokens    INTEGER NOT NULL,
    prompt_cost_pico     INTEGER NOT NULL,
    completion_cost_pico INTEGER NOT NULL,
    last_used_at         INTEGER NOT NULL
) STRICT;

-- Usage records on their way to Papita, in the order of their turns.
CREATE TABLE papita_outbox (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    request_id TEXT NOT NULL,
    body       TEXT NOT NULL
) STRICT;

-- Which brokers have ever answered: from then on a silent one is an outage, not an absence.
CREATE TABLE papita_contacts (
    url         TEXT PRIMARY KEY,
    answered_at INTEGER NOT NULL
) STRICT;

-- Up to where the turns of a session log are in this database, day by day; behind that, a crash may have left some.
CREATE TABLE log_places (
    log  TEXT NOT NULL,      -- the log's folder
    day  TEXT NOT NULL,      -- YYYY-MM-DD
    size INTEGER NOT NULL,   -- bytes of that day's file
    PRIMARY KEY (log, day)
) STRICT;
