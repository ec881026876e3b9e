//! Permissions of the files that hold conversations and secrets.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::house::{House, PATIENCE, Process};

/// The files and folders in a folder, and all in those.
fn all_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").path());
    let inside = |path: PathBuf| if path.is_dir() { [all_in(&path), vec![path]].concat() } else { vec![path] };
    entries.flat_map(inside).collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
}

/// Starts the service with this umask, takes a turn, and makes a backup. Fails unless all that is made has these modes.
async fn check_modes(house: &House, umask: &str, of_files: u32, of_folders: u32) {
    let process = house.launch_by(house.command_by_script(&format!("umask {umask}; exec \"$0\""))).await;
    process.client.chat("hello").await.assert_ok();
    process.client.get("/api/openai/usage").await.assert_ok();
    let script = format!("umask {umask}; exec \"$0\" backup copy.db");
    let backup = house.command_by_script(&script).output().await.expect("it runs");
    assert!(backup.status.success(), "{backup:?}");
    let paths = all_in(house.path());
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
async fn files_are_the_owners_alone_whatever_the_umask() {
    for umask in ["000", "022", "077"] {
        check_modes(&House::new().on_sqlite(), umask, 0o600, 0o700).await;
    }
}

#[tokio::test]
async fn a_group_reads_files_where_setting_and_umask_allow_it() {
    let house = || House::new().on_sqlite().with("FILE_MODE", "0640");
    check_modes(&house(), "000", 0o640, 0o750).await;
    check_modes(&house(), "027", 0o640, 0o750).await;
    check_modes(&house(), "077", 0o600, 0o700).await;
}

/// The warning of files that others can use, among all that is said until this request is answered.
async fn warning(process: &mut Process) -> Option<String> {
    process.client.get("/no-such-page").await;
    loop {
        let line = tokio::time::timeout(PATIENCE, process.diagnostics.recv()).await.expect("a line in time")?;
        if line.contains("chmod") {
            return Some(line);
        }
        if line.contains("no-such-page") {
            return None;
        }
    }
}

#[tokio::test]
async fn a_start_names_files_that_others_can_use() {
    let house = House::new().on_sqlite();
    let mut process = house.launch().await;
    assert_eq!(warning(&mut process).await, None);
    process.terminate();
    process.exit_code().await;

    let database = house.path().join("al-chat.db");
    set_mode(&database, 0o644);
    set_mode(&house.log_dir(), 0o755);
    let mut process = house.launch().await;
    let said = warning(&mut process).await.expect("a warning");
    let expected = format!("chmod -R go-rwx '{}' '{}", database.display(), database.display());
    assert!(said.contains(&expected), "{said}");
    assert!(said.contains(&format!("'{}'", house.log_dir().display())), "{said}");
    // They are left as they are.
    assert_eq!((mode(&database), mode(&house.log_dir())), (0o644, 0o755));
    process.terminate();
    process.exit_code().await;

    set_mode(&database, 0o640);
    set_mode(&house.log_dir(), 0o750);
    let house = house.with("FILE_MODE", "0640");
    assert_eq!(warning(&mut house.launch().await).await, None);
}

#[tokio::test]
async fn another_file_mode_is_a_mistake() {
    for mode in ["0644", "0666", "rw-------", "600000"] {
        let house = House::new().with("FILE_MODE", mode);
        let ran = crate::command_line::run(&house, &[]).await;
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.err.contains("FILE_MODE: expected 0600 or 0640"), "{}", ran.err);
    }
}
