//! Permissions of the files that hold conversations and secrets.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::support::service::{Process, TEST_TIMEOUT, TestSetup, set_mode};

/// Returns the files and folders below a folder, recursively.
fn paths_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").path());
    let inside = |path: PathBuf| if path.is_dir() { [paths_below(&path), vec![path]].concat() } else { vec![path] };
    entries.flat_map(inside).collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

/// Starts the service with this umask, sends a turn, and makes a backup. Asserts the modes of all created files and
/// folders.
async fn check_modes(setup: &TestSetup, umask: &str, of_files: u32, of_folders: u32) {
    let process = setup.start_command(setup.command_by_script(&format!("umask {umask}; exec \"$0\""))).await;
    process.client.chat("hello").await.assert_ok();
    process.client.get("/api/openai/usage").await.assert_ok();
    let script = format!("umask {umask}; exec \"$0\" backup copy.db");
    let backup = setup.command_by_script(&script).output().await.expect("the command runs");
    assert!(backup.status.success(), "{backup:?}");
    let paths = paths_below(setup.path());
    let named = |end: &str| paths.iter().any(|path| path.to_str().expect("a name").ends_with(end));
    for end in ["al-chat.db", "-wal", "-shm", "al-chat.db.lock", "copy.db", "SessionLog", "SessionLog/.lock", ".log"] {
        assert!(named(end), "{end} is not among {paths:?}");
    }
    for path in &paths {
        let expected = if path.is_dir() { of_folders } else { of_files };
        assert_eq!(mode(path), expected, "{} is {:o} with umask {umask}", path.display(), mode(path));
    }
}

#[tokio::test]
async fn files_are_private_to_their_owner_with_any_umask() {
    for umask in ["000", "022", "077"] {
        check_modes(&TestSetup::new().on_sqlite(), umask, 0o600, 0o700).await;
    }
}

#[tokio::test]
async fn the_group_can_read_if_setting_and_umask_allow_it() {
    let setup = || TestSetup::new().on_sqlite().with("FILE_MODE", "0640");
    check_modes(&setup(), "000", 0o640, 0o750).await;
    check_modes(&setup(), "027", 0o640, 0o750).await;
    check_modes(&setup(), "077", 0o600, 0o700).await;
}

/// Returns the warning about files open to others from the diagnostics up to the next request.
async fn warning(process: &mut Process) -> Option<String> {
    process.client.get("/no-such-page").await;
    loop {
        let line = tokio::time::timeout(TEST_TIMEOUT, process.diagnostics.recv()).await.expect("a line in time")?;
        if line.contains("chmod") {
            return Some(line);
        }
        if line.contains("no-such-page") {
            return None;
        }
    }
}

#[tokio::test]
async fn files_open_to_others_are_reported_at_start() {
    let setup = TestSetup::new().on_sqlite();
    let mut process = setup.start_process().await;
    assert_eq!(warning(&mut process).await, None);
    process.terminate();
    process.exit_code().await;

    let database = setup.path().join("al-chat.db");
    set_mode(&database, 0o644);
    set_mode(&setup.log_dir(), 0o755);
    let mut process = setup.start_process().await;
    let message = warning(&mut process).await.expect("a warning");
    let expected = format!("chmod -R go-rwx '{}' '{}", database.display(), database.display());
    assert!(message.contains(&expected), "{message}");
    assert!(message.contains(&format!("'{}'", setup.log_dir().display())), "{message}");
    // The service does not change their modes.
    assert_eq!((mode(&database), mode(&setup.log_dir())), (0o644, 0o755));
    process.terminate();
    process.exit_code().await;

    set_mode(&database, 0o640);
    set_mode(&setup.log_dir(), 0o750);
    let setup = setup.with("FILE_MODE", "0640");
    assert_eq!(warning(&mut setup.start_process().await).await, None);
}

#[tokio::test]
async fn an_invalid_file_mode_is_rejected() {
    for mode in ["0644", "0666", "rw-------", "600000"] {
        let setup = TestSetup::new().with("FILE_MODE", mode);
        let ran = crate::command_line::run(&setup, &[]).await;
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.err.contains("FILE_MODE: expected 0600 or 0640"), "{}", ran.err);
    }
}
