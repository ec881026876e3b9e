//! What the tools for session logs do with files and folders that they cannot read.

use std::{fs, os::unix::fs::symlink};

use crate::{
    command_line::output_of,
    support::service::{TestSetup, set_mode},
};

#[tokio::test]
async fn files_without_permission_are_named_by_each_tool() {
    let setup = TestSetup::new();
    let path = |name: &str| setup.path().join(name);
    fs::create_dir(path("locked")).unwrap();
    fs::create_dir(path("days")).unwrap();
    let unreadable = ["locked.log", "days/session_2026-11-29.log", "locked"];
    for name in &unreadable[..2] {
        fs::write(path(name), "").unwrap();
    }
    for name in unreadable {
        set_mode(&path(name), 0);
    }
    symlink("loop", path("loop")).unwrap();
    let because = "cannot be read; check its permissions and its disk\n  because: ";
    for tool in [&["report"][..], &["verify"], &["tail"], &["tail", "-f"], &["show", "s-1"]] {
        for (argument, sentence) in [
            ("locked.log", format!("al-chat: locked.log {because}Permission denied")),
            ("locked", format!("al-chat: locked {because}Permission denied")),
            ("days", format!("al-chat: days/session_2026-11-29.log {because}Permission denied")),
            ("loop", format!("al-chat: loop {because}Too many levels of symbolic links")),
        ] {
            let ran = output_of(setup.ordinary_command(&[&["log"], tool, &[argument]].concat())).await;
            assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{tool:?} {ran:?}");
            assert!(ran.err.starts_with(&sentence), "{tool:?} {sentence} in {}", ran.err);
        }
    }
    for name in unreadable {
        set_mode(&path(name), 0o700);
    }
}
