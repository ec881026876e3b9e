//! Brings the tables up to date. The files are compiled in, so that the binary is all there is to install.

use std::borrow::Cow;

use sqlx::{
    AssertSqlSafe, SqlSafeStr,
    error::BoxDynError,
    migrate::{MigrateError, Migration, MigrationSource, MigrationType, Migrator},
};

/// A version, what it brings, and its file for either database. A version never changes once it is released.
struct Version {
    number: i64,
    about: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! versions {
    ($($number:literal $file:literal $about:literal;)+) => {
        &[$(Version {
            number: $number,
            about: $about,
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
};

/// What the first version brings, by which our databases are known.
pub(super) const FIRST: &str = VERSIONS[0].about;

#[derive(Debug)]
struct Embedded(fn(&Version) -> &'static str);

impl MigrationSource<'static> for Embedded {
    fn resolve(self) -> futures_util::future::BoxFuture<'static, Result<Vec<Migration>, BoxDynError>> {
        let migration = |version: &Version| {
            let sql = AssertSqlSafe((self.0)(version)).into_sql_str();
            Migration::new(version.number, Cow::Borrowed(version.about), MigrationType::Simple, sql, false)
        };
        Box::pin(std::future::ready(Ok(VERSIONS.iter().map(migration).collect())))
    }
}

pub(super) async fn sqlite() -> Result<Migrator, MigrateError> {
    Migrator::new(Embedded(|version| version.sqlite)).await
}

pub(super) async fn postgres() -> Result<Migrator, MigrateError> {
    Migrator::new(Embedded(|version| version.postgres)).await
}
