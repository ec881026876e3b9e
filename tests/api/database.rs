//! Databases on a PostgreSQL server: of one house's own, so that no test sees another's.

use std::thread;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use url::Url;
use uuid::Uuid;

/// Where tests find PostgreSQL: a server's address, as `postgres://user@127.0.0.1:5432`, whose user may create
/// databases, or `throwaway` for one that the tests start themselves. With it, all tests but those of SQLite run there.
const VARIABLE: &str = "AL_CHAT_TEST_POSTGRES";

/// A database that goes with its house.
#[derive(Debug)]
pub struct OwnDatabase(Url);

impl OwnDatabase {
    /// A new one on the server that the environment names, if it does.
    pub fn on_tests_server() -> Option<Self> {
        let url = unused(&tests_server()?);
        create(&url);
        Some(Self(url))
    }

    pub fn url(&self) -> &str {
        self.0.as_str()
    }
}

impl Drop for OwnDatabase {
    fn drop(&mut self) {
        let url = self.0.clone();
        // Not waited for: it takes until a service that is still there has gone, and that may be waiting for us. What
        // the end of the tests leaves of it is left.
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
    Some(Url::parse(&server).unwrap_or_else(|error| panic!("{VARIABLE} is no address: {error}")))
}

/// The address of a database that isn't there yet.
pub fn unused(server: &Url) -> Url {
    let mut url = server.clone();
    url.set_path(&format!("al_chat_{}", Uuid::now_v7().simple()));
    url
}

/// Makes the database. On a thread of its own: a house is also built where a runtime is at work, and that cannot wait
/// for another.
pub fn create(url: &Url) {
    let create = || administer(url, |name| format!("CREATE DATABASE {name} TEMPLATE template0"));
    let created = thread::scope(|scope| scope.spawn(create).join());
    created.expect("a thread that doesn't panic").expect("a new database");
}

/// Runs a statement about this database from the one that each server has.
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
