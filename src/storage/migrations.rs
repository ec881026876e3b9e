//! Brings the tables up to date. The files are compiled in, so that the binary is all there is to install.

use std::borrow::Cow;

use sqlx::{
    AssertSqlSafe, SqlSafeStr, SqlitePool,
    error::BoxDynError,
    migrate::{MigrateError, Migration, MigrationSource, MigrationType, Migrator},
};

/// Version, description, SQL; a version never changes once it is released.
const SQLITE: &[(i64, &str, &str)] = &[
    (1, "sessions, totals, outbox", include_str!("../../migrations/sqlite/0001_sessions_totals_outbox.sql")),
    (2, "idempotency keys", include_str!("../../migrations/sqlite/0002_idempotency_keys.sql")),
];

#[derive(Debug)]
struct Embedded;

impl MigrationSource<'static> for Embedded {
    fn resolve(self) -> futures_util::future::BoxFuture<'static, Result<Vec<Migration>, BoxDynError>> {
        let migration = |(version, description, sql): &(i64, &'static str, &'static str)| {
            let sql = AssertSqlSafe(*sql).into_sql_str();
            Migration::new(*version, Cow::Borrowed(*description), MigrationType::Simple, sql, false)
        };
        Box::pin(std::future::ready(Ok(SQLITE.iter().map(migration).collect())))
    }
}

pub(super) async fn run(pool: &SqlitePool) -> Result<(), MigrateError> {
    Migrator::new(Embedded).await?.run(pool).await
}
