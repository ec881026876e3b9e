//! The SQLite file deleted, replaced, renamed, emptied or overwritten while the service runs, and an empty file at its start.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::PathBuf,
};

use sqlx::{ConnectOptions, Executor, sqlite::SqliteConnectOptions};

use crate::{
    command_line::run,
    fakes::model::{Behaviour, FakeModel, Gate},
    idempotency::turns_counted,
    support::{
        client::HttpResponse,
        service::{Process, TestSetup, wait_until},
    },
};

/// A change of the database file that another program makes.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Delete,
    DeleteWithItsLog,
    /// The write-ahead log alone.
    DeleteLog,
    Rename,
    Replace,
    Empty,
    /// As `rsync --inplace`, and at last `cp`, writes a backup.
    Overwrite,
}

impl Fault {
    const ALL: [Self; 7] = [
        Self::Delete,
        Self::DeleteWithItsLog,
        Self::DeleteLog,
        Self::Rename,
        Self::Replace,
        Self::Empty,
        Self::Overwrite,
    ];

    fn apply(self, files: &Files) {
        match self {
            Self::Delete => fs::remove_file(&files.database).unwrap(),
            Self::DeleteWithItsLog => {
                for suffix in ["", "-wal", "-shm"] {
                    fs::remove_file(files.beside(suffix)).unwrap();
                }
            }
            Self::DeleteLog => fs::remove_file(files.beside("-wal")).unwrap(),
            Self::Rename => fs::rename(&files.database, &files.aside).unwrap(),
            Self::Replace => {
                fs::copy(&files.backup, &files.aside).unwrap();
                fs::rename(&files.aside, &files.database).unwrap();
            }
            Self::Empty => drop(fs::File::create(&files.database).unwrap()),
            Self::Overwrite => {
                let (mut file, backup) = (OpenOptions::new().write(true).open(&files.database).unwrap(), &files.backup);
                file.write_all(&fs::read(backup).unwrap()).unwrap();
                file.set_len(fs::metadata(backup).unwrap().len()).unwrap();
            }
        }
    }

    /// The state that `/api/health/ready` reports.
    fn state(self) -> &'static str {
        match self {
            Self::Delete | Self::DeleteWithItsLog | Self::Rename => "file is gone",
            Self::DeleteLog => "write-ahead log is gone",
            Self::Replace => "file was replaced",
            Self::Empty => "file was emptied",
            Self::Overwrite => "file was overwritten",
        }
    }
}

struct Files {
    database: PathBuf,
    backup: PathBuf,
    aside: PathBuf,
}

impl Files {
    fn of(setup: &TestSetup) -> Self {
        let path = |name| setup.path().join(name);
        Self { database: path("al-chat.db"), backup: path("backup.db"), aside: path("aside.db") }
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        format!("{}{suffix}", self.database.display()).into()
    }
}

/// Waits until the service reports the fault. Returns the diagnostics about it.
async fn wait_until_noticed(process: &mut Process, state: &str) -> String {
    process.client.wait_for_readiness(503).await;
    let ready = process.client.get("/api/health/ready").await;
    let parts = &ready.json()["details"]["parts"];
    assert_eq!(parts["database"], state, "{}", ready.text);
    loop {
        let line = process.diagnostics.recv().await.expect("diagnostics");
        if line.contains("ERROR") && line.contains("DATABASE_URL") {
            return line;
        }
    }
}

/// Stops the process. Returns its diagnostics since the last ones read.
async fn stop(mut process: Process) -> String {
    process.terminate();
    assert_eq!(process.exit_code().await, Some(0));
    let mut diagnostics = String::new();
    while let Some(line) = process.diagnostics.recv().await {
        diagnostics += &(line + "\n");
    }
    diagnostics
}

/// Starts a service, lets it answer five turns, two of which are in the backup, and lets one run.
async fn start(model: &FakeModel, gate: &Gate) -> (TestSetup, Process, tokio::task::JoinHandle<HttpResponse>) {
    let setup = TestSetup::for_model(model).on_sqlite();
    let process = setup.start_process().await;
    for turn in 0..5 {
        process.client.chat("hello").await.assert_ok();
        if turn == 1 {
            assert_eq!(run(&setup, &["backup", "backup.db"]).await.code, Some(0));
        }
    }
    model.behave_once(Behaviour::Held(gate.clone()));
    let (client, calls) = (process.client.clone(), model.call_count());
    #[expect(clippy::disallowed_methods, reason = "awaited by the test")]
    let running = tokio::spawn(async move { client.chat("hello").await });
    model.wait_for_calls(calls + 1).await;
    (setup, process, running)
}

#[tokio::test]
async fn a_lost_database_stops_turns_and_nothing_is_lost() {
    for fault in Fault::ALL {
        let (model, gate) = (FakeModel::start().await, Gate::new());
        let (setup, mut process, running) = start(&model, &gate).await;
        let files = Files::of(&setup);
        // SQLite's `user_version`: a start marks its database soon.
        let is_marked = || fs::read(&files.database).unwrap()[60..64] != [0; 4];
        wait_until("the mark", async || is_marked().then_some(())).await;
        fault.apply(&files);
        let line = wait_until_noticed(&mut process, fault.state()).await;
        assert!(line.contains(files.database.to_str().unwrap()) && line.contains("start"), "{fault:?}: {line}");
        process.client.chat("hello").await.assert_error(503, "storage_unavailable");
        process.client.get("/api/openai/usage").await.assert_error(503, "storage_unavailable");
        gate.open();
        running.await.unwrap().assert_ok();
        let diagnostics = stop(process).await;
        assert!(!diagnostics.contains("of DATABASE_URL"), "{fault:?}: it is said once: {diagnostics}");
        if matches!(fault, Fault::Replace) {
            assert!(fs::read(&files.database).unwrap() == fs::read(&files.backup).unwrap(), "the new file was changed");
        } else if !matches!(fault, Fault::DeleteLog) {
            for suffix in ["-wal", "-shm"] {
                // The process may have removed them.
                let _ = fs::remove_file(files.beside(suffix));
            }
            fs::copy(&files.backup, &files.database).unwrap();
        }
        let process = setup.start_process().await;
        assert_eq!(turns_counted(&process.client).await, 6, "{fault:?}");
        process.client.chat("hello").await.assert_ok();
    }
}

#[tokio::test]
async fn a_database_that_is_moved_back_is_used_again() {
    let (model, gate) = (FakeModel::start().await, Gate::new());
    let (setup, mut process, running) = start(&model, &gate).await;
    let files = Files::of(&setup);
    Fault::Rename.apply(&files);
    wait_until_noticed(&mut process, Fault::Rename.state()).await;
    gate.open();
    running.await.unwrap().assert_ok();
    fs::rename(&files.aside, &files.database).unwrap();
    process.client.wait_for_readiness(200).await;
    process.client.chat("hello").await.assert_ok();
    assert_eq!(turns_counted(&process.client).await, 7);
    let diagnostics = stop(process).await;
    assert_eq!(diagnostics.matches("is at its place again").count(), 1, "{diagnostics}");
    assert_eq!(turns_counted(&setup.start_process().await.client).await, 7);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_named_command_saves_a_deleted_database() {
    let (model, gate) = (FakeModel::start().await, Gate::new());
    let (setup, mut process, running) = start(&model, &gate).await;
    let files = Files::of(&setup);
    Fault::DeleteWithItsLog.apply(&files);
    let line = wait_until_noticed(&mut process, Fault::Delete.state()).await;
    let command = line.split('`').nth(1).expect("a command").to_owned();
    gate.open();
    running.await.unwrap().assert_ok();
    let saved = std::process::Command::new("/bin/sh").args(["-c", &command]).status().unwrap();
    assert!(saved.success(), "{command}");
    process.kill().await;
    fs::rename(files.beside(".saved"), &files.database).unwrap();
    let process = setup.start_process().await;
    assert_eq!(turns_counted(&process.client).await, 6);
}

#[tokio::test]
async fn the_start_reports_a_database_that_is_gone() {
    let (model, gate) = (FakeModel::start().await, Gate::new());
    gate.open();
    let (setup, process, running) = start(&model, &gate).await;
    running.await.unwrap().assert_ok();
    let files = Files::of(&setup);
    stop(process).await;
    fs::remove_file(&files.database).unwrap();
    let process = setup.start_process().await;
    let report = process.start_lines.join("\n");
    assert!(report.contains("is gone") && report.contains(files.database.to_str().unwrap()), "{report}");
    process.client.chat("hello").await.assert_ok();
    stop(process).await;
    let process = setup.start_process().await;
    assert!(!process.start_lines.join("\n").contains("is gone"), "{:?}", process.start_lines);
    stop(process).await;
    // The turn since then is added to the backup, too.
    fs::copy(&files.backup, &files.database).unwrap();
    assert_eq!(turns_counted(&setup.start_process().await.client).await, 7);
}

#[tokio::test]
async fn an_empty_file_where_a_database_was_is_refused() {
    for leaves_log in [false, true] {
        let setup = TestSetup::new().on_sqlite();
        let files = Files::of(&setup);
        let mut process = setup.start_process().await;
        process.client.chat("hello").await.assert_ok();
        let log = fs::read(files.beside("-wal")).unwrap();
        process.terminate();
        assert_eq!(process.exit_code().await, Some(0));
        fs::write(&files.database, "").unwrap();
        if leaves_log {
            // As a crash leaves them; the lock was not copied to this machine.
            fs::write(files.beside("-wal"), if log.is_empty() { vec![1] } else { log.clone() }).unwrap();
            fs::remove_file(files.beside(".lock")).unwrap();
        }
        for command in [&[][..], &["migrate"], &["check"], &["backup", "copy.db"]] {
            let ran = run(&setup, command).await;
            let text = ran.err + &ran.out;
            assert_eq!(ran.code, Some(1), "{command:?}: {text}");
            assert!(text.contains("al-chat.db of DATABASE_URL is empty, but it was a database"), "{text}");
            assert_eq!(fs::read(&files.database).unwrap(), b"", "{command:?}");
            assert_eq!(files.beside("-wal").exists(), leaves_log, "{command:?}");
        }
        // Whoever wants a new database removes the empty file.
        fs::remove_file(&files.database).unwrap();
        let _ = fs::remove_file(files.beside("-wal"));
        setup.start_process().await.client.chat("hello").await.assert_ok();
    }
}

#[tokio::test]
async fn a_first_start_that_was_killed_can_be_repeated() {
    let setup = TestSetup::new().on_sqlite();
    let files = Files::of(&setup);
    fs::write(&files.database, "").unwrap();
    fs::write(files.beside(".lock"), "").unwrap();
    setup.start_process().await.client.chat("hello").await.assert_ok();
}

#[tokio::test]
async fn the_log_of_a_replaced_database_is_not_applied_to_another() {
    let (model, gate) = (FakeModel::start().await, Gate::new());
    gate.open();
    let (setup, mut process, running) = start(&model, &gate).await;
    running.await.unwrap().assert_ok();
    let files = Files::of(&setup);
    // A reader of the log's state keeps it from being emptied.
    let mut reader = SqliteConnectOptions::new().filename(&files.database).connect().await.unwrap();
    reader.execute("BEGIN; SELECT COUNT(*) FROM usage_totals").await.unwrap();
    process.client.chat("hello").await.assert_ok();
    turns_counted(&process.client).await;
    process.kill().await;
    assert!(fs::metadata(files.beside("-wal")).unwrap().len() > 0);
    Fault::Replace.apply(&files);
    let process = setup.start_process().await;
    let report = process.start_lines.join("\n");
    assert!(report.contains("al-chat.db-wal.replaced") && files.beside("-wal.replaced").exists(), "{report}");
    assert_eq!(turns_counted(&process.client).await, 7);
    process.client.chat("hello").await.assert_ok();
    stop(process).await;
    let mut database = SqliteConnectOptions::new().filename(&files.database).connect().await.unwrap();
    let state: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut database).await.unwrap();
    assert_eq!(state, "ok");
}
