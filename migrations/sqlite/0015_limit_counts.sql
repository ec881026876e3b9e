-- What visitors, addresses and all together have used of their limits, by window. All replicas add to the same rows.
CREATE TABLE limit_counts (
    counted   TEXT NOT NULL,     -- the scope, a colon and a keyed hash of whose usage it is; no address
    seconds   INTEGER NOT NULL,  -- the length of the window
    ends_at   INTEGER NOT NULL,  -- the end of the window, in the time of sessions
    turns     INTEGER NOT NULL,
    tokens    INTEGER NOT NULL,
    cost_pico INTEGER NOT NULL,
    PRIMARY KEY (counted, seconds, ends_at)
) STRICT, WITHOUT ROWID;

CREATE INDEX limit_counts_by_end ON limit_counts (ends_at);
