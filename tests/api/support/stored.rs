//! Everything that a service has stored.

use std::{fs, path::Path};

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use super::service::TestSetup;

/// Returns the bytes of all files in a folder.
pub fn bytes_of(folder: &Path) -> Vec<u8> {
    let files = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").path());
    files.filter(|path| path.is_file()).flat_map(|path| fs::read(path).expect("a file")).collect()
}

/// Whether a stopped service has a text in its session log or its database.
pub async fn is_stored(setup: &TestSetup, text: &str) -> bool {
    let stored = [bytes_of(&setup.log_dir()), database(setup).await].concat();
    stored.windows(text.len()).any(|part| part == text.as_bytes())
}

/// Returns all that the database holds: SQLite's files, or the rows of all tables of PostgreSQL.
pub async fn database(setup: &TestSetup) -> Vec<u8> {
    let url = setup.database_url();
    if !url.starts_with("postgres") {
        let files = ["al-chat.db", "al-chat.db-wal", "al-chat.db-shm"].map(|name| fs::read(setup.path().join(name)));
        return files.into_iter().flat_map(Result::unwrap_or_default).collect();
    }
    let mut connection = PgConnection::connect(url).await.expect("a connection");
    let names = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'";
    let tables = sqlx::query(names).fetch_all(&mut connection).await.expect("the tables");
    let mut dump = Vec::new();
    for table in tables {
        let rows = format!("SELECT t::text FROM \"{}\" t", table.get::<String, _>(0));
        let rows = sqlx::query(AssertSqlSafe(rows)).fetch_all(&mut connection).await.expect("rows");
        for row in rows {
            dump.extend(row.get::<String, _>(0).into_bytes());
        }
    }
    assert!(!dump.is_empty());
    dump
}
