//! Turns that are in the session log only: after SIGKILL or while the database cannot be written, with files of the log
//! renamed, truncated or deleted meanwhile. Each answered turn is counted once, or its line is reported as missing.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{
    crash::{assert_each_once, tally},
    fakes::model::FakeModel,
    support::{
        client::Client,
        service::{Process, TEST_TIMEOUT, TestSetup, day_file, read_lines, wait_until},
    },
};

const CLIENTS: usize = 8;

/// A change that another program makes to the files of the session log while the service runs.
#[derive(Clone, Copy, Debug)]
enum Disturbance {
    Rename,
    /// As logrotate does with `copytruncate`.
    CopyAndTruncate,
    Truncate,
    Delete,
    DeleteFolder,
}

impl Disturbance {
    const ALL: [Self; 5] = [Self::Rename, Self::CopyAndTruncate, Self::Truncate, Self::Delete, Self::DeleteFolder];

    fn loses_lines(self) -> bool {
        matches!(self, Self::Truncate | Self::Delete | Self::DeleteFolder)
    }

    fn apply(self, setup: &TestSetup) {
        let file = day_file(&setup.log_dir());
        let rotated = setup.log_dir().join("rotated by hand");
        match self {
            Self::Rename => fs::rename(file, rotated).unwrap(),
            Self::CopyAndTruncate => {
                fs::copy(&file, rotated).unwrap();
                truncate(&file);
            }
            Self::Truncate => truncate(&file),
            Self::Delete => fs::remove_file(file).unwrap(),
            // A file may appear in the folder while it is being deleted.
            Self::DeleteFolder => while fs::remove_dir_all(setup.log_dir()).is_err() {},
        }
    }
}

fn truncate(file: &Path) {
    fs::OpenOptions::new().write(true).truncate(true).open(file).unwrap();
}

/// Returns whether a file is not a part of the log.
fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// Returns the lines of all files in the folder of the log, without those that occur twice.
fn all_lines(setup: &TestSetup) -> Vec<Value> {
    let entries = fs::read_dir(setup.log_dir()).expect("the log's folder");
    let paths = entries.map(|entry| entry.unwrap().path()).filter(|path| !is_hidden(path));
    let mut lines = paths.flat_map(|path| read_lines(&path)).collect::<Vec<_>>();
    lines.sort_by_key(|line| (line["instance"].to_string(), line["seq"].as_u64()));
    lines.dedup();
    lines
}

/// Clients that each send one turn after the other.
struct Load {
    clients: JoinSet<()>,
    received: UnboundedReceiver<Option<String>>,
    /// The request ids of the answered turns.
    answered: Vec<String>,
    refused: usize,
    enough: CancellationToken,
}

impl Load {
    fn start(client: &Client) -> Self {
        let (sender, received) = unbounded_channel();
        let enough = CancellationToken::new();
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let (client, sender, enough) = (client.clone(), sender.clone(), enough.clone());
            clients.spawn(async move {
                while !enough.is_cancelled() {
                    // Fails when the process is killed.
                    let request = client.json_request("/api/chat", &json!({ "message": "hello" }));
                    let Ok(answer) = client.try_send(request).await else { return };
                    let id = (answer.status == 200).then(|| answer.json()["request_id"].as_str().unwrap().to_owned());
                    let _ = sender.send(id);
                }
            });
        }
        Self { clients, received, answered: Vec::new(), refused: 0, enough }
    }

    async fn receive(&mut self) -> bool {
        match self.received.recv().await {
            Some(Some(id)) => self.answered.push(id),
            Some(None) => self.refused += 1,
            None => return false,
        }
        true
    }

    /// Waits for further answers, or until turns are refused.
    async fn answers(&mut self, count: usize) {
        let (enough, refused) = (self.answered.len() + count, self.refused);
        while self.answered.len() < enough && self.refused == refused {
            assert!(self.receive().await, "the service has ended");
        }
    }

    async fn refusals(&mut self) {
        let refused = self.refused;
        while self.refused == refused {
            assert!(self.receive().await, "the service has ended");
        }
    }

    /// Ends the load, and returns the request ids of the answered turns.
    async fn end(mut self) -> Vec<String> {
        self.enough.cancel();
        while self.receive().await {}
        while let Some(client) = self.clients.join_next().await {
            client.expect("a client without errors");
        }
        self.answered
    }
}

async fn turns_counted(client: &Client) -> usize {
    let totals = client.get("/api/openai/usage").await.assert_ok();
    assert_eq!(totals["total_tokens"].as_u64(), totals["request_count"].as_u64().map(|count| count * 18), "{totals}");
    usize::try_from(totals["request_count"].as_u64().unwrap()).unwrap()
}

/// Returns the number of missing lines that the metrics report.
async fn missing_lines(client: &Client) -> usize {
    let metrics = client.get("/metrics").await.text;
    let line = metrics.lines().find_map(|line| line.strip_prefix("al_chat_session_log_missing_lines "));
    line.expect("the metric").parse().unwrap()
}

fn setup(model: &FakeModel) -> TestSetup {
    TestSetup::for_model(model).with("DATABASE_STATEMENT_TIMEOUT", "1s")
}

/// Starts a service under load, and waits for the first `answers`.
async fn start_under_load(model: &FakeModel, answers: usize) -> (TestSetup, Process, Load) {
    let setup = setup(model);
    let process = setup.start_process().await;
    let mut load = Load::start(&process.client);
    load.answers(answers).await;
    (setup, process, load)
}

/// Asserts that each answered turn is in the log once, and that as many turns are counted as the log has.
async fn assert_log_is_counted(setup: &TestSetup, process: &Process, answered: &[String]) {
    let lines = all_lines(setup);
    assert_each_once(answered, &tally(&lines, "chat", "request_id"), "turns");
    let in_log = lines.iter().filter(|line| line["event"] == "chat" && line["status"] == 200).count();
    assert_eq!(turns_counted(&process.client).await, in_log);
    assert_eq!(missing_lines(&process.client).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_log_loses_no_turn_while_the_database_is_locked() {
    let model = FakeModel::start().await.without_recording();
    let work = Disturbance::ALL.map(async |disturbance| {
        let (setup, mut process, mut load) = start_under_load(&model, 40).await;
        let lock = setup.lock_database().await;
        load.answers(20).await;
        disturbance.apply(&setup);
        load.refusals().await;
        lock.release().await;
        process.client.wait_for_readiness(200).await;
        load.answers(20).await;
        let answered = load.end().await;
        assert_eq!(turns_counted(&process.client).await, answered.len(), "{disturbance:?}");

        // Nothing is counted again, either.
        process.kill().await;
        let process = setup.start_process().await;
        assert_eq!(turns_counted(&process.client).await, answered.len(), "{disturbance:?}");
        assert_eq!(missing_lines(&process.client).await, 0, "{disturbance:?}");
    });
    join_all(work).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_turn_is_counted_once_after_a_changed_log_and_sigkill() {
    let model = FakeModel::start().await.without_recording();
    let work = Disturbance::ALL.map(async |disturbance| {
        let (setup, mut process, mut load) = start_under_load(&model, 40).await;
        disturbance.apply(&setup);
        load.answers(20).await;
        // The turns before the change are then in the database.
        turns_counted(&process.client).await;
        load.answers(20).await;
        process.kill().await;
        let answered = load.end().await;
        let process = setup.start_process().await;
        if disturbance.loses_lines() {
            // Turns that were logged, but not answered before the end, are counted, too.
            let counted = turns_counted(&process.client).await;
            assert!((answered.len()..=answered.len() + CLIENTS).contains(&counted), "{disturbance:?}: {counted}");
            assert_eq!(missing_lines(&process.client).await, 0, "{disturbance:?}");
        } else {
            assert_log_is_counted(&setup, &process, &answered).await;
        }
    });
    join_all(work).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn turns_are_counted_or_reported_after_lock_and_sigkill() {
    let model = FakeModel::start().await.without_recording();
    let work = Disturbance::ALL.map(async |disturbance| {
        let (setup, mut process, mut load) = start_under_load(&model, 20).await;
        let lock = setup.lock_database().await;
        load.answers(20).await;
        disturbance.apply(&setup);
        load.answers(20).await;
        process.kill().await;
        let answered = load.end().await;
        lock.release().await;
        // No line was written after the folder was deleted. With PostgreSQL, it is reported when another replica would be
        // dead.
        let is_log_gone = !setup.log_dir().join(".lock").exists();
        let process = setup.start_process().await;
        if disturbance.loses_lines() {
            let (counted, missing) = (turns_counted(&process.client).await, missing_lines(&process.client).await);
            let diagnostics = process.start_lines.join("\n");
            let known = answered.len()..=answered.len() + CLIENTS;
            // Without any line after the change, the number of lines is not known.
            let is_end_missing = is_log_gone || diagnostics.contains("the end of a log is missing");
            assert!(
                known.contains(&(counted + missing)) || is_end_missing,
                "{disturbance:?}: {counted} + {missing} of {known:?}"
            );
            let are_missing = is_end_missing || diagnostics.contains("lines are missing from the session log");
            assert!(is_log_gone || are_missing == (missing > 0), "{diagnostics}");
        } else {
            assert_log_is_counted(&setup, &process, &answered).await;
        }
    });
    join_all(work).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn turns_are_counted_after_sigterm_with_a_locked_database() {
    let model = FakeModel::start().await.without_recording();
    let (setup, mut process, mut load) = start_under_load(&model, 20).await;
    let lock = setup.lock_database().await;
    load.answers(20).await;
    Disturbance::Rename.apply(&setup);
    load.answers(20).await;
    process.terminate();
    let answered = load.end().await;
    assert_eq!(process.exit_code().await, Some(0));
    lock.release().await;
    let process = setup.start_process().await;
    assert_log_is_counted(&setup, &process, &answered).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_gone_is_reported_at_the_next_start() {
    let model = FakeModel::start().await.without_recording();
    let setup = setup(&model);
    for (round, deletes_folder) in [(1, false), (2, true)] {
        let mut process = setup.start_process().await;
        process.client.chat("hello").await.assert_ok();
        assert_eq!(turns_counted(&process.client).await, round);
        process.kill().await;
        if deletes_folder {
            fs::remove_dir_all(setup.log_dir()).unwrap();
        } else {
            fs::remove_file(day_file(&setup.log_dir())).unwrap();
        }
        let mut process = setup.start_process().await;
        // Another replica's log would be in another folder for a while, so that a PostgreSQL server forgets it later.
        if !deletes_folder || setup.count_rows("replicas").await == 0 {
            assert_eq!(missing_lines(&process.client).await, round);
            let diagnostics = process.start_lines.join("\n");
            let report =
                if deletes_folder { "its session log is not in this folder" } else { "the end of a log is missing" };
            assert!(diagnostics.contains(report), "{diagnostics}");
        }
        assert_eq!(turns_counted(&process.client).await, round);
        process.terminate();
        assert_eq!(process.exit_code().await, Some(0));
    }
    // A log that was deleted after an orderly stop had no turns left to count.
    fs::remove_dir_all(setup.log_dir()).unwrap();
    let process = setup.start_process().await;
    let diagnostics = process.start_lines.join("\n");
    assert!(!diagnostics.contains("the end of a log is missing"), "{diagnostics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreadable_line_is_reported_once_and_counted() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).with("DATABASE_STATEMENT_TIMEOUT", "1s");
    let mut process = setup.start_process().await;
    let lock = setup.lock_database().await;
    for _ in 0..3 {
        process.client.chat("hello").await.assert_ok();
    }
    process.kill().await;
    lock.release().await;
    let path = day_file(&setup.log_dir());
    let text = fs::read_to_string(&path).unwrap();
    let (first, rest) = text.split_once(r#""session_id":"#).unwrap();
    fs::write(&path, format!(r#"{first}"session_id"-{rest}"#)).unwrap();

    for is_first in [true, false] {
        let mut process = setup.start_process().await;
        let report = process.start_lines.iter().find(|line| line.contains("a line of the session log cannot be read"));
        assert_eq!(report.is_some_and(|line| line.contains("seq=2")), is_first, "{report:?}");
        assert_eq!((turns_counted(&process.client).await, missing_lines(&process.client).await), (2, 1));
        process.kill().await;
    }
}

#[tokio::test]
async fn a_restored_backup_gets_the_turns_of_later_processes() {
    let model = FakeModel::start().await.without_recording();
    let setup = setup(&model).on_sqlite();
    let (database, backup) = (setup.path().join("al-chat.db"), setup.path().join("backup.db"));
    for (turns, counted) in [(2, 2), (3, 5), (1, 6)] {
        let service = setup.start().await;
        for _ in 0..turns {
            service.client.chat("hello").await.assert_ok();
        }
        assert_eq!(turns_counted(&service.client).await, counted);
        service.stop().await;
        if counted == 2 {
            fs::copy(&database, &backup).unwrap();
        }
    }
    fs::copy(&backup, &database).unwrap();
    for _ in 0..2 {
        let service = setup.start().await;
        assert_eq!(turns_counted(&service.client).await, 6);
        assert_eq!(missing_lines(&service.client).await, 0);
        service.stop().await;
    }
    // The log that a new database finds is not counted.
    fs::remove_file(&database).unwrap();
    assert_eq!(turns_counted(&setup.start().await.client).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recovery_respects_the_limit_of_papitas_queue() {
    let model = FakeModel::start().await.without_recording();
    // No server listens on the discard port.
    let setup = setup(&model).with("PAPITA_API_URL", "http://127.0.0.1:9").with("PAPITA_QUEUE_LIMIT", "3");
    let mut process = setup.start_process().await;
    let lock = setup.lock_database().await;
    // At once, because turns are refused when the database has failed for a second.
    for answer in join_all((0..10).map(|_| process.client.chat("hello"))).await {
        answer.assert_ok();
    }
    process.kill().await;
    lock.release().await;
    let process = setup.start_process().await;
    assert_eq!(turns_counted(&process.client).await, 10);
    let health = process.client.get("/api/health").await.assert_ok();
    assert_eq!((&health["papita_queue_depth"], &health["papita_queue_dropped"]), (&json!(3), &json!(7)), "{health}");
    assert_eq!(setup.count_rows("papita_outbox").await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_before_sigkill_is_logged_once() {
    const SESSIONS: usize = 24;
    let model = FakeModel::start().await.without_recording();
    let setup = setup(&model);
    for _ in 0..3 {
        let mut process = setup.start_process().await;
        let client = &process.client;
        let starts = (0..SESSIONS).map(async |_| client.post("/api/session/start", &json!({})).await.assert_ok());
        let starts = join_all(starts).await;
        let mut stops = JoinSet::new();
        for start in starts {
            let client = client.clone();
            stops.spawn(async move {
                let body = json!({ "session_id": start["session_id"], "metrics": { "clicks": 3 } });
                let _ = client.try_send(client.json_request("/api/session/stop", &body)).await;
            });
        }
        stops.join_next().await.unwrap().unwrap();
        process.kill().await;
        let mut process = setup.start_process().await;
        wait_until("all stops in the log", async || {
            let left = setup.count_rows("sessions WHERE stopped_at IS NOT NULL AND logged = 0").await;
            (left == 0).then_some(())
        })
        .await;
        process.terminate();
        assert_eq!(process.exit_code().await, Some(0));
    }
    let log = setup.log();
    for event in ["session_stop", "metric"] {
        let twice = tally(&log, event, "session_id").into_iter().filter(|(_, lines)| *lines > 1).collect::<Vec<_>>();
        assert!(twice.is_empty(), "{event}: {twice:?}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_nearly_full_disk_asks_the_model_only_once() {
    use crate::support::file_limit::limit_file_size;

    let model = FakeModel::start().await;
    // A limit of file sizes stands for the disk. The log is larger than the database.
    let setup = TestSetup::for_model(&model);
    let process = setup.start_process_ignoring("XFSZ").await;
    let (client, id) = (&process.client, process.child.id().unwrap());
    client.chat("hello").await.assert_ok();
    let file = day_file(&setup.log_dir());
    let note = json!({ "event": "project_init", "note": "x".repeat(16 << 20) }).to_string() + "\n";
    std::io::Write::write_all(&mut fs::OpenOptions::new().append(true).open(&file).unwrap(), note.as_bytes()).unwrap();
    // There is room for the line of a gap, and none for that of a turn.
    let length = fs::metadata(&file).unwrap().len();
    limit_file_size(id, Some(length + 400));
    let refusing = Instant::now();
    while refusing.elapsed() < Duration::from_secs(1) {
        client.chat("hello").await.assert_error(503, "session_log_unavailable");
    }
    assert_eq!((model.call_count(), fs::metadata(&file).unwrap().len()), (2, length));

    limit_file_size(id, None);
    client.wait_for_readiness(200).await;
    client.chat("hello").await.assert_ok();
    assert_eq!(client.get("/api/openai/usage").await.assert_ok()["request_count"], 2);
    assert_eq!((setup.log_lines("log_gap").len(), setup.log_lines("chat").len()), (1, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_checks_are_answered_during_a_recovery() {
    let model = FakeModel::start().await;
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let setup = setup(&model).with("PORT", &port.port().to_string());
    let mut process = setup.start_process().await;
    let client = process.client.clone();
    let lock = setup.lock_database().await;
    client.chat("hello").await.assert_ok();
    process.kill().await;

    let starting = setup.start_process();
    let checks = async {
        wait_until("a recovery", async || {
            let request = client.request(reqwest::Method::GET, "/api/health/ready");
            let ready = client.try_send(request).await.ok()?;
            ready.assert_error(503, "not_ready");
            let details = ready.json()["details"].clone();
            let state = details["parts"]["serving"].as_str().unwrap().to_owned();
            let is_counting = state.contains("counting turns that are only in the session log");
            (is_counting && details["reason"].is_string()).then_some(())
        })
        .await;
        client.get("/api/health/live").await.assert_ok();
        let refused = client.chat("hello").await;
        refused.assert_error(503, "storage_unavailable");
        assert!(!refused.header("retry-after").is_empty());
        lock.release().await;
    };
    let (mut process, ()) = tokio::join!(starting, checks);
    assert_eq!((turns_counted(&client).await, model.call_count()), (1, 1));
    client.get("/api/health/ready").await.assert_ok();
    process.terminate();
    assert_eq!(process.exit_code().await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_stops_the_service_during_a_recovery() {
    let model = FakeModel::start().await;
    let setup = setup(&model);
    let mut process = setup.start_process().await;
    let lock = setup.lock_database().await;
    process.client.chat("hello").await.assert_ok();
    process.kill().await;

    let mut child = setup.command(&[]).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let is_waiting = |line: &str| line.contains("the start waits until this is over");
    while !is_waiting(&lines.next_line().await.unwrap().expect("a recovery that waits for the database")) {}
    let id = child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").arg(id).status().unwrap().success());
    assert_eq!(timeout(TEST_TIMEOUT, child.wait()).await.unwrap().unwrap().code(), Some(0));

    lock.release().await;
    let process = setup.start_process().await;
    assert_eq!(turns_counted(&process.client).await, 1);
}
