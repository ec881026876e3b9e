-- Times are microseconds since 1970-01-01T00:00:00Z; money is pico-dollars. The same tables as for SQLite; what they
-- mean is told there.

CREATE TABLE sessions (
    id         TEXT PRIMARY KEY,
    started_at BIGINT,
    stopped_at BIGINT,
    closed_by  TEXT,
    metrics    TEXT,
    logged     BIGINT NOT NULL DEFAULT 0
);

CREATE INDEX sessions_open ON sessions (started_at) WHERE stopped_at IS NULL;
CREATE INDEX sessions_over ON sessions (stopped_at) WHERE logged = 1;
CREATE INDEX sessions_unlogged ON sessions (stopped_at) WHERE stopped_at IS NOT NULL AND logged = 0;

CREATE TABLE session_turns (
    session_id        TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    ended_at          BIGINT NOT NULL,
    model             TEXT NOT NULL,
    failed            BIGINT NOT NULL,
    prompt_tokens     BIGINT NOT NULL,
    completion_tokens BIGINT NOT NULL,
    cost_pico         BIGINT NOT NULL,
    latency_us        BIGINT NOT NULL
);

CREATE INDEX session_turns_by_session ON session_turns (session_id, ended_at);

CREATE TABLE usage_totals (
    model                TEXT PRIMARY KEY,
    requests             BIGINT NOT NULL,
    prompt_tokens        BIGINT NOT NULL,
    completion_tokens    BIGINT NOT NULL,
    prompt_cost_pico     BIGINT NOT NULL,
    completion_cost_pico BIGINT NOT NULL,
    last_used_at         BIGINT NOT NULL
);

CREATE TABLE papita_outbox (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    request_id TEXT NOT NULL,
    body       TEXT NOT NULL
);

CREATE TABLE papita_contacts (
    url         TEXT PRIMARY KEY,
    answered_at BIGINT NOT NULL
);

CREATE TABLE log_places (
    log  TEXT NOT NULL,
    day  TEXT NOT NULL,
    size BIGINT NOT NULL,
    PRIMARY KEY (log, day)
);
