//! The `backup` command while a service runs.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use sqlx::{AssertSqlSafe, ConnectOptions, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::task::JoinSet;

use crate::{
    command_line::run,
    fakes::model::FakeModel,
    support::{
        service::{TestSetup, wait_until},
        user::User,
    },
};

async fn open(file: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(file).read_only(true).connect().await.expect("a database")
}

async fn number(database: &mut SqliteConnection, statement: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(statement)).fetch_one(database).await.expect("a number")
}

const REQUESTS: &str = "SELECT COALESCE(SUM(requests), 0) FROM usage_totals";
const ANSWERS: &str = "SELECT COUNT(*) FROM messages WHERE sender = 'bot'";

/// Concurrent clients that each send one turn after the other until this is dropped.
struct Load {
    clients: JoinSet<()>,
    stop: Arc<AtomicBool>,
    turns: Arc<AtomicI64>,
    messages: Arc<AtomicI64>,
}

impl Load {
    async fn begin(user: &User) -> Self {
        let (turns, messages) = (Arc::<AtomicI64>::default(), Arc::<AtomicI64>::default());
        let stop = Arc::<AtomicBool>::default();
        let mut clients = JoinSet::new();
        for number in 0..6 {
            let (user, turns, messages, stop) =
                (user.clone(), Arc::clone(&turns), Arc::clone(&messages), Arc::clone(&stop));
            let chat = user.create_chat().await;
            clients.spawn(async move {
                while !stop.load(Ordering::Acquire) {
                    if number % 2 == 0 {
                        user.client.chat("hello").await.assert_ok();
                    } else {
                        user.ask(chat, "hello").await;
                        messages.fetch_add(1, Ordering::AcqRel);
                    }
                    turns.fetch_add(1, Ordering::AcqRel);
                }
            });
        }
        Self { clients, stop, turns, messages }
    }

    fn answered(&self) -> (i64, i64) {
        (self.turns.load(Ordering::Acquire), self.messages.load(Ordering::Acquire))
    }

    async fn until(&self, turns: i64) {
        wait_until(&format!("{turns} turns"), async || (self.answered().0 >= turns).then_some(())).await;
    }

    async fn end(mut self) {
        self.stop.store(true, Ordering::Release);
        while let Some(client) = self.clients.join_next().await {
            client.expect("all requests were answered");
        }
    }
}

#[tokio::test]
async fn a_backup_under_load_has_every_turn_answered_before_it() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).on_sqlite();
    let mut process = setup.start_process().await;
    let load = Load::begin(&User::register(&process.client, "ada").await).await;
    let mut last = setup.path().join("al-chat.db");
    for round in 1..=3 {
        load.until(round * 40).await;
        let (turns, messages) = load.answered();
        let name = format!("copy{round}.db");
        let ran = run(&setup, &["backup", &name]).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.out.contains(&name) && !ran.out.contains("session log only"), "{}", ran.out);
        last = setup.path().join(&name);
        let mut copy = open(&last).await;
        let check: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut copy).await.unwrap();
        assert_eq!(check, "ok");
        let counts = (number(&mut copy, REQUESTS).await, number(&mut copy, ANSWERS).await);
        assert!(counts.0 >= turns && counts.1 >= messages, "{counts:?} of {:?}", (turns, messages));
        assert!(!setup.path().join(format!("{name}.part")).exists());
    }
    load.end().await;
    process.kill().await;

    // Together with the session log, no turn is missing or counted twice.
    let restored = TestSetup::for_model(&model).on_sqlite();
    fs::copy(last, restored.path().join("al-chat.db")).unwrap();
    fs::create_dir(restored.log_dir()).unwrap();
    for entry in fs::read_dir(setup.log_dir()).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, restored.log_dir().join(path.file_name().unwrap())).unwrap();
    }
    let turns = setup.log_lines("chat").len();
    let process = restored.start_process().await;
    let totals = process.client.get("/api/openai/usage").await.assert_ok();
    assert_eq!(totals["request_count"], turns);
}

#[tokio::test]
async fn a_backup_works_while_no_service_runs() {
    let setup = TestSetup::new().on_sqlite();
    let mut process = setup.start_process().await;
    process.client.chat("hello").await.assert_ok();
    process.kill().await;
    let ran = run(&setup, &["backup", "copy.db"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let mut copy = open(&setup.path().join("copy.db")).await;
    // The turn is in the copy, or the command reports that it is not.
    let missing = i64::from(ran.out.contains("session log only: 1."));
    assert_eq!(number(&mut copy, REQUESTS).await + missing, 1, "{}", ran.out);
}

#[tokio::test]
async fn a_backup_does_not_overwrite_a_file() {
    let setup = TestSetup::new().on_sqlite();
    let _process = setup.start_process().await;
    fs::write(setup.path().join("notes.txt"), "Buy milk.").unwrap();
    for (file, sentence) in [
        ("notes.txt", "notes.txt exists, and no backup is written over it"),
        ("al-chat.db", "al-chat.db exists"),
        ("SessionLog", "SessionLog exists"),
        ("no/copy.db", "the backup no/copy.db cannot be written; does its folder exist"),
    ] {
        let ran = run(&setup, &["backup", file]).await;
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.err.contains(sentence), "{}", ran.err);
    }
    assert_eq!(fs::read(setup.path().join("notes.txt")).unwrap(), b"Buy milk.");
}

#[tokio::test]
async fn a_backup_without_a_database_file_fails() {
    let setup = TestSetup::new().on_sqlite();
    let ran = run(&setup, &["backup", "copy.db"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("al-chat.db of DATABASE_URL does not exist"), "{}", ran.err);
    let ran = run(&setup.with("DATABASE_URL", "postgres://ada:Secret@127.0.0.1/chat"), &["backup", "copy.db"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("pg_dump") && !ran.err.contains("Secret"), "{}", ran.err);
}
