//! Lines and processes that somebody has added to a log, and files that end with a part of a line.

use std::{fs, path::PathBuf};

use al_chat::{
    adapters::log_files,
    domain::log_chain::{Chain, ChainHasher},
    services::log_verification::{DamageKind, Task, Verification, verify},
};
use serde_json::Value;
use uuid::Uuid;

use super::{File, KEY, four_days, last_line, verified, verify_files, write};
use crate::support::{
    gzip::gzipped,
    service::{TestSetup, day_file},
};

/// An id that is older than those of processes that run now.
const OLDER: &str = "019a3e5e-ec27-784a-a95a-2f1251a06411";

/// The time and the date of a line.
const TIMESTAMP: &str = "12:00:00.000000Z";

/// A process whose lines are chained without a key.
pub(super) struct ForgedProcess {
    instance: String,
    date: &'static str,
    seq: u64,
    chain: Chain,
    is_chained: bool,
}

impl ForgedProcess {
    pub(super) fn new(instance: &str, date: &'static str) -> Self {
        Self { instance: instance.to_owned(), date, seq: 0, chain: Chain::START, is_chained: true }
    }

    fn without_chain(instance: &str, date: &'static str) -> Self {
        Self { is_chained: false, ..Self::new(instance, date) }
    }

    /// Returns the next line, with its line feed. `fields` begin with a comma.
    pub(super) fn line(&mut self, event: &str, fields: &str) -> Vec<u8> {
        self.seq += 1;
        let (date, instance, seq) = (self.date, &self.instance, self.seq);
        let head = format!(
            r#"{{"event":"{event}","timestamp":"{date}T{TIMESTAMP}","date":"{date}","v":1,"instance":"{instance}","seq":{seq}"#
        );
        let rest = format!("{fields}}}");
        self.chain = ChainHasher::without_key().chain(self.chain, head.as_bytes(), rest.as_bytes());
        let chain = if self.is_chained { format!(r#","chain":"{}""#, self.chain) } else { String::new() };
        format!("{head}{chain}{rest}\n").into_bytes()
    }

    /// Returns the lines of a whole run. `previous` is the field of the start, with its comma.
    fn run(mut self, previous: &str) -> Vec<Vec<u8>> {
        let fields = format!(r#","version":"0.2.0","pid":1,"model":"m","demo_mode":true{previous}"#);
        let start = self.line("service_start", &fields);
        vec![start, self.line("chat", r#","cost_usd":99"#), self.line("service_stop", r#","uptime_seconds":1"#)]
    }
}

fn day(date: &str) -> String {
    format!("session_{date}.log")
}

/// Returns a turn's line as version 0.1 wrote it.
fn line_of_0_1(date: &str) -> Vec<u8> {
    format!("{{\"event\":\"chat\",\"timestamp\":\"{date}T{TIMESTAMP}\",\"date\":\"{date}\",\"cost_usd\":99}}\n")
        .into_bytes()
}

fn kinds(verification: &Verification) -> Vec<DamageKind> {
    verification.damage.iter().map(|damage| damage.kind).collect()
}

fn instance(line: &[u8]) -> String {
    let line: Value = serde_json::from_slice(line).unwrap();
    line["instance"].as_str().unwrap().to_owned()
}

/// Returns the file and the line at which the second process begins.
fn second_start(files: &[File]) -> (usize, usize) {
    let first = instance(&files[0].1[0]);
    let place = |(file, (_, lines)): (usize, &File)| {
        lines.iter().position(|line| instance(line) != first).map(|line| (file, line))
    };
    files.iter().enumerate().find_map(place).unwrap()
}

#[tokio::test]
async fn lines_without_a_number_are_damage_after_numbered_ones() {
    for key in ["", KEY] {
        let files = four_days(key).await;
        let end = [last_line(&files)];
        let changed = |change: &dyn Fn(&mut Vec<File>)| {
            let mut files = files.clone();
            change(&mut files);
            let found = verify_files(&files, key, &end);
            (kinds(&found), found.unstamped)
        };
        let unproven = |count| (vec![DamageKind::Unproven], count);
        for file in [0, 1, 3] {
            assert_eq!(changed(&|files| files[file].1.push(line_of_0_1("2026-03-01"))), unproven(1));
        }
        let between = |files: &mut Vec<File>| {
            files[2].1 = vec![line_of_0_1("2026-03-03"); 3];
        };
        assert!(changed(&between).0.contains(&DamageKind::Unproven));
        let after = (day("2026-03-05"), vec![line_of_0_1("2026-03-05"); 2]);
        assert_eq!(changed(&|files| files.push(after.clone())), unproven(2));
        assert_eq!(changed(&|files| files[3].1.push(b"{\"x\":1}\n".to_vec())), (vec![DamageKind::Altered], 0));
        // Numbers that no line can have.
        for number in ["0", "18446744073709551615"] {
            let line = String::from_utf8(files[3].1.last().unwrap().clone()).unwrap();
            let (before, after) = line.split_once(",\"seq\":").unwrap();
            let (_, after) = after.split_once(',').unwrap();
            let line = format!("{before},\"seq\":{number},{after}");
            assert_eq!(changed(&|files| files[3].1.push(line.clone().into_bytes())), unproven(1), "{number}");
        }
        // An earlier version has written before.
        let before = (day("2026-02-28"), vec![line_of_0_1("2026-02-28"); 2]);
        assert_eq!(changed(&|files| files.insert(0, before.clone())), (vec![], 2));
        assert_eq!(changed(&|files| files[0].1.insert(0, line_of_0_1("2026-03-01"))), (vec![], 1));
    }
}

#[tokio::test]
async fn lines_of_0_1_in_a_renamed_file_count_by_their_date() {
    let dir = tempfile::tempdir().unwrap();
    let files = four_days("").await;
    write(&files, dir.path());
    let renamed = dir.path().join("archived");
    let verified = |dates: &[&str]| {
        fs::write(&renamed, dates.iter().flat_map(|date| line_of_0_1(date)).collect::<Vec<_>>()).unwrap();
        let paths = files.iter().map(|(name, _)| dir.path().join(name)).chain([renamed.clone()]);
        let found = log_files::find(&paths.collect::<Vec<PathBuf>>()).unwrap();
        let task = Task { files: &found, secrets: &[], whole_folders: &[], expected: &[], in_use: &[] };
        let result = verify(&task, |_| ());
        result.damage.iter().map(|damage| (damage.kind, damage.place.as_ref().unwrap().1)).collect::<Vec<_>>()
    };
    assert_eq!(verified(&["2025-12-31", "2026-02-28"]), []);
    assert_eq!(verified(&["2026-02-28", "2026-03-02"]), [(DamageKind::Unproven, 2)]);
}

#[tokio::test]
async fn a_process_without_chains_is_damage_after_chained_ones() {
    let newer = "7fff3e5e-ec27-784a-a95a-2f1251a06411";
    for key in ["", KEY] {
        let mut files = four_days(key).await;
        let end = [last_line(&files)];
        let start_of_old = ForgedProcess::without_chain(OLDER, "2026-02-28").line("service_start", "");
        let mut upgraded = files.clone();
        upgraded.push((day("2026-02-28"), vec![start_of_old]));
        // The first process with chains has found another one before it than the one that is there.
        assert_eq!(kinds(&verify_files(&upgraded, key, &end)), [DamageKind::Added]);
        files[3].1.extend(ForgedProcess::without_chain(newer, "2026-03-04").run(""));
        assert_eq!(kinds(&verify_files(&files, key, &[])), [DamageKind::Unproven]);
    }
}

#[tokio::test]
async fn a_process_that_no_start_has_found_is_damage() {
    let files = four_days("").await;
    let end = [last_line(&files)];
    let first = ForgedProcess::new(OLDER, "2026-02-28").run(r#","previous":null"#);
    let mut older = files.clone();
    older.push((day("2026-02-28"), first.clone()));
    let found = verify_files(&older, "", &end);
    assert_eq!(kinds(&found), [DamageKind::Added], "{found:#?}");
    assert_eq!(found.damage[0].place.as_ref().unwrap().1, 1);
    assert!(found.damage[0].text.contains("has found none as the one before"), "{found:#?}");

    // Between both real processes.
    let (file, line) = second_start(&files);
    let (real, next) = (instance(&files[0].1[0]), instance(&files[file].1[line]));
    // The id that follows the first one.
    let between = Uuid::from_u128(real.parse::<Uuid>().unwrap().as_u128() + 1).to_string();
    assert!(between < next);
    let date: &'static str = ["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04"][file];
    let mut forged = files.clone();
    let previous = format!(r#","previous":{{"instance":"{real}","seq":1,"chain":null,"stopped":true}}"#);
    let lines = ForgedProcess::new(&between, date).run(&previous);
    forged[file].1.splice(line..line, lines);
    let found = verify_files(&forged, "", &end);
    assert_eq!(kinds(&found), [DamageKind::Added], "{found:#?}");
    assert_eq!(found.damage[0].instance.unwrap().to_string(), between);

    // A start does not read compressed files, so it may have missed this process.
    let dir = tempfile::tempdir().unwrap();
    write(&files, dir.path());
    fs::write(dir.path().join("session_2026-02-28.log.gz"), gzipped(&first.concat())).unwrap();
    let found = log_files::find_in(dir.path()).unwrap();
    let whole_folders = [dir.path()];
    let task = Task { files: &found, secrets: &[], whole_folders: &whole_folders, expected: &[], in_use: &[] };
    let found = verify(&task, |_| ());
    assert!(found.is_whole(), "{found:#?}");
    assert!(found.notes.iter().any(|note| note.contains("if its file was compressed then")), "{found:#?}");
}

#[tokio::test]
async fn only_the_file_that_is_written_may_end_within_a_line() {
    let files = four_days("").await;
    let torn = |file: usize, cut: usize, in_use: bool| {
        let dir = tempfile::tempdir().unwrap();
        let mut files = files.clone();
        let last = files[file].1.last_mut().unwrap();
        last.truncate(last.len() - cut);
        write(&files, dir.path());
        let found = log_files::find_in(dir.path()).unwrap();
        let folders = [dir.path()];
        let in_use = if in_use { &folders[..] } else { &[] };
        let task = Task { files: &found, secrets: &[], whole_folders: &folders, expected: &[], in_use };
        let torn = verify(&task, |_| ()).damage.into_iter().filter(|damage| damage.kind == DamageKind::Torn);
        torn.map(|damage| damage.text).collect::<Vec<_>>()
    };
    for file in 0..4 {
        for in_use in [false, true] {
            let is_written = in_use && file == 3;
            assert_eq!(torn(file, 9, in_use).len(), usize::from(!is_written), "{file} {in_use}");
        }
    }
    assert!(torn(0, 9, true)[0].contains("ends with a part of a line"));
    assert!(torn(0, 1, true)[0].contains("has no line feed, but is whole otherwise"));
}

#[tokio::test]
async fn archived_files_that_are_proven_by_a_key_may_be_added() {
    let setup = TestSetup::new().with("SESSION_LOG_KEY", KEY);
    let day = || day_file(&setup.log_dir());
    setup.start().await.stop().await;
    let text = fs::read(day()).unwrap();
    fs::remove_file(day()).unwrap();
    setup.start().await.stop().await;
    // Back under the name of a rotated file.
    let name = format!("{}.1", day().display());
    fs::write(name, text).unwrap();
    let (code, result) = verified(&setup, &[]).await;
    assert_eq!(code, Some(0), "{result}");
    assert!(result["notes"].to_string().contains("if its files were not in the folder then"), "{result}");
}
