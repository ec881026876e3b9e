//! The database file in `DATABASE_URL`, and errors for files that cannot be used.

use std::{fs, path::Path};

use serde_json::json;
use sqlx::{ConnectOptions, Connection, Executor, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::{
    command_line::run,
    fakes::model::FakeModel,
    support::service::{TestSetup, wait_until},
};

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names = entries.map(|entry| entry.expect("a file").file_name().into_string().expect("a name"));
    let mut names = names.by_ref().collect::<Vec<_>>();
    names.sort();
    names
}

/// Creates a database of another program.
async fn make(path: &Path, statements: &'static str) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut database = options.connect().await.expect("a database");
    database.execute(sqlx::raw_sql(statements)).await.expect("tables");
    database
}

#[tokio::test]
async fn three_slashes_name_a_file_relative_to_the_directory() {
    for url in ["sqlite:///app.db", "sqlite:///app.db?check_same_thread=False", "sqlite+pysqlite:///./app.db"] {
        let setup = TestSetup::new().with("DATABASE_URL", url);
        let process = setup.start_process().await;
        process.client.chat("hello").await.assert_ok();
        assert!(setup.path().join("app.db").is_file(), "{url}: {:?}", names_in(setup.path()));
        assert!(!Path::new("/app.db").exists());
    }
}

#[tokio::test]
async fn four_slashes_name_an_absolute_path() {
    let (setup, elsewhere) = (TestSetup::new(), tempfile::tempdir().unwrap());
    let path = elsewhere.path().join("my app.db");
    let setup = setup.with("DATABASE_URL", &format!("sqlite:///{}", path.display()).replace(' ', "%20"));
    let _process = setup.start_process().await;
    assert!(path.is_file());
    assert_eq!(names_in(setup.path()), ["SessionLog"]);
}

#[tokio::test]
async fn an_in_memory_database_is_rejected() {
    for url in ["sqlite::memory:", "sqlite://", "sqlite:///:memory:", "sqlite:///a.db?mode=memory", "sqlite:///data/"] {
        let ran = run(&TestSetup::new().with("DATABASE_URL", url), &[]).await;
        assert_eq!(ran.code, Some(2), "{url}: {ran:?}");
        assert!(ran.err.contains("DATABASE_URL: expected the address of a database that lasts"), "{}", ran.err);
    }
}

#[tokio::test]
async fn a_path_that_cannot_be_opened_is_reported_with_a_remedy() {
    for (url, sentence) in [
        ("sqlite:///data/app.db", "/data of DATABASE_URL does not exist; make it, or name another file; an absolute"),
        ("sqlite:data/app.db", "/data of DATABASE_URL does not exist; make it, or name another file\n"),
        ("sqlite:///folder", "/folder of DATABASE_URL is a folder; name a file in it"),
        ("sqlite:///notes.txt/app.db", "/notes.txt/app.db of DATABASE_URL is not in a folder"),
        ("sqlite:////dev/null", "/dev/null of DATABASE_URL is not an ordinary file"),
        ("sqlite:///notes.txt", "/notes.txt of DATABASE_URL is not a SQLite database; it was left as it is"),
        ("sqlite:///new.db?mode=rw", "/new.db of DATABASE_URL does not exist; with mode=rw it is not made"),
    ] {
        let setup = TestSetup::new().with("DATABASE_URL", url);
        fs::write(setup.path().join("notes.txt"), "Buy milk.").unwrap();
        fs::create_dir(setup.path().join("folder")).unwrap();
        // The service waits for a file or a folder that does not exist.
        let waits = sentence.contains("does not exist");
        let commands = [&[][..], &["migrate"]].into_iter().skip(usize::from(waits));
        for command in commands {
            let ran = run(&setup, command).await;
            assert_eq!(ran.code, Some(1), "{url}: {ran:?}");
            assert!(ran.err.contains(sentence), "{url}: {}", ran.err);
        }
        let names = names_in(setup.path());
        assert_eq!(names.iter().filter(|name| *name != "SessionLog").collect::<Vec<_>>(), ["folder", "notes.txt"]);
        assert_eq!(fs::read(setup.path().join("notes.txt")).unwrap(), b"Buy milk.");
    }
}

const SQLALCHEMY: &str = "CREATE TABLE user (id INTEGER PRIMARY KEY, username VARCHAR(80));
     CREATE TABLE chat_history (id INTEGER PRIMARY KEY, user_id INTEGER, title VARCHAR(200));
     CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL);
     INSERT INTO user (username) VALUES ('ada');";

const SQLX: &str = "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL,
         installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BLOB NOT NULL,
         execution_time BIGINT NOT NULL);
     INSERT INTO _sqlx_migrations VALUES (1, 'create users', '', 1, x'00', 1);
     CREATE TABLE users (id INTEGER PRIMARY KEY);";

const OTHER_MIGRATIONS: &str = "CREATE TABLE _sqlx_migrations (id TEXT); CREATE TABLE notes (id INTEGER);";

#[tokio::test]
async fn a_database_of_another_program_is_not_changed() {
    for (statements, tables) in [
        (SQLALCHEMY, "alembic_version, chat_history, user"),
        (SQLX, "_sqlx_migrations, users"),
        (OTHER_MIGRATIONS, "_sqlx_migrations, notes"),
        ("CREATE VIEW one AS SELECT 1", "one"),
        ("PRAGMA journal_mode = WAL; CREATE TABLE notes (id INTEGER)", "notes"),
    ] {
        let setup = TestSetup::new().with("DATABASE_URL", "sqlite:///app.db");
        let path = setup.path().join("app.db");
        make(&path, statements).await.close().await.unwrap();
        let before = fs::read(&path).unwrap();
        for command in [&[][..], &["migrate"], &["backup", "copy.db"]] {
            let ran = run(&setup, command).await;
            assert_eq!(ran.code, Some(1), "{ran:?}");
            let sentence = format!("belongs to another program (it has the tables {tables}) and was left as it is");
            assert!(ran.err.contains(&sentence) && ran.err.contains("DATABASE_URL=sqlite:///"), "{}", ran.err);
        }
        assert!(fs::read(&path).unwrap() == before, "{statements} was changed");
        let names = names_in(setup.path());
        assert_eq!(names.iter().filter(|name| *name != "SessionLog").collect::<Vec<_>>(), ["app.db"]);
    }
}

#[tokio::test]
async fn a_database_open_in_another_program_is_not_changed() {
    let setup = TestSetup::new().with("DATABASE_URL", "sqlite:///app.db");
    let path = setup.path().join("app.db");
    // The tables are only in the write-ahead log.
    let statements = "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE notes (id INTEGER)";
    let mut other = make(&path, statements).await;
    let files = || [fs::read(&path).unwrap(), fs::read(setup.path().join("app.db-wal")).unwrap()];
    let before = files();
    let ran = run(&setup, &[]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("(it has the tables notes)"), "{}", ran.err);
    assert!(files() == before, "the database was changed");
    other.execute("INSERT INTO notes VALUES (1)").await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_symbolic_link_to_the_database_works() {
    use std::os::unix::fs::symlink;

    // The tables are in the write-ahead log, which is beside the file and not beside the link.
    let setup = TestSetup::new().with("DATABASE_URL", "sqlite:///link.db");
    let folder = setup.path().join("data");
    fs::create_dir(&folder).unwrap();
    symlink("data/app.db", setup.path().join("link.db")).unwrap();
    let statements = "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE notes (id INTEGER)";
    let other = make(&folder.join("app.db"), statements).await;
    let ran = run(&setup, &[]).await;
    assert!(ran.err.contains("(it has the tables notes)"), "{}", ran.err);
    other.close().await.unwrap();
    fs::remove_file(folder.join("app.db")).unwrap();

    // The lock is the same for the file and for links to it, also to a file that does not exist yet.
    let process = setup.start_process().await;
    process.client.chat("hello").await.assert_ok();
    let log = folder.join("app.db-wal");
    let is_empty = async || fs::metadata(&log).is_ok_and(|data| data.len() == 0).then_some(());
    wait_until("an empty write-ahead log", is_empty).await;
    let ran = run(&setup, &["check"]).await;
    assert!(ran.out.contains("link.db can be used; a server is running on it."), "{}", ran.out);
    let address = format!("sqlite:///{}", folder.join("app.db").display());
    let ran = run(&TestSetup::new().with("DATABASE_URL", &address), &[]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("another process already uses the database"), "{}", ran.err);
}

#[tokio::test]
async fn an_empty_file_or_database_is_accepted() {
    for statements in [None, Some("PRAGMA user_version = 7"), Some("PRAGMA journal_mode = WAL")] {
        let setup = TestSetup::new().with("DATABASE_URL", "sqlite:///app.db");
        let path = setup.path().join("app.db");
        match statements {
            None => fs::write(&path, "").unwrap(),
            Some(statements) => make(&path, statements).await.close().await.unwrap(),
        }
        setup.start_process().await.client.chat("hello").await.assert_ok();
        // A second start, with the tables present.
        setup.start_process().await.client.chat("hello").await.assert_ok();
    }
}

#[tokio::test]
async fn additional_tables_are_accepted() {
    let setup = TestSetup::new().with("DATABASE_URL", "sqlite:///app.db");
    let mut process = setup.start_process().await;
    process.kill().await;
    make(&setup.path().join("app.db"), "CREATE TABLE notes (id INTEGER)").await.close().await.unwrap();
    setup.start_process().await.client.chat("hello").await.assert_ok();
}

#[tokio::test]
async fn the_write_ahead_log_is_merged_soon_after_a_turn() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).on_sqlite();
    // A child process: SQLite's locks end when another part of the same process closes the file.
    let process = setup.start_process().await;
    for _ in 0..3 {
        for _ in 0..20 {
            process.client.chat("hello").await.assert_ok();
        }
        process.client.get("/api/openai/usage").await.assert_ok();
        let log = setup.path().join("al-chat.db-wal");
        let is_empty = async || fs::metadata(&log).is_ok_and(|data| data.len() == 0).then_some(());
        wait_until("an empty write-ahead log", is_empty).await;
    }
    let copy = tempfile::tempdir().unwrap();
    let copy = copy.path().join("copy.db");
    fs::copy(setup.path().join("al-chat.db"), &copy).unwrap();
    let mut copy = SqliteConnectOptions::new().filename(&copy).connect().await.unwrap();
    let requests: i64 =
        sqlx::query_scalar("SELECT SUM(requests) FROM usage_totals").fetch_one(&mut copy).await.unwrap();
    assert_eq!(requests, 60);
}

#[cfg(target_os = "linux")]
#[tokio::test]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn a_schema_of_another_program_is_not_changed() {
    use sqlx::PgConnection;

    let address = crate::postgres::cluster::shared().database();
    let mut database = PgConnection::connect(address.as_str()).await.unwrap();
    let setup = TestSetup::new().with("DATABASE_URL", address.as_str());
    let tables = "SELECT COUNT(*) FROM pg_catalog.pg_tables WHERE schemaname = 'public'";
    for (make, names) in [
        ("CREATE TABLE users (id INT); CREATE TABLE alembic_version (version_num TEXT)", "alembic_version, users"),
        ("CREATE VIEW one AS SELECT 1", "one"),
    ] {
        database.execute(sqlx::raw_sql(make)).await.unwrap();
        let before: i64 = sqlx::query_scalar(tables).fetch_one(&mut database).await.unwrap();
        for command in [&[][..], &["migrate"]] {
            let ran = run(&setup, command).await;
            assert_eq!(ran.code, Some(1), "{ran:?}");
            assert!(ran.err.contains(&format!("it has the tables {names}) and was left as it is")), "{}", ran.err);
        }
        let after: i64 = sqlx::query_scalar(tables).fetch_one(&mut database).await.unwrap();
        assert_eq!(after, before);
        database.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await.unwrap();
    }
    // Other tables beside ours are accepted, and so is a schema of our own in the database.
    assert_eq!(run(&setup, &["migrate"]).await.code, Some(0));
    database.execute("CREATE TABLE users (id INT)").await.unwrap();
    assert_eq!(run(&setup, &["migrate"]).await.code, Some(0));
    database.execute("CREATE SCHEMA mine").await.unwrap();
    let mut mine = address.clone();
    mine.set_query(Some("options=-c%20search_path%3Dmine"));
    let ran = run(&setup.with("DATABASE_URL", mine.as_str()), &["migrate"]).await;
    assert_eq!(ran.code, Some(0), "{}", json!(ran.err));
}

#[tokio::test]
async fn an_inspection_does_not_change_the_database() {
    use al_chat::{
        adapters::storage::Storage,
        foundation::config::{Config, Source},
    };

    let setup = TestSetup::new().on_sqlite();
    let file = setup.path().join("al-chat.db");
    let address = format!("sqlite:///{}", file.display());
    let settings = Config::read(&Source::of_pairs([("DATABASE_URL", address)])).unwrap().database;
    let found = Storage::inspect(&settings).await.unwrap();
    assert_eq!((found.location.as_str(), found.is_new), (file.to_str().unwrap(), true));
    assert!(names_in(setup.path()).is_empty());
    let mut process = setup.start_process().await;
    process.client.chat("hello").await.assert_ok();
    assert!(!Storage::inspect(&settings).await.unwrap().is_new);
    process.client.chat("hello").await.assert_ok();
    process.terminate();
    assert_eq!(process.exit_code().await, Some(0));
    let before = (names_in(setup.path()), fs::read(&file).unwrap());
    assert!(!Storage::inspect(&settings).await.unwrap().is_new);
    assert!((names_in(setup.path()), fs::read(&file).unwrap()) == before, "the file was changed");
}
