//! The migrations of the database's tables, compiled into the binary.

use std::borrow::Cow;

use sqlx::{
    AssertSqlSafe, SqlSafeStr,
    error::BoxDynError,
    migrate::{MigrateError, Migration, MigrationSource, MigrationType, Migrator},
};

/// A version of the tables, with its SQL for either database. sqlx stores a checksum of the SQL, so that a released
/// version never changes.
struct Version {
    number: i64,
    description: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! versions {
    ($($number:literal $file:literal $description:literal;)+) => {
        &[$(Version {
            number: $number,
            description: $description,
            sqlite: include_str!(concat!("../../../migrations/sqlite/", $file)),
            postgres: include_str!(concat!("../../../migrations/postgres/", $file)),
        }),+]
    };
}

const VERSIONS: &[Version] = versions! {
    1 "0001_sessions_totals_outbox.sql" "sessions, totals, outbox";
    2 "0002_idempotency_keys.sql" "idempotency keys";
    3 "0003_replicas_accounts_chats.sql" "replicas, accounts, chats";
    4 "0004_visitors_personas.sql" "visitors, personas";
    5 "0005_log_instances.sql" "log instances";
    6 "0006_usage_record_drops.sql" "usage record drops";
    7 "0007_heartbeats.sql" "heartbeats";
    8 "0008_open_streams.sql" "open streams";
    9 "0009_asked_keys.sql" "asked keys";
    10 "0010_retention_clock.sql" "retention clock";
    11 "0011_log_chains.sql" "log chains";
    12 "0012_open_streams_in_file.sql" "open streams in a file";
    13 "0013_content_keys.sql" "content keys";
    14 "0014_sealed_answers.sql" "sealed answers";
    15 "0015_limit_counts.sql" "counts of limits";
    16 "0016_log_totals.sql" "log totals";
    17 "0017_answer_sessions.sql" "sessions of stored answers";
    18 "0018_owner_quotas.sql" "quotas of owners";
    20 "0020_api_keys.sql" "API keys of servers";
    21 "0021_paused_sites.sql" "paused sites";
    24 "0024_event_outbox.sql" "outbox of events";
    25 "0025_answered_turns.sql" "answered turns";
    26 "0026_answer_sources.sql" "sources of stored answers";
    27 "0027_turn_origins.sql" "origins and ratings of turns";
    28 "0028_message_sources.sql" "sources of messages";
};

/// The description of the first version, which sqlx stores in the database. It identifies a database of al-chat.
pub(super) const FIRST_DESCRIPTION: &str = VERSIONS[0].description;

/// The versions as a source of migrations; the function chooses the SQL of one database.
#[derive(Debug)]
struct Embedded(fn(&Version) -> &'static str);

impl MigrationSource<'static> for Embedded {
    fn resolve(self) -> futures_util::future::BoxFuture<'static, Result<Vec<Migration>, BoxDynError>> {
        let migration = |version: &Version| {
            let sql = AssertSqlSafe((self.0)(version)).into_sql_str();
            Migration::new(version.number, Cow::Borrowed(version.description), MigrationType::Simple, sql, false)
        };
        Box::pin(std::future::ready(Ok(VERSIONS.iter().map(migration).collect())))
    }
}

/// Returns the migrations of a SQLite database.
pub(super) async fn sqlite() -> Result<Migrator, MigrateError> {
    Migrator::new(Embedded(|version| version.sqlite)).await
}

/// Returns the migrations of a PostgreSQL database.
pub(super) async fn postgres() -> Result<Migrator, MigrateError> {
    Migrator::new(Embedded(|version| version.postgres)).await
}
