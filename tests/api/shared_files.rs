//! A second process on the database or the session log of a running one is refused, whatever path it takes there.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    command_line::run,
    support::service::{TestSetup, read_lines, wait_until},
};

const IN_USE: &str = "another process already uses the database";

const LOG_IN_USE: &str = "another process already writes its session log in";

fn url(path: &Path) -> String {
    format!("sqlite:///{}", path.display())
}

/// Asserts that the server does not start with this setup.
async fn assert_refused(setup: &TestSetup, sentence: &str) {
    let ran = run(setup, &[]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains(sentence), "{}", ran.err);
}

/// Asserts that the server does not start on the database at this path, and that the other commands work there.
async fn assert_in_use(path: &Path) {
    let setup = TestSetup::new().with("DATABASE_URL", &url(path));
    assert_refused(&setup, IN_USE).await;
    let ran = run(&setup, &["migrate"]).await;
    assert!(ran.code == Some(1) && ran.err.contains(IN_USE), "{ran:?}");
    let ran = run(&setup, &["check"]).await;
    assert!(ran.out.contains("can be used; a server is running on it."), "{}: {}", path.display(), ran.out);
    let ran = run(&setup, &["backup", "copy.db"]).await;
    let finds_log = fs::canonicalize(path).unwrap().with_file_name("al-chat.db-wal").exists();
    assert_eq!(ran.code, Some(i32::from(!finds_log)), "{}: {ran:?}", path.display());
    assert_eq!(ran.err.contains("its write-ahead log (-wal) is not beside it"), !finds_log, "{}", ran.err);
    let relative = setup.path().join("relative.db");
    symlink(path, &relative).unwrap();
    assert_refused(&setup.with("DATABASE_URL", "sqlite:///relative.db"), IN_USE).await;
}

/// Returns the path of a new release below `dir`, which is the symbolic link `current` from now on.
fn release(dir: &Path, name: &str) -> PathBuf {
    fs::create_dir_all(dir.join("releases").join(name)).unwrap();
    let (next, current) = (dir.join("next"), dir.join("current"));
    symlink(Path::new("releases").join(name), &next).unwrap();
    fs::rename(next, &current).unwrap();
    current
}

fn lines_in(dir: &Path) -> Vec<Value> {
    let paths = fs::read_dir(dir).expect("a folder").map(|entry| entry.unwrap().path());
    paths.filter(|path| !path.ends_with(".lock")).flat_map(|path| read_lines(&path)).collect()
}

fn turns_in(dir: &Path) -> usize {
    lines_in(dir).iter().filter(|line| line["event"] == "chat").count()
}

#[tokio::test]
async fn a_database_in_use_is_refused_by_every_path() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let current = release(dir.path(), "1");
    let setup = TestSetup::new().with("DATABASE_URL", &url(&current.join("al-chat.db")));
    let mut process = setup.start_process().await;
    process.client.chat("hello").await.assert_ok();
    symlink("releases/1/al-chat.db", path("link.db")).unwrap();
    symlink("releases/1", path("folder")).unwrap();
    fs::create_dir(path("hard")).unwrap();
    #[cfg(target_os = "linux")]
    fs::hard_link(path("releases/1/al-chat.db"), path("hard/al-chat.db")).unwrap();
    for name in ["current/al-chat.db", "releases/1/al-chat.db", "releases/../current/al-chat.db", "link.db"] {
        assert_in_use(&path(name)).await;
    }
    assert_in_use(&path("folder/al-chat.db")).await;
    #[cfg(target_os = "linux")]
    assert_in_use(&path("hard/al-chat.db")).await;
    // The lock is also on the database itself.
    fs::remove_file(path("releases/1/al-chat.db.lock")).unwrap();
    #[cfg(target_os = "linux")]
    assert_in_use(&path("link.db")).await;
    process.client.chat("hello").await.assert_ok();
    process.kill().await;
    let process = setup.start_process().await;
    let totals = process.client.get("/api/openai/usage").await.assert_ok();
    assert_eq!(totals["request_count"], 2);
}

#[tokio::test]
async fn a_log_folder_in_use_is_refused_by_every_path() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let log = |name: &str| TestSetup::new().with("SESSION_LOG_DIR", path(name).to_str().unwrap());
    release(dir.path(), "1");
    let first = log("current/log");
    let process = first.start_process().await;
    symlink("releases/1/log", path("link")).unwrap();
    for name in ["current/log", "releases/1/log", "releases/../current/log", "link"] {
        assert_refused(&log(name), LOG_IN_USE).await;
    }
    process.client.chat("hello").await.assert_ok();
    // The next release has a log of its own, although the first one is still running.
    release(dir.path(), "2");
    process.client.chat("hello").await.assert_ok();
    let second = log("current/log");
    let next = second.start_process().await;
    next.client.chat("hello").await.assert_ok();
    process.client.chat("hello").await.assert_ok();
    assert_eq!((turns_in(&path("releases/1/log")), turns_in(&path("releases/2/log"))), (3, 1));
}

#[tokio::test]
async fn a_log_folder_that_is_moved_remains_locked() {
    let setup = TestSetup::new();
    let mut process = setup.start_process().await;
    process.client.chat("hello").await.assert_ok();
    let places = ["moved", "moved again"].map(|name| setup.path().join(name));
    let others = places.clone().map(|place| TestSetup::new().with("SESSION_LOG_DIR", place.to_str().unwrap()));
    for (place, other) in places.iter().zip(&others) {
        fs::rename(setup.log_dir(), place).unwrap();
        assert_refused(other, LOG_IN_USE).await;
        // From now on, the process writes to a new folder at the old place.
        process.client.chat("hello").await.assert_ok();
    }
    let here = TestSetup::new().with("SESSION_LOG_DIR", setup.log_dir().to_str().unwrap());
    for other in others.iter().chain([&here]) {
        assert_refused(other, LOG_IN_USE).await;
    }
    let folders = places.iter().chain([&setup.log_dir()]).map(|dir| turns_in(dir)).collect::<Vec<_>>();
    assert_eq!(folders, [1, 1, 1]);
    let totals = process.client.get("/api/openai/usage").await.assert_ok();
    assert_eq!(totals["request_count"], 3);
    process.kill().await;
    others[0].start_process().await.client.chat("hello").await.assert_ok();
    assert_eq!(turns_in(&places[0]), 2);
}

#[tokio::test]
async fn a_process_does_not_write_to_the_log_folder_of_another() {
    let setup = TestSetup::new();
    let first = setup.start_process().await;
    first.client.chat("hello").await.assert_ok();
    fs::rename(setup.log_dir(), setup.path().join("moved")).unwrap();
    let other = TestSetup::new().with("SESSION_LOG_DIR", setup.log_dir().to_str().unwrap());
    let mut second = other.start_process().await;
    second.client.chat("hello").await.assert_ok();
    first.client.chat("hello").await.assert_error(503, "session_log_unavailable");
    assert_eq!(turns_in(&setup.log_dir()), 1);
    second.terminate();
    assert_eq!(second.exit_code().await, Some(0));
    wait_until("an answer", async || (first.client.chat("hello").await.status == 200).then_some(())).await;
    assert_eq!(turns_in(&setup.log_dir()), 2);
}
