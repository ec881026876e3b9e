-- The results of turns by the process, day and model of their lines in the session log, and by their error code, so that
-- the log can be compared with this database. Their sums over all rows are those of usage_totals. Money is pico-dollars.
CREATE TABLE log_totals (
    log               TEXT NOT NULL,   -- the id of the session log; empty for what was counted before this table was made
    instance          TEXT NOT NULL,   -- the id of the process, which its lines have
    day               TEXT NOT NULL,   -- the date of the lines, YYYY-MM-DD
    model             TEXT NOT NULL,
    code              TEXT NOT NULL,   -- empty for answered turns; session_log_unavailable for turns without a line
    turns             BIGINT NOT NULL,
    prompt_tokens     BIGINT NOT NULL,
    completion_tokens BIGINT NOT NULL,
    cost_pico         BIGINT NOT NULL,
    first_seq         BIGINT NOT NULL,   -- the numbers of the first and the last line; 0 without a line
    last_seq          BIGINT NOT NULL,
    PRIMARY KEY (log, instance, day, model, code)
);

INSERT INTO log_totals (log, instance, day, model, code, turns, prompt_tokens, completion_tokens, cost_pico, first_seq, last_seq)
SELECT '', '', '', model, '', requests, prompt_tokens, completion_tokens, prompt_cost_pico + completion_cost_pico, 0, 0
FROM usage_totals;

-- The first process of each session log whose turns are in log_totals as a whole.
CREATE TABLE log_totals_since (
    log      TEXT PRIMARY KEY,
    instance TEXT NOT NULL
);
