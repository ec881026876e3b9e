//! `al-chat log verify`: whole logs, and each kind of damage.

mod foreign_lines;
mod proofs;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use al_chat::{
    adapters::log_files,
    domain::log_chain::{Chain, ChainHasher},
    foundation::secret::SigningSecret,
    services::log_verification::{DamageKind, Expected, Task, Verification, verify},
};
use proptest::{
    prelude::*,
    sample::Index,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    command_line::{assert_wrong_arguments, run, run_script},
    support::{
        client::Client,
        gzip::gzipped,
        manual_clock::ManualClock,
        service::{Process, TestSetup, day_file, wait_until},
    },
};

const KEY: &str = "9f86d081884c7d659a2feaa0c55ad015";

/// A file's name and its lines, each with its line feed.
type File = (String, Vec<Vec<u8>>);

async fn turns(client: &Client, count: usize) {
    for _ in 0..count {
        client.chat("hello").await.assert_ok();
    }
}

/// Writes four days with two processes, both of which write on the third day. Returns the files.
async fn four_days(key: &str) -> Vec<File> {
    let setup = TestSetup::new().with("SESSION_LOG_KEY", key);
    let clock = ManualClock::at("2026-03-01T12:00:00Z");
    for days in 2..=3 {
        let service = setup.start_with_clock(clock.clock("UTC")).await;
        for day in 1..=days {
            turns(&service.client, 5).await;
            if day < days {
                clock.advance(Duration::from_hours(24));
            }
        }
        service.stop().await;
    }
    read_files(&setup.log_dir())
}

fn read_files(dir: &Path) -> Vec<File> {
    let mut files = log_files::find_in(dir).unwrap();
    files.sort_by(|one, other| one.path.cmp(&other.path));
    let lines =
        |path: &Path| fs::read(path).unwrap().split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    files.iter().map(|file| (file.path.file_name().unwrap().to_str().unwrap().to_owned(), lines(&file.path))).collect()
}

/// Returns the last line of the log, as the database notes it.
fn last_line(files: &[File]) -> Expected {
    let line: Value = serde_json::from_slice(files.last().unwrap().1.last().unwrap()).unwrap();
    let chain = Chain::parse(line["chain"].as_str().unwrap().as_bytes());
    Expected { instance: None, seq: line["seq"].as_u64().unwrap(), chain, by: "the test expects" }
}

fn write(files: &[File], dir: &Path) {
    for (name, lines) in files {
        fs::write(dir.join(name), lines.concat()).unwrap();
    }
}

fn verify_files(files: &[File], key: &str, expected: &[Expected]) -> Verification {
    let dir = tempfile::tempdir().unwrap();
    write(files, dir.path());
    let files = log_files::find_in(dir.path()).unwrap();
    let secrets = SigningSecret::parse_list(key).unwrap_or_default();
    let whole_folders = [dir.path()];
    verify(&Task { files: &files, secrets: &secrets, whole_folders: &whole_folders, expected, in_use: &[] }, |_| ())
}

#[derive(Clone, Debug)]
enum Damage {
    FlipBit(Index, Index, Index, u8),
    Remove(Index, Index),
    Double(Index, Index, Index, Index),
    Swap(Index, Index, Index, Index),
    Move(Index, Index, Index, Index),
    CutTail(Index, Index),
    RemoveDay(Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<Index>;
    prop_oneof![
        4 => (index(), index(), index(), 0_u8..8).prop_map(|(file, line, at, bit)| Damage::FlipBit(file, line, at, bit)),
        1 => (index(), index()).prop_map(|(file, line)| Damage::Remove(file, line)),
        1 => (index(), index(), index(), index()).prop_map(|(a, b, c, d)| Damage::Double(a, b, c, d)),
        1 => (index(), index(), index(), index()).prop_map(|(a, b, c, d)| Damage::Swap(a, b, c, d)),
        1 => (index(), index(), index(), index()).prop_map(|(a, b, c, d)| Damage::Move(a, b, c, d)),
        1 => (index(), index()).prop_map(|(file, bytes)| Damage::CutTail(file, bytes)),
        1 => index().prop_map(Damage::RemoveDay),
    ]
}

/// Returns the place of a line: a file and a line in it.
fn place(files: &[File], file: Index, line: Index) -> (usize, usize) {
    let file = file.index(files.len());
    (file, line.index(files[file].1.len()))
}

/// Whether the last line has the id of a process that is older than that of the first line. Behind deleted days it then looks like
/// the rest of that process: a limit of `verify`, which docs/session-log.md names.
fn ends_in_an_older_process(files: &[File]) -> bool {
    let id = |line: Option<&Vec<u8>>| {
        let line = serde_json::from_slice::<Value>(line?).ok()?;
        line["instance"].as_str()?.parse::<Uuid>().ok()
    };
    let first = files.first().and_then(|(_, lines)| id(lines.first()));
    let last = files.last().and_then(|(_, lines)| id(lines.last()));
    last.is_some_and(|last| Some(last) < first)
}

/// Damages the files. Returns false if they are as before, or if only the beginning of the log is gone: it may have been
/// deleted on purpose, and is noted.
fn apply(damage: &Damage, files: &mut Vec<File>) -> bool {
    let before = files.clone();
    match *damage {
        Damage::FlipBit(file, line, at, bit) => {
            let (file, line) = place(files, file, line);
            let line = &mut files[file].1[line];
            let at = at.index(line.len());
            line[at] ^= 1 << bit;
        }
        Damage::Remove(file, line) => {
            let (file, line) = place(files, file, line);
            files[file].1.remove(line);
            return (file, line) != (0, 0);
        }
        Damage::Double(file, line, to_file, to_line) => {
            let ((file, line), (to_file, to_line)) = (place(files, file, line), place(files, to_file, to_line));
            let copy = files[file].1[line].clone();
            files[to_file].1.insert(to_line, copy);
        }
        Damage::Swap(file, line, other_file, other_line) => {
            let (one, other) = (place(files, file, line), place(files, other_file, other_line));
            let (line, other_line) = (files[one.0].1[one.1].clone(), files[other.0].1[other.1].clone());
            files[one.0].1[one.1] = other_line;
            files[other.0].1[other.1] = line;
        }
        Damage::Move(file, line, to_file, to_line) => {
            let (file, line) = place(files, file, line);
            let line = files[file].1.remove(line);
            let (to_file, to_line) = place(files, to_file, to_line);
            files[to_file].1.insert(to_line, line);
        }
        Damage::CutTail(file, bytes) => {
            let file = file.index(files.len());
            let mut text = files[file].1.concat();
            text.truncate(bytes.index(text.len()));
            files[file].1 = vec![text];
            return file > 0 || !files[0].1[0].is_empty();
        }
        Damage::RemoveDay(file) => {
            let file = file.index(files.len());
            files.remove(file);
            return file > 0;
        }
    }
    *files != before
}

#[tokio::test]
async fn each_of_a_thousand_random_damages_is_found() {
    for key in ["", KEY] {
        let files = four_days(key).await;
        let end = [last_line(&files)];
        let whole = verify_files(&files, key, &end);
        assert!(whole.is_whole(), "{whole:#?}");
        assert_eq!((whole.processes.len(), whole.files), (2, 4));
        let cases = Config { cases: 500, failure_persistence: None, ..Config::default() };
        let outcome = TestRunner::new(cases).run(&damage(), |damage| {
            let mut damaged = files.clone();
            if apply(&damage, &mut damaged) {
                let found = verify_files(&damaged, key, &end);
                prop_assert!(!found.is_whole(), "{found:#?}");
            }
            Ok(())
        });
        outcome.unwrap();
    }
}

#[tokio::test]
async fn each_random_damage_after_deleted_days_is_found() {
    for key in ["", KEY] {
        let setup = TestSetup::new().on_sqlite().with("SESSION_LOG_KEY", key).with("SESSION_LOG_KEEP", "3");
        let clock = ManualClock::at("2026-03-01T12:00:00Z");
        for days in [3, 5] {
            let service = setup.start_with_clock(clock.clock("UTC")).await;
            for _ in 0..days {
                turns(&service.client, 4).await;
                service.client.get("/api/openai/usage").await.assert_ok();
                clock.advance(Duration::from_hours(24));
            }
            // The first days of the second process are deleted, and all of the first one.
            turns(&service.client, 4).await;
            service.client.get("/api/openai/usage").await.assert_ok();
            clock.advance(Duration::from_hours(1));
            let oldest = format!("session_2026-03-{days:02}.log");
            let deleted = setup.log_dir().join(oldest);
            if days == 5 {
                wait_until("deleted days", async || (!deleted.exists()).then_some(())).await;
            }
            service.stop().await;
        }
        let files = read_files(&setup.log_dir());
        let end = [last_line(&files)];
        let whole = verify_files(&files, key, &end);
        assert!(whole.is_whole() && whole.deleted > 20, "{whole:#?}");
        let cases = Config { cases: 300, failure_persistence: None, ..Config::default() };
        let outcome = TestRunner::new(cases).run(&damage(), |damage| {
            let mut damaged = files.clone();
            apply(&damage, &mut damaged);
            if damaged != files && !ends_in_an_older_process(&damaged) {
                let found = verify_files(&damaged, key, &end);
                prop_assert!(!found.is_whole(), "{found:#?}");
            }
            Ok(())
        });
        outcome.unwrap();
    }
}

/// Returns a line that declares lines of the log deleted, as somebody without the secret can make it.
fn forged_declaration(instance: &str, gone: &[Vec<u8>], is_chained: bool) -> Vec<u8> {
    let parsed = |line: &Vec<u8>| serde_json::from_slice::<Value>(line).unwrap();
    let (first, last) = (parsed(gone.first().unwrap()), parsed(gone.last().unwrap()));
    let run = json!({
        "instance": last["instance"], "first_seq": first["seq"], "last_seq": last["seq"], "chain": last["chain"],
    });
    let head = format!(
        r#"{{"event":"log_deleted","timestamp":"2026-03-04T12:00:00.000000Z","date":"2026-03-04","v":1,"instance":"{instance}","seq":1"#
    );
    let rest = format!(r#","file":"session_2026-02-28.log","lines":{},"runs":[{run}]}}"#, gone.len());
    let chain = ChainHasher::without_key().chain(Chain::START, head.as_bytes(), rest.as_bytes());
    let chain = if is_chained { format!(r#","chain":"{chain}""#) } else { String::new() };
    format!("{head}{chain}{rest}\n").into_bytes()
}

#[tokio::test]
async fn forged_declarations_hide_nothing() {
    const OLDER: &str = "019a3e5e-ec27-784a-a95a-2f1251a06411";
    const NEWER: &str = "7fff3e5e-ec27-784a-a95a-2f1251a06411";
    for key in ["", KEY] {
        let files = four_days(key).await;
        let (end, last) = ([last_line(&files)], files[3].1.len());
        // The beginning, the middle and the tail of a process.
        for (file, lines) in [(0, 0..3), (1, 1..4), (3, last - 3..last)] {
            let mut cut = files.clone();
            let gone = cut[file].1.drain(lines).collect::<Vec<_>>();
            for (instance, is_chained) in [(OLDER, false), (OLDER, true), (NEWER, false), (NEWER, true)] {
                if key.is_empty() && (instance, is_chained) == (NEWER, true) {
                    // Without a secret, anybody can be the service.
                    continue;
                }
                let mut forged = cut.clone();
                forged[3].1.push(forged_declaration(instance, &gone, is_chained));
                let found = verify_files(&forged, key, &end);
                let is_missing = found.damage.iter().any(|damage| damage.kind == DamageKind::Missing);
                assert!(!found.is_whole() && (is_missing || file == 0), "{file} {instance} {is_chained}: {found:#?}");
                assert_eq!(found.deleted, 0);
            }
        }
    }
}

/// Verifies files, and returns kind, file's name and line of each damage.
fn found(files: &[File], expected: &[Expected]) -> Vec<(DamageKind, String, u64)> {
    let verification = verify_files(files, "", expected);
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap()[8..18].to_owned();
    let damage = verification.damage.iter().map(|damage| {
        let (path, line) = damage.place.as_ref().map_or((String::new(), 0), |(path, line)| (name(path), *line));
        (damage.kind, path, line)
    });
    damage.collect()
}

#[tokio::test]
async fn each_damage_is_named_by_kind_file_and_line() {
    use DamageKind::{Altered, Duplicated, FileMissing, Missing, Reordered, Torn};
    let files = four_days("").await;
    let end = [last_line(&files)];
    let changed = |change: &dyn Fn(&mut Vec<File>)| {
        let mut files = files.clone();
        change(&mut files);
        found(&files, &end)
    };
    let at = |kind, day: u32, line| vec![(kind, format!("2026-03-{day:02}"), line)];
    let replace = |line: &mut Vec<u8>, from: &str, to: &str| {
        *line = String::from_utf8(line.clone()).unwrap().replacen(from, to, 1).into_bytes();
    };
    assert_eq!(changed(&|_| ()), []);
    assert_eq!(changed(&|files| replace(&mut files[0].1[2], "\"status\":200", "\"status\":500")), at(Altered, 1, 3));
    // The first line of a day, and the last line of a process.
    assert_eq!(changed(&|files| replace(&mut files[1].1[0], "basic", "basil")), at(Altered, 2, 1));
    let last = files[3].1.len() as u64;
    assert_eq!(changed(&|files| replace(files[3].1.last_mut().unwrap(), "off\":0", "off\":9")), at(Altered, 4, last));
    // The chain itself, the number, and the name of a field.
    assert_eq!(
        changed(&|files| {
            let line = &mut files[0].1[2];
            let at = String::from_utf8_lossy(line).find("\"chain\":\"").unwrap() + 9;
            line[at] = if line[at] == b'0' { b'1' } else { b'0' };
        }),
        at(Altered, 1, 3)
    );
    assert_eq!(changed(&|files| replace(&mut files[0].1[2], "\"seq\":3", "\"seq\":9")), at(Altered, 1, 3));
    assert_eq!(changed(&|files| replace(&mut files[0].1[2], "\"instance\"", "\"instants\"")), at(Altered, 1, 3));
    assert_eq!(changed(&|files| files[0].1[2] = b"no JSON\n".to_vec()), at(Altered, 1, 3));
    assert_eq!(changed(&|files| drop(files[0].1.remove(2))), at(Missing, 1, 3));
    let doubled = files[0].1[2].clone();
    assert_eq!(changed(&|files| files[0].1.insert(3, doubled.clone())), at(Duplicated, 1, 4));
    assert_eq!(changed(&|files| files[0].1.swap(2, 3)), at(Reordered, 1, 3));
    let moved = changed(&|files| {
        let line = files[0].1.pop().unwrap();
        files[1].1.insert(0, line);
    });
    assert_eq!(moved, at(Reordered, 2, 1));
    assert_eq!(changed(&|files| drop(files.remove(1))), at(FileMissing, 3, 1));
    let cut = changed(&|files| drop(files[3].1.pop()));
    assert_eq!(cut, [(Missing, String::new(), 0)]);
    let torn = changed(&|files| {
        files[3].1.last_mut().unwrap().pop();
    });
    assert_eq!(torn, [(Torn, "2026-03-04".to_owned(), files[3].1.len() as u64), (Missing, String::new(), 0)]);
}

#[tokio::test]
async fn files_in_any_order_and_under_other_names_are_whole() {
    let files = four_days("").await;
    let dir = tempfile::tempdir().unwrap();
    write(&files, dir.path());
    let path = |name: &str| dir.path().join(name);
    let (first, rest) = files[1].1.split_at(2);
    fs::write(path("session_2026-03-02.log.1"), first.concat()).unwrap();
    fs::write(path("session_2026-03-02.log"), rest.concat()).unwrap();
    fs::rename(path("session_2026-03-01.log"), path("archived")).unwrap();
    fs::write(path("session_2026-03-03.log.gz"), gzipped(&files[2].1.concat())).unwrap();
    fs::remove_file(path("session_2026-03-03.log")).unwrap();
    let given = [
        "session_2026-03-04.log",
        "session_2026-03-02.log",
        "archived",
        "session_2026-03-03.log.gz",
        "session_2026-03-02.log.1",
    ];
    let found = log_files::find(&given.map(path)).unwrap();
    let expected = [last_line(&files)];
    let task = Task { files: &found, secrets: &[], whole_folders: &[], expected: &expected, in_use: &[] };
    let whole = verify(&task, |_| ());
    assert!(whole.is_whole() && whole.notes.is_empty(), "{whole:#?}");
}

async fn verified(setup: &TestSetup, arguments: &[&str]) -> (Option<i32>, Value) {
    let arguments = [&["log", "verify", "--format", "json"], arguments].concat();
    let ran = run(setup, &arguments).await;
    (ran.code, serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}")))
}

async fn killed_after_turns(setup: &TestSetup) {
    let mut process: Process = setup.start_process().await;
    turns(&process.client, 3).await;
    process.kill().await;
}

#[tokio::test]
async fn the_log_of_a_service_is_whole_while_it_runs_and_after_a_kill() {
    let setup = TestSetup::new().with("SESSION_LOG_KEY", KEY);
    killed_after_turns(&setup).await;
    killed_after_turns(&setup).await;
    let process = setup.start_process().await;
    turns(&process.client, 3).await;
    let (code, result) = verified(&setup, &[]).await;
    assert_eq!((code, &result["whole"]), (Some(0), &json!(true)), "{result}");
    assert_eq!(result["lines_proven_by_key"], result["lines"]);
    let notes = result["notes"].to_string();
    assert!(notes.contains("is running") && notes.contains("was killed, and the next start has found"), "{notes}");
    let text = run(&setup, &["log", "verify"]).await;
    assert_eq!(text.code, Some(0));
    assert!(text.out.ends_with("Whole: no line is missing, altered, doubled or moved.\n"), "{text:?}");
    drop(process);

    let setup = setup.with("SESSION_LOG_KEY", "N3v2Zr7mQy0LxWbTt1k8Jd5uHc9sAfGe");
    let (code, result) = verified(&setup, &[]).await;
    assert_eq!((code, &result["damage"][0]["kind"]), (Some(1), &json!("unknown_key")), "{result}");
    // The key was replaced, and the old one is still known.
    let both = format!("N3v2Zr7mQy0LxWbTt1k8Jd5uHc9sAfGe,{KEY}");
    let setup = setup.with("SESSION_LOG_KEY", &both);
    killed_after_turns(&setup).await;
    assert_eq!(verified(&setup, &[]).await.0, Some(0));
    // Then it was taken away, and anybody could have written the next lines.
    let setup = setup.with("SESSION_LOG_KEY", "");
    killed_after_turns(&setup).await;
    let (code, result) = verified(&setup.with("SESSION_LOG_KEY", &both), &[]).await;
    assert_eq!((code, &result["damage"][0]["kind"]), (Some(1), &json!("unkeyed")), "{result}");
}

#[tokio::test]
async fn a_cut_tail_is_found_by_the_database_and_by_expect() {
    let setup = TestSetup::new();
    let service = setup.start().await;
    turns(&service.client, 5).await;
    service.stop().await;
    let day = day_file(&setup.log_dir());
    let text = fs::read_to_string(&day).unwrap();
    let (_, result) = verified(&setup, &[]).await;
    let process = &result["processes"][0];
    let end = format!("{}:{}", process["last_seq"], process["last_chain"].as_str().unwrap());
    assert_eq!(verified(&setup, &["--expect", &end]).await.0, Some(0));

    let cut = text.trim_end().rsplit_once('\n').unwrap().0.to_owned() + "\n";
    fs::write(&day, cut).unwrap();
    let (code, result) = verified(&setup, &[]).await;
    assert_eq!((code, &result["damage_count"]), (Some(1), &json!(1)), "{result}");
    let damage = &result["damage"][0];
    assert!(
        damage["kind"] == "missing"
            && damage["text"].to_string().contains("which the database has counted, is missing"),
        "{damage}"
    );
    // Without the database.
    let copy = setup.path().join("copy");
    fs::create_dir(&copy).unwrap();
    fs::copy(&day, copy.join(day.file_name().unwrap())).unwrap();
    assert_eq!(verified(&setup, &[copy.to_str().unwrap()]).await.0, Some(0));
    let (code, result) = verified(&setup, &[copy.to_str().unwrap(), "--expect", &end]).await;
    assert_eq!((code, &result["damage"][0]["kind"]), (Some(1), &json!("missing")), "{result}");
    fs::write(&day, text).unwrap();
    assert_eq!(verified(&setup, &[]).await.0, Some(0));
}

#[tokio::test]
async fn lines_that_only_the_database_knows_are_named() {
    let setup = TestSetup::new();
    let mut process = setup.start_process().await;
    turns(&process.client, 3).await;
    // The database has counted them when this is answered.
    process.client.get("/api/openai/usage").await.assert_ok();
    process.kill().await;
    let day = day_file(&setup.log_dir());
    let text = fs::read_to_string(&day).unwrap();
    let instance = serde_json::from_str::<Value>(text.lines().next().unwrap()).unwrap()["instance"].clone();
    // Without the first lines.
    fs::write(&day, text.split_inclusive('\n').skip(2).collect::<String>()).unwrap();
    let (code, result) = verified(&setup, &[]).await;
    assert_eq!(code, Some(0), "{result}");
    assert!(result["notes"].to_string().contains("its lines 1 to 2 are not there"), "{result}");
    // Without any file.
    fs::remove_file(&day).unwrap();
    let (code, result) = verified(&setup, &[]).await;
    assert_eq!((code, &result["damage"][0]["kind"]), (Some(1), &json!("missing")), "{result}");
    assert_eq!(result["damage"][0]["instance"], instance);
    // With another process after that.
    setup.start().await.stop().await;
    let (code, result) = verified(&setup, &[]).await;
    assert_eq!(code, Some(0), "{result}");
    let known = format!("the database has counted lines 1 to 4 of process {}", instance.as_str().unwrap());
    assert!(result["notes"].to_string().contains(&known), "{result}");
}

#[tokio::test]
async fn text_has_the_singular_for_one() {
    let setup = TestSetup::new();
    let service = setup.start().await;
    service.stop().await;
    let whole = run(&setup, &["log", "verify"]).await.out;
    assert!(whole.contains(" lines of 1 process in 1 file.\n"), "{whole}");
    fs::write(setup.path().join("one.log"), "x\n").unwrap();
    let damaged = run(&setup, &["log", "verify", "one.log"]).await.out;
    assert!(damaged.contains("\n1 line of 0 processes in 1 file.\n"), "{damaged}");
    assert!(damaged.ends_with("\nDamaged: 1 damage.\n"), "{damaged}");
}

#[tokio::test]
async fn wrong_arguments_and_unreadable_files_exit_with_2() {
    let setup = TestSetup::new();
    let file = setup.path().join("file");
    fs::write(&file, "").unwrap();
    let below_file = file.join("x");
    let empty = setup.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let missing = setup.path().join("missing");
    let rows = [
        (&[][..], "there is no file or folder"),
        (&[missing.to_str().unwrap()], "there is no file or folder"),
        (&[below_file.to_str().unwrap()], "is not a folder"),
        (&[empty.to_str().unwrap()], "has no session log"),
        (&["--expect", "17"], "expected a line's number, a colon and its chain"),
        (&["--expect", "17:6F1D0C0A5B9E3F27D4A8C1E07B52964D"], "expected a line's number"),
        (&["--format", "xml"], "xml"),
    ];
    assert_wrong_arguments(&setup, &["log", "verify"], &rows).await;
}

#[tokio::test]
async fn lines_of_earlier_versions_are_counted_and_others_named() {
    let dir = tempfile::tempdir().unwrap();
    let old = r#"{"event":"chat","timestamp":"2026-01-01T10:00:00Z","date":"2026-01-01","user":"ada"}"#;
    let instance = "01a22757-0b80-7c41-9d5e-2f0a4c1b7e63";
    let numbered = |seq: u64| {
        format!(
            r#"{{"event":"chat","timestamp":"2026-01-01T10:00:00Z","date":"2026-01-01","v":1,"instance":"{instance}","seq":{seq},"x":0}}"#
        )
    };
    let text = format!("{old}\n{old}\n{}\n{}\n", numbered(1), numbered(2));
    let verify = |text: &[u8]| {
        fs::write(dir.path().join("session_2026-01-01.log"), text).unwrap();
        let files = log_files::find_in(dir.path()).unwrap();
        let whole_folders = [dir.path()];
        let task = Task { files: &files, secrets: &[], whole_folders: &whole_folders, expected: &[], in_use: &[] };
        verify(&task, |_| ())
    };
    let whole = verify(text.as_bytes());
    assert!(whole.is_whole(), "{whole:#?}");
    assert_eq!((whole.lines, whole.unstamped, whole.unchained), (4, 2, 2));
    assert!(verify(b"").is_whole());
    let long = vec![b'x'; 70 << 20];
    for other in
        [&b"\xff\xfe"[..], b"\0\0\0", b"", b"[1]", b"{\"event\":", b"{\"event\":\"chat\",\"user\":\"\xff\"}", &long]
    {
        let damaged = verify(&[text.as_bytes(), other, b"\n"].concat());
        let damage = damaged.damage.iter().map(|damage| (damage.kind, damage.place.as_ref().unwrap().1));
        assert_eq!(damage.collect::<Vec<_>>(), [(DamageKind::Altered, 5)], "{damaged:#?}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_closed_pipe_ends_the_verification_quietly() {
    let setup = TestSetup::new();
    let service = setup.start().await;
    service.stop().await;
    let ran = run_script(&setup, r#""$0" log verify --format json 2>&1 | head -c 1; "$0" log verify | true"#).await;
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("{", ""));
}
