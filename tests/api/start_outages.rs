//! Starts while the database or the session log's folder cannot be used: the service answers 503 with the reason, and goes on
//! by itself when that is over.

use std::{fs, net::SocketAddr, os::unix::fs::symlink, process::Stdio};

use reqwest::Method;
use sqlx::{ConnectOptions, Connection, Executor, sqlite::SqliteConnectOptions};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
};

use crate::{
    fakes::{model::FakeModel, papita::FakePapita},
    support::{
        client::Client,
        file_limit::limit_file_size,
        service::{TestSetup, day_file, set_mode, wait_until},
    },
};

/// A process that is starting, with the address where it will listen.
pub struct Starting {
    pub child: Child,
    pub client: Client,
    lines: UnboundedReceiver<String>,
}

/// Returns a setup with a fixed port, whose address is known before the service says it.
pub fn with_fixed_port(setup: TestSetup) -> (TestSetup, SocketAddr) {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    (setup.with("PORT", &address.port().to_string()), address)
}

impl Starting {
    /// Runs a command that starts the service at an address.
    pub fn run(mut command: Command, address: SocketAddr) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut output = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let (sender, lines) = unbounded_channel();
        #[expect(clippy::disallowed_methods, reason = "ends with the program's output")]
        tokio::spawn(async move {
            while let Ok(Some(line)) = output.next_line().await {
                let _ = sender.send(line);
            }
        });
        Self { child, client: Client::new(address), lines }
    }

    /// Waits until the service waits for this reason, and asserts what it answers meanwhile.
    pub async fn assert_waits(&self, part: &str, reason: &str) {
        let client = &self.client;
        let ready = wait_until(&format!("a start that waits because of {reason}"), async || {
            let ready = client.try_send(client.request(Method::GET, "/api/health/ready")).await.ok()?;
            (ready.json()["details"]["reason"] == reason).then_some(ready)
        })
        .await;
        let sentence = ready.assert_error(503, "not_ready");
        assert!(sentence.starts_with("The server waits at its start: the "), "{sentence}");
        assert!(!ready.text.contains("/tmp") && !ready.text.contains("Secret"), "{}", ready.text);
        let parts = ready.json()["details"]["parts"].clone();
        assert!(parts["serving"].as_str().is_some_and(|state| state.starts_with("starting")), "{parts}");
        assert!(parts[part].is_string(), "{parts}");
        client.get("/api/health/live").await.assert_ok();
        let refused = client.chat("hello").await;
        let code = if part == "database" { "storage_unavailable" } else { "session_log_unavailable" };
        refused.assert_error(503, code);
        assert!(!refused.header("retry-after").is_empty());
    }

    /// Waits until the service is ready, and asserts that it works and has reported the wait once.
    pub async fn assert_goes_on(mut self, reason: &str) {
        let client = &self.client;
        client.wait_for_readiness(200).await;
        client.chat("hello").await.assert_ok();
        assert_eq!(client.get("/api/openai/usage").await.assert_ok()["request_count"], 1);
        self.end().await;
        let mut lines = Vec::new();
        while let Some(line) = self.lines.recv().await {
            lines.push(line);
        }
        let count = |words: &str| lines.iter().filter(|line| line.contains(words)).count();
        assert_eq!(
            count(&format!("the start waits until this is over; requests get 503 meanwhile reason=\"{reason}\"")),
            1,
            "{lines:#?}"
        );
        assert!(count("the start goes on") >= 1, "{lines:#?}");
        assert!(!lines.iter().any(|line| line.contains("Secret")), "{lines:#?}");
    }

    /// Ends the process by a signal, and asserts that it ends in order.
    pub async fn end(&mut self) {
        let id = self.child.id().expect("a running process").to_string();
        assert!(std::process::Command::new("kill").arg(id).status().expect("kill runs").success());
        assert_eq!(self.child.wait().await.expect("an exit status").code(), Some(0));
    }
}

async fn sqlite_setup() -> (FakeModel, TestSetup, SocketAddr) {
    let model = FakeModel::start().await;
    let (setup, address) = with_fixed_port(TestSetup::for_model(&model).on_sqlite());
    (model, setup, address)
}

#[tokio::test]
async fn a_start_waits_for_a_locked_database() {
    // With a rollback journal, the lock also prevents reads.
    for journal in ["PRAGMA journal_mode = WAL", "PRAGMA journal_mode = DELETE"] {
        let (_model, setup, address) = sqlite_setup().await;
        let mut process = setup.start_process().await;
        process.terminate();
        assert_eq!(process.exit_code().await, Some(0));
        let options = SqliteConnectOptions::new().filename(setup.path().join("al-chat.db"));
        let mut other = options.connect().await.unwrap();
        other.execute(journal).await.unwrap();
        other.execute("BEGIN EXCLUSIVE").await.unwrap();
        let starting = Starting::run(setup.command(&[]), address);
        starting.assert_waits("database", "database_locked").await;
        other.close().await.unwrap();
        starting.assert_goes_on("database_locked").await;
    }
}

#[tokio::test]
async fn a_start_waits_for_the_folder_of_the_database() {
    for parameters in ["", "?mode=rw"] {
        let (_model, setup, address) = sqlite_setup().await;
        let folder = setup.path().join("volume");
        let setup = setup.with("DATABASE_URL", &format!("sqlite:///{}/al-chat.db{parameters}", folder.display()));
        let starting = Starting::run(setup.command(&[]), address);
        starting.assert_waits("database", "database_missing").await;
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("al-chat.db"), "").unwrap();
        starting.assert_goes_on("database_missing").await;
    }
}

#[tokio::test]
async fn a_start_waits_until_the_database_can_be_written() {
    let (_model, setup, address) = sqlite_setup().await;
    let folder = setup.path().join("volume");
    fs::create_dir(&folder).unwrap();
    set_mode(&folder, 0o500);
    let setup = setup.with("DATABASE_URL", &format!("sqlite:///{}/al-chat.db", folder.display()));
    let starting = Starting::run(setup.ordinary_command(&[]), address);
    starting.assert_waits("database", "database_read_only").await;
    set_mode(&folder, 0o700);
    starting.assert_goes_on("database_read_only").await;
}

/// Starts the service with room for this many bytes in each file that it writes.
fn start_with_room(setup: &TestSetup, address: SocketAddr, bytes: u64) -> Starting {
    let script = format!("trap '' XFSZ; exec prlimit --fsize={bytes}: \"$0\"");
    Starting::run(setup.command_by_script(&script), address)
}

fn make_room(starting: &Starting) {
    limit_file_size(starting.child.id().expect("a running process"), None);
}

#[tokio::test]
async fn a_start_waits_for_room_for_the_database() {
    let (_model, setup, address) = sqlite_setup().await;
    let starting = start_with_room(&setup, address, 4096);
    let client = &starting.client;
    let reason = wait_until("a start that waits", async || {
        let ready = client.try_send(client.request(Method::GET, "/api/health/ready")).await.ok()?;
        ready.json()["details"]["reason"].as_str().map(str::to_owned)
    })
    .await;
    // SQLite takes the limit of a file's size for a failure of the disk.
    assert!(["database_full", "database_disk"].contains(&reason.as_str()), "{reason}");
    starting.assert_waits("database", &reason).await;
    make_room(&starting);
    starting.assert_goes_on(&reason).await;
}

#[tokio::test]
async fn a_start_waits_for_room_for_the_session_log() {
    let (_model, setup, address) = sqlite_setup().await;
    let starting = start_with_room(&setup, address, 0);
    starting.assert_waits("session_log", "session_log_full").await;
    make_room(&starting);
    starting.assert_goes_on("session_log_full").await;
    let events = setup.log().into_iter().map(|line| line["event"].clone()).collect::<Vec<_>>();
    assert_eq!(events, ["service_start", "chat", "service_stop"]);
}

#[tokio::test]
async fn a_start_waits_until_the_first_line_can_be_logged() {
    let (_model, setup, address) = sqlite_setup().await;
    let mut process = setup.start_process().await;
    process.terminate();
    assert_eq!(process.exit_code().await, Some(0));
    let file = day_file(&setup.log_dir());
    set_mode(&file, 0o400);
    let starting = Starting::run(setup.ordinary_command(&[]), address);
    starting.assert_waits("session_log", "session_log_unwritten").await;
    set_mode(&file, 0o600);
    starting.assert_goes_on("session_log_unwritten").await;
    let gaps = setup.log_lines("log_gap");
    assert_eq!(gaps.len(), 1);
    assert_eq!(gaps[0]["lines_refused"], 1);
}

#[tokio::test]
async fn a_start_waits_for_the_folder_of_the_session_log() {
    let (_model, setup, address) = sqlite_setup().await;
    // A link to a file system that is not mounted yet.
    let volume = setup.path().join("volume");
    symlink(&volume, setup.log_dir()).unwrap();
    let starting = Starting::run(setup.command(&[]), address);
    starting.assert_waits("session_log", "session_log_missing").await;
    fs::create_dir(&volume).unwrap();
    starting.assert_goes_on("session_log_missing").await;

    let (_model, setup, address) = sqlite_setup().await;
    fs::create_dir(setup.log_dir()).unwrap();
    set_mode(&setup.log_dir(), 0o500);
    let starting = Starting::run(setup.ordinary_command(&[]), address);
    starting.assert_waits("session_log", "session_log_read_only").await;
    set_mode(&setup.log_dir(), 0o700);
    starting.assert_goes_on("session_log_read_only").await;
}

#[tokio::test]
async fn a_signal_ends_a_start_that_waits() {
    let (_model, setup, address) = sqlite_setup().await;
    let setup = setup.with("DATABASE_URL", "sqlite:///volume/al-chat.db");
    let mut starting = Starting::run(setup.command(&[]), address);
    starting.assert_waits("database", "database_missing").await;
    starting.end().await;
}

#[tokio::test]
async fn a_start_waits_for_a_lock_of_its_tables() {
    let model = FakeModel::start().await;
    let (setup, address) = with_fixed_port(TestSetup::for_model(&model));
    let mut process = setup.start_process().await;
    process.terminate();
    assert_eq!(process.exit_code().await, Some(0));
    let setup = setup.with("DATABASE_STATEMENT_TIMEOUT", "1s");
    let lock = setup.lock_database_with("LOCK TABLE secrets IN EXCLUSIVE MODE").await;
    let starting = Starting::run(setup.command(&[]), address);
    let client = &starting.client;
    let reason = wait_until("a start that waits", async || {
        let ready = client.try_send(client.request(Method::GET, "/api/health/ready")).await.ok()?;
        ready.json()["details"]["reason"].as_str().map(str::to_owned)
    })
    .await;
    assert!(["database_locked", "database_busy"].contains(&reason.as_str()), "{reason}");
    lock.release().await;
    starting.assert_goes_on(&reason).await;
}

#[tokio::test]
async fn a_start_does_not_wait_for_papita() {
    let (model, papita) = (FakeModel::start().await, FakePapita::start().await);
    papita.serve_key("sk-papita");
    papita.stop().await;
    let process = TestSetup::for_papita(&model, &papita).start_process().await;
    process.client.get("/api/health/ready").await.assert_ok();
    let refused = process.client.chat("hello").await;
    refused.assert_error(503, "credentials_unavailable");
    assert!(!refused.header("retry-after").is_empty());
    papita.restart().await;
    wait_until("an answer", async || (process.client.chat("hello").await.status == 200).then_some(())).await;
}
