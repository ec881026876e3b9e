//! PostgreSQL databases for tests: one per setup, so that no test sees another's rows.

use std::thread;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use url::Url;
use uuid::Uuid;

/// The environment variable with the PostgreSQL server of the tests: a URL such as `postgres://user@127.0.0.1:5432`,
/// whose user may create databases, or `throwaway` for a server that the tests start. If it is set, all tests except
/// those of SQLite run on PostgreSQL.
const VARIABLE: &str = "AL_CHAT_TEST_POSTGRES";

/// A database that is dropped together with this value.
#[derive(Debug)]
pub struct TestDatabase(Url);

impl TestDatabase {
    /// Creates a database on the server that the environment names; `None` if it names none.
    pub fn on_tests_server() -> Option<Self> {
        let url = unused(&tests_server()?);
        create(&url);
        Some(Self(url))
    }

    pub fn url(&self) -> &str {
        self.0.as_str()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let url = self.0.clone();
        // Not joined: the statement waits for open connections of a service, which may wait for this thread. If the test
        // program ends first, the database remains.
        let _ =
            thread::Builder::new().spawn(move || administer(&url, |name| format!("DROP DATABASE {name} WITH (FORCE)")));
    }
}

fn tests_server() -> Option<Url> {
    #[expect(clippy::disallowed_methods, reason = "a setting of the tests, not of the service")]
    let server = std::env::var(VARIABLE).ok().filter(|server| !server.trim().is_empty())?;
    #[cfg(target_os = "linux")]
    if server == "throwaway" {
        return Some(crate::postgres::cluster::shared().url());
    }
    Some(Url::parse(&server).unwrap_or_else(|error| panic!("{VARIABLE} is not a URL: {error}")))
}

/// Returns the URL of a new database name on this server.
pub fn unused(server: &Url) -> Url {
    let mut url = server.clone();
    url.set_path(&format!("al_chat_{}", Uuid::now_v7().simple()));
    url
}

/// Creates the database, on a thread of its own: this is also called inside a tokio runtime, which cannot block on
/// another one.
pub fn create(url: &Url) {
    let create = || administer(url, |name| format!("CREATE DATABASE {name} TEMPLATE template0"));
    let created = thread::scope(|scope| scope.spawn(create).join());
    created.expect("a thread without a panic").expect("a new database");
}

/// Executes a statement about this database over a connection to the database `postgres`.
fn administer(url: &Url, statement: impl FnOnce(&str) -> String) -> Result<(), sqlx::Error> {
    let statement = statement(url.path().trim_start_matches('/'));
    let mut server = url.clone();
    server.set_path("postgres");
    let work = async {
        let mut connection = PgConnection::connect(server.as_str()).await?;
        connection.execute(AssertSqlSafe(statement)).await?;
        connection.close().await
    };
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}
