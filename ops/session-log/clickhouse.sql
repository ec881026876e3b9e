-- Turns in ClickHouse. A line that arrives twice, as after a restart of the sender, is one row with FINAL.
CREATE TABLE turns
(
    timestamp DateTime64(6, 'UTC'),
    date Date,
    instance String,
    seq UInt64,
    request_id String,
    session_id Nullable(String),
    user_id Nullable(Int64),
    username String,
    is_guest Bool,
    model LowCardinality(String),
    requested_model LowCardinality(String),
    persona LowCardinality(Nullable(String)),
    prompt_tokens UInt64,
    completion_tokens UInt64,
    cost_usd Nullable(Float64),
    latency_ms Float64,
    first_word_ms Nullable(Float64),
    attempts UInt32,
    status UInt16,
    code LowCardinality(Nullable(String)),
    finish LowCardinality(String)
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(date)
ORDER BY (date, instance, seq);
