//! What the verification of a log can prove: with long lines, with a key, and over several folders.

use std::{fs, path::Path};

use al_chat::{
    adapters::log_files,
    services::log_verification::{DamageKind, Task, verify},
};
use serde_json::json;

use super::{File, KEY, foreign_lines::ForgedProcess, four_days, killed_after_turns, turns, verified, verify_files};
use crate::{
    command_line::run,
    support::service::{TestSetup, day_file},
};

/// Returns ten lines of 8 MiB.
fn long_lines() -> Vec<Vec<u8>> {
    let mut process = ForgedProcess::new("019a3e5e-ec27-784a-a95a-2f1251a06411", "2026-03-01");
    let text = format!(r#","message":"{}""#, "x".repeat(8 << 20));
    (0..10).map(|_| process.line("chat", &text)).collect()
}

#[test]
fn an_altered_line_after_many_long_ones_is_found() {
    let mut lines = long_lines();
    let verified = |lines: &[Vec<u8>]| {
        let file: File = ("session_2026-03-01.log".to_owned(), lines.to_vec());
        let found = verify_files(&[file], "", &[]);
        found.damage.iter().map(|damage| (damage.kind, damage.place.as_ref().unwrap().1)).collect::<Vec<_>>()
    };
    assert_eq!(verified(&lines), []);
    let at = lines[8].len() - 9;
    lines[8][at] = b'y';
    assert_eq!(verified(&lines), [(DamageKind::Altered, 9)]);
}

#[test]
fn long_lines_that_cannot_be_compared_are_not_whole() {
    // The file that is read first has the last line.
    let name = |index: usize| match index {
        0 => "session_2026-03-01.log".to_owned(),
        _ => format!("session_2026-03-01.log.{index}"),
    };
    let files = long_lines().into_iter().enumerate().map(|(index, line)| (name(index), vec![line]));
    let found = verify_files(&files.collect::<Vec<File>>(), "", &[]);
    let unproven = found.damage.iter().filter(|damage| damage.kind == DamageKind::Unproven);
    let seqs = unproven.map(|damage| damage.seqs.unwrap().0).collect::<Vec<_>>();
    assert_eq!(seqs, [2, 3], "{:#?}", found.damage);
}

#[tokio::test]
async fn a_process_of_which_one_line_is_left_is_not_unkeyed() {
    let mut files = four_days(KEY).await;
    let last = files[3].1.pop().unwrap();
    files[3].1 = vec![last];
    files.truncate(4);
    files.remove(2);
    let found = verify_files(&files, KEY, &[]);
    assert!(found.damage.iter().all(|damage| damage.kind != DamageKind::Unkeyed), "{found:#?}");
    assert!(!found.is_whole());
}

#[tokio::test]
async fn a_first_line_without_its_predecessor_is_not_proven() {
    let files = four_days(KEY).await;
    let whole = verify_files(&files, KEY, &[]);
    assert_eq!(whole.proven_by_key, whole.lines);
    let later = verify_files(&files[1..], KEY, &[]);
    assert!(later.is_whole(), "{later:#?}");
    assert_eq!(later.proven_by_key, later.lines - 1);
}

#[tokio::test]
async fn the_number_of_lines_that_the_key_proves_is_printed() {
    let setup = TestSetup::new();
    setup.start().await.stop().await;
    let without = run(&setup, &["log", "verify"]).await.out;
    assert!(!without.contains("SESSION_LOG_KEY"), "{without}");
    let setup = setup.with("SESSION_LOG_KEY", KEY);
    let ran = run(&setup, &["log", "verify"]).await.out;
    assert!(ran.contains("\n0 of 2 lines are proven by SESSION_LOG_KEY.\n"), "{ran}");
    assert!(ran.contains("Whole"), "{ran}");
}

#[tokio::test]
async fn several_folders_are_verified_as_separate_logs() {
    let (one, two) = (TestSetup::new(), TestSetup::new());
    for setup in [&one, &two] {
        setup.start().await.stop().await;
    }
    let folders = [one.log_dir(), two.log_dir()];
    let folders = folders.each_ref().map(|folder| folder.to_str().unwrap());
    let ran = run(&one, &["log", "verify", folders[0], folders[1]]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("the files are in 2 folders, each of which is verified as a log of its own"), "{ran:?}");
    // The hint has the end of each.
    let hint = ran.out.lines().find(|line| line.starts_with("To find later")).unwrap();
    for setup in [&one, &two] {
        let chain = setup.log().pop().unwrap()["chain"].as_str().unwrap().to_owned();
        assert!(hint.contains(&format!(" --expect 2:{chain}")), "{hint}");
    }
}

#[tokio::test]
async fn a_tail_that_was_cut_before_a_start_stays_missing() {
    let setup = TestSetup::new();
    let service = setup.start().await;
    turns(&service.client, 2).await;
    let session = service.client.post("/api/session/start", &json!({})).await.assert_ok();
    turns(&service.client, 1).await;
    service.client.post("/api/session/stop", &json!({ "session_id": session["session_id"] })).await.assert_ok();
    service.stop().await;
    let day = day_file(&setup.log_dir());
    let text = fs::read_to_string(&day).unwrap();
    let instance = setup.log()[0]["instance"].clone();
    // The last turn, and what comes after it.
    let lines = text.lines().collect::<Vec<_>>();
    let last_turn = lines.iter().rposition(|line| line.contains("\"event\":\"chat\"")).unwrap();
    let all = lines.len();
    assert!(all > last_turn + 1);
    fs::write(&day, text.split_inclusive('\n').take(last_turn).collect::<String>()).unwrap();
    for is_first in [true, false] {
        let mut process = setup.start_process().await;
        let is_reported = |line: &String| line.contains("the last lines of the process before were removed");
        assert_eq!(process.start_lines.iter().filter(|line| is_reported(line)).count(), usize::from(is_first));
        let (code, result) = verified(&setup, &[]).await;
        assert_eq!((code, &result["damage_count"]), (Some(1), &json!(1)), "{result}");
        let damage = &result["damage"][0];
        assert_eq!((&damage["kind"], &damage["instance"]), (&json!("missing"), &instance), "{result}");
        assert_eq!(damage["last_seq"], json!(all), "{result}");
        process.terminate();
        process.exit_code().await;
    }
    // An earlier version has forgotten where the process ended, but not its last turn.
    setup.change_database("DELETE FROM log_instances").await;
    let (code, result) = verified(&setup, &[]).await;
    assert_eq!((code, &result["damage"][0]["last_seq"]), (Some(1), &json!(last_turn + 1)), "{result}");
}

#[tokio::test]
async fn a_kept_end_of_an_intact_log_is_no_damage() {
    let setup = TestSetup::new();
    for _ in 0..3 {
        let service = setup.start().await;
        turns(&service.client, 1).await;
        service.stop().await;
    }
    assert_eq!(setup.count_rows("log_instances").await, 1);
    // All files are archived, and the next process finds nothing before it.
    let archive = setup.path().join("archive");
    fs::create_dir(&archive).unwrap();
    let day = day_file(&setup.log_dir());
    fs::rename(&day, archive.join(day.file_name().unwrap())).unwrap();
    for _ in 0..2 {
        killed_after_turns(&setup).await;
        let (code, result) = verified(&setup, &[]).await;
        assert_eq!(code, Some(0), "{result}");
    }
}

#[tokio::test]
async fn a_log_without_any_file_is_missing_if_it_was_counted() {
    let setup = TestSetup::new();
    let service = setup.start().await;
    turns(&service.client, 1).await;
    service.stop().await;
    let instance = setup.log()[0]["instance"].as_str().unwrap().to_owned();
    fs::remove_file(day_file(&setup.log_dir())).unwrap();
    let folder = setup.log_dir();
    for arguments in [&[][..], &[folder.to_str().unwrap()]] {
        let (code, result) = verified(&setup, arguments).await;
        assert_eq!((code, &result["damage"][0]["kind"]), (Some(1), &json!("missing")), "{result}");
        assert!(result["damage"][0]["text"].as_str().unwrap().contains(&instance), "{result}");
    }
}

#[tokio::test]
async fn sentences_say_what_is_known_of_a_log() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("session_2026-01-01.log");
    let setup = TestSetup::new();
    let text = async |content: &[u8]| {
        fs::write(&path, content).unwrap();
        run(&setup, &["log", "verify", path.to_str().unwrap()]).await.out
    };
    let empty = text(b"").await;
    assert!(empty.ends_with("No line was found, so nothing is proven.\n"), "{empty}");
    let old = text(b"{\"event\":\"chat\",\"timestamp\":\"2026-01-01T10:00:00Z\"}\n").await;
    assert!(old.ends_with("No damage was found, but no line has a chain that proves it.\n"), "{old}");
    for (content, cause) in
        [(&b"\0\0\n"[..], "zero bytes"), (b"\xff\xfe\n", "not UTF-8"), (b"{\"x\":1}\n", "no JSON object with an event")]
    {
        let damaged = text(content).await;
        assert!(damaged.contains(&format!("or never was one: {cause}")), "{damaged}");
    }
    let service = setup.start().await;
    turns(&service.client, 1).await;
    let copy = fs::read(day_file(&setup.log_dir())).unwrap();
    fs::write(dir.path().join("copy"), copy).unwrap();
    let copied = run(&setup, &["log", "verify", dir.path().join("copy").to_str().unwrap()]).await.out;
    assert!(copied.contains("has no service_stop: it runs, was killed, or its last lines were removed."), "{copied}");
    service.stop().await;
    let keyed = TestSetup::new().with("SESSION_LOG_KEY", KEY);
    let service = keyed.start().await;
    turns(&service.client, 3).await;
    service.stop().await;
    let ran = run(&keyed.with("SESSION_LOG_KEY", ""), &["log", "verify"]).await.out;
    assert!(ran.contains("SESSION_LOG_KEY is not set"), "{ran}");
}

#[tokio::test]
async fn every_field_of_the_result_is_documented() {
    let setup = TestSetup::new();
    killed_after_turns(&setup).await;
    let file = day_file(&setup.log_dir());
    fs::write(&file, [fs::read(&file).unwrap(), b"foreign\n".to_vec()].concat()).unwrap();
    let (code, result) = verified(&setup, &[]).await;
    assert_eq!(code, Some(1), "{result}");
    let document = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/session-log.md")).unwrap();
    let (_, document) = document.split_once("\n## Proof").unwrap();
    let (document, _) = document.split_once("\n## ").unwrap();
    for object in [&result, &result["processes"][0], &result["damage"][0]] {
        for name in object.as_object().unwrap().keys() {
            assert!(document.contains(&format!("`{name}`")), "{name} is not documented");
        }
    }
}

#[test]
fn thousands_of_expected_lines_are_found_in_one_pass() {
    let dir = tempfile::tempdir().unwrap();
    let mut process = ForgedProcess::new("019a3e5e-ec27-784a-a95a-2f1251a06411", "2026-03-01");
    let lines = (0..5_000).map(|_| process.line("chat", "")).collect::<Vec<_>>();
    fs::write(dir.path().join("session_2026-03-01.log"), lines.concat()).unwrap();
    let files = log_files::find_in(dir.path()).unwrap();
    let expected = lines.iter().zip(1..).map(|(_, seq)| super::Expected {
        instance: None,
        seq,
        chain: None,
        by: "the test expects",
    });
    let expected =
        expected.chain([super::Expected { instance: None, seq: 5_001, chain: None, by: "the test expects" }]);
    let expected = expected.collect::<Vec<_>>();
    let task = Task { files: &files, secrets: &[], whole_folders: &[], expected: &expected, in_use: &[] };
    let found = verify(&task, |_| ());
    assert_eq!(found.damage_count, 1, "{found:#?}");
    assert_eq!(found.damage[0].seqs, Some((5_001, 5_001)));
}
