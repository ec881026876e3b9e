//! What the tools for session logs do with files and folders that they cannot read.

use std::{fs, os::unix::fs::symlink};

use crate::{
    command_line::{output_of, run, run_script},
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

#[tokio::test]
async fn output_that_cannot_be_written_is_no_damage() {
    let setup = TestSetup::new();
    let line = r#"{"event":"session_start","timestamp":"2026-11-29T13:00:00.000000+01:00","date":"2026-11-29","session_id":"s-1"}"#;
    fs::write(setup.path().join("a.log"), format!("{line}\n")).unwrap();
    for tool in ["report", "verify", "tail", "tail --format json", "show s-1", "show --format json s-1", "schema"] {
        let file = if tool == "schema" { "" } else { "a.log" };
        let ran = run_script(&setup, &format!(r#""$0" log {tool} {file} > /dev/full; echo "$?""#)).await;
        assert_eq!(ran.out, "2\n", "{tool}: {}", ran.err);
        assert!(
            ran.err.contains("al-chat: standard output cannot be written") && ran.err.contains("No space"),
            "{}",
            ran.err
        );
    }
}

#[tokio::test]
async fn standard_input_is_read_as_a_file() {
    let setup = TestSetup::new();
    let line = r#"{"event":"session_start","timestamp":"2026-11-29T13:00:00.000000+01:00","date":"2026-11-29","session_id":"s-1"}"#;
    fs::write(setup.path().join("a.log"), format!("{line}\n")).unwrap();
    for (tool, words) in
        [("report", "1 started"), ("tail", "session_start"), ("show s-1", "session_start"), ("verify", "1 line")]
    {
        let ran = run_script(&setup, &format!(r#""$0" log {tool} - < a.log"#)).await;
        assert!(ran.code == Some(0) && ran.out.contains(words), "{tool}: {ran:?}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_folder_is_named() {
    let setup = TestSetup::new();
    fs::write(setup.path().join("a.log"), "").unwrap();
    for tool in [&["report"][..], &["verify"], &["tail"], &["tail", "-f"], &["show", "s-1"]] {
        let ran = run(&setup, &[&["log"], tool, &["a.log/days/x"]].concat()).await;
        assert_eq!((ran.code, ran.err.as_str()), (Some(2), "al-chat: a.log is not a folder\n"), "{tool:?}");
    }
}

#[tokio::test]
async fn exit_codes_are_in_the_help() {
    let setup = TestSetup::new();
    for tool in ["report", "show", "tail"] {
        let ran = run(&setup, &["log", tool, "--help"]).await;
        assert!(ran.out.contains("\nExit codes: 0 ") && ran.out.contains(" 2 wrong arguments"), "{tool}: {}", ran.out);
    }
}

#[tokio::test]
async fn renamed_files_are_read_and_others_are_named() {
    let setup = TestSetup::new();
    fs::create_dir(setup.path().join("days")).unwrap();
    let stop = |seq: u64, day: u64| {
        let instance = "01a22757-0b80-7c41-9d5e-2f0a4c1b7e63";
        format!(
            r#"{{"event":"session_start","timestamp":"2026-11-{day}T13:00:00.000000+01:00","date":"2026-11-{day}","v":1,"instance":"{instance}","seq":{seq},"session_id":"s-{seq}"}}"#
        ) + "\n"
    };
    let names = [
        "session_2026-11-27.log-20261128",
        "session_2026-11-28.log.old",
        "session_2026-11-28.log.1",
        "session_2026-11-29.log",
    ];
    for (name, (seq, day)) in names.into_iter().zip([(1, 27), (3, 28), (2, 28), (4, 29)]) {
        fs::write(setup.path().join("days").join(name), stop(seq, day)).unwrap();
    }
    let ran = run(&setup, &["log", "tail", "days"]).await;
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let sessions = ran.out.lines().map(|row| row.split_whitespace().nth(3).unwrap()).collect::<Vec<_>>();
    assert_eq!(sessions, ["s-1", "s-2", "s-3", "s-4"], "{}", ran.out);
    for name in ["session_2026-11-26.log.xz", "old.log", ".hidden"] {
        fs::write(setup.path().join("days").join(name), "").unwrap();
    }
    for tool in [&["report"][..], &["verify"], &["tail"], &["show", "s-1"]] {
        let ran = run(&setup, &[&["log"], tool, &["days"]].concat()).await;
        for name in ["session_2026-11-26.log.xz", "old.log"] {
            assert!(ran.err.contains(&format!("al-chat: days/{name} is not read: ")), "{tool:?}: {}", ran.err);
        }
        assert!(!ran.err.contains("hidden"), "{tool:?}: {}", ran.err);
    }
}
