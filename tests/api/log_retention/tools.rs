//! Tools that read the log while the service compresses and deletes days.

#[cfg(unix)]
use std::process::{Output, Stdio};
use std::{fs, ops::ControlFlow};

use al_chat::{
    adapters::log_files::{self, Followed, Follower, LogFile, Reader},
    services::{
        log_report::{self, Query},
        log_search,
        log_verification::{Task, Verification, verify},
    },
};
use serde_json::Value;
#[cfg(unix)]
use tokio::time::timeout;

use super::{Days, OLD_INSTANCE, lines, plain, wait_until_gone};
#[cfg(unix)]
use crate::support::service::TEST_TIMEOUT;

/// Returns the numbers of all lines.
fn read(files: &[LogFile]) -> Vec<u64> {
    let mut seqs = Vec::new();
    let take = |chunk: Result<Vec<u64>, String>| {
        seqs.extend(chunk.unwrap());
        ControlFlow::Continue(())
    };
    Reader::new(files).for_each(
        |chunk| match &chunk.failure {
            None => Ok(chunk.lines().map(|line| seq(line.bytes)).collect()),
            Some(failure) => Err(failure.to_string()),
        },
        take,
    );
    seqs
}

/// Returns the numbers of the last lines.
fn last(files: &[LogFile], count: usize) -> Vec<u64> {
    let last = log_files::last_lines(files, count, |_, _| Ok::<_, ()>(true));
    assert!(last.damages.is_empty(), "{:?}", last.damages);
    last.lines.iter().map(|line| seq(line)).collect()
}

fn seq(line: &[u8]) -> u64 {
    serde_json::from_slice::<Value>(line).unwrap()["seq"].as_u64().unwrap()
}

#[test]
fn tools_read_a_day_once_while_it_is_compressed() {
    let dir = tempfile::tempdir().unwrap();
    let day = |name: &str| dir.path().join(format!("session_2026-01-{name}"));
    let text = |date: &str, first| lines(OLD_INSTANCE, date, first, 100, 10);
    fs::write(day("01.log"), text("2026-01-01", 1)).unwrap();
    fs::write(day("02.log"), text("2026-01-02", 101)).unwrap();
    let (mut follower, found) = Follower::start(&[dir.path().to_owned()]).unwrap();
    assert_eq!(found.len(), 2);
    let mut polled = || {
        let mut lines = Vec::new();
        follower.poll(|event| match event {
            Followed::Line { bytes, .. } => {
                lines.push(seq(bytes));
            }
            Followed::Failure(path, error) => panic!("{}: {error}", path.display()),
        });
        lines
    };
    assert_eq!(polled(), [0; 0]);
    // The copy replaces the plain file.
    let zstd = zstd::encode_all(text("2026-01-01", 1).as_bytes(), 3).unwrap();
    fs::write(dir.path().join("copy"), zstd).unwrap();
    fs::rename(dir.path().join("copy"), day("01.log")).unwrap();
    let between = log_files::find_in(dir.path()).unwrap();
    for files in [&found, &between] {
        assert_eq!((read(files), last(files, 150)), ((1..=200).collect(), (51..=200).collect()));
    }
    assert_eq!(polled(), [0; 0]);
    // Then it gets its ending.
    fs::rename(day("01.log"), day("01.log.zst")).unwrap();
    for files in [&found, &between, &log_files::find_in(dir.path()).unwrap()] {
        assert_eq!((read(files), last(files, 150)), ((1..=200).collect(), (51..=200).collect()));
    }
    assert_eq!(polled(), [0; 0]);
    fs::write(day("02.log"), text("2026-01-02", 101) + &lines(OLD_INSTANCE, "2026-01-02", 201, 1, 10)).unwrap();
    assert_eq!(polled(), [201]);
}

#[test]
fn late_lines_are_read_once_while_they_are_compressed() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let day = |ending: &str| path(&format!("session_2026-01-01.log{ending}"));
    let text = |first| lines(OLD_INSTANCE, "2026-01-01", first, 10, 10);
    let compressed = |first| zstd::encode_all(text(first).as_bytes(), 3).unwrap();
    fs::write(day(".1.zst"), compressed(1)).unwrap();
    fs::write(day(".zst"), compressed(11)).unwrap();
    fs::write(day(""), text(21)).unwrap();
    fs::write(path("session_2026-01-02.log"), lines(OLD_INSTANCE, "2026-01-02", 31, 10, 10)).unwrap();
    fs::write(path("copy"), compressed(21)).unwrap();
    let mut listings = vec![log_files::find_in(dir.path()).unwrap()];
    // The renames of the service.
    for (from, to) in
        [(day(".1.zst"), day(".2.zst")), (day(".zst"), day(".1.zst")), (path("copy"), day("")), (day(""), day(".zst"))]
    {
        fs::rename(&from, to).unwrap();
        listings.push(log_files::find_in(dir.path()).unwrap());
        for files in &listings {
            assert_eq!(
                (read(files), last(files, 30)),
                ((1..=40).collect(), (11..=40).collect()),
                "{from:?} {files:#?}"
            );
        }
    }
}

fn verified(files: &[LogFile]) -> Verification {
    let whole_folders = [files[0].folder()];
    verify(&Task { files, secrets: &[], whole_folders: &whole_folders, expected: &[], in_use: &whole_folders }, |_| ())
}

#[tokio::test]
async fn a_day_that_is_deleted_after_the_listing_is_deleted() {
    let days = Days::start(&[("SESSION_LOG_KEEP", "2")]).await;
    let before = log_files::find_in(&days.setup.log_dir()).unwrap();
    for _ in 2..=4 {
        days.next().await;
    }
    wait_until_gone(&plain(&days.setup, "2026-03-01")).await;
    let verification = verified(&before);
    assert!(verification.is_outdated && verification.lines == 0, "{verification:#?}");
    assert!(log_report::report(&before, &Query::default(), |_| ()).summary(None).damage.is_empty());
    assert!(log_search::search(&before, "x", |_| ()).damages.is_empty());
    assert_eq!(last(&before, 1), [0; 0]);
    days.service.stop().await;
}

/// Runs a command of `al-chat log` on a pipe, and on a log in which `SESSION_LOG_KEEP` deletes a second day after the command has
/// listed the files. The next listing has an empty file in place of the pipe, unless the pipe `stays`.
#[cfg(unix)]
async fn run_while_a_day_is_deleted(command: &str, stays: bool) -> Output {
    let days = Days::start(&[("SESSION_LOG_KEEP", "2")]).await;
    for _ in 2..=4 {
        days.next().await;
    }
    wait_until_gone(&plain(&days.setup, "2026-03-01")).await;
    fs::write(days.setup.log_dir().join("notes.txt"), "").unwrap();
    // After the files are listed, a pipe is opened first, since its day is the earliest one.
    let pipe = days.setup.path().join("session_2026-01-01.log");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let folder = days.setup.log_dir();
    let arguments = ["log", command, "--format", "json", pipe.to_str().unwrap(), folder.to_str().unwrap()];
    let mut running = days.setup.command(&arguments);
    let running = running.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (opened, is_opened) = tokio::sync::oneshot::channel();
    let (end, is_ended) = std::sync::mpsc::channel::<()>();
    let path = pipe.clone();
    let hold_open = move || {
        let _held = fs::File::options().write(true).open(path).unwrap();
        opened.send(()).unwrap();
        is_ended.recv().unwrap_err();
    };
    std::thread::Builder::new().spawn(hold_open).unwrap();
    timeout(TEST_TIMEOUT, is_opened).await.unwrap().unwrap();
    days.next().await;
    wait_until_gone(&plain(&days.setup, "2026-03-02")).await;
    if !stays {
        fs::remove_file(&pipe).unwrap();
        fs::write(&pipe, "").unwrap();
    }
    drop(end);
    let output = timeout(TEST_TIMEOUT, running.wait_with_output()).await.unwrap().unwrap();
    days.service.stop().await;
    output
}

/// Returns what the command prints that has compared the log once more.
#[cfg(unix)]
async fn result_while_a_day_is_deleted(command: &str) -> Value {
    let output = run_while_a_day_is_deleted(command, false).await;
    let result = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{result:#}");
    assert_eq!(String::from_utf8(output.stderr).unwrap().matches("notes.txt is not read").count(), 1);
    result
}

#[cfg(unix)]
#[tokio::test]
async fn a_day_that_is_deleted_while_verify_runs_is_no_damage() {
    let result = result_while_a_day_is_deleted("verify").await;
    assert_eq!(result["damage_count"], 0, "{result:#}");
    assert!(
        result["notes"].to_string().contains("2 files, session_2026-03-01.log to session_2026-03-02.log"),
        "{result:#}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_day_that_is_deleted_while_reconcile_runs_is_the_same() {
    let result = result_while_a_day_is_deleted("reconcile").await;
    assert_eq!(
        (&result["difference_count"], &result["deleted"]["turns"]),
        (&Value::from(0), &Value::from(6)),
        "{result:#}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_pipe_is_not_read_again() {
    let output = run_while_a_day_is_deleted("verify", true).await;
    let diagnostics = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{diagnostics}");
    assert!(diagnostics.contains("a pipe can be read only once; run the command again"), "{diagnostics}");
}

#[test]
fn a_day_that_is_gone_without_a_declaration_is_named() {
    let dir = tempfile::tempdir().unwrap();
    for day in 1..=2 {
        let date = format!("2026-01-0{day}");
        fs::write(dir.path().join(format!("session_{date}.log")), lines(OLD_INSTANCE, &date, day, 1, 10)).unwrap();
    }
    let files = log_files::find_in(dir.path()).unwrap();
    fs::remove_file(&files[0].path).unwrap();
    let last = log_files::last_lines(&files, 9, |_, _| Ok::<_, ()>(true));
    assert_eq!((last.lines.len(), last.damages.len()), (1, 1));
    assert!(!verified(&files).is_whole());
}
