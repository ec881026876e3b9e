//! Retention of the session log: `SESSION_LOG_COMPRESS_AFTER` and `SESSION_LOG_KEEP`. After each step, and after a kill at each
//! step, each line is in the log once, and the tools read it as before.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::Duration,
};

use al_chat::{
    adapters::log_files::{self, Followed, Follower, Reader},
    domain::log_chain::{Chain, ChainHasher},
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::Value;

use crate::{
    command_line::run,
    support::{
        client::Client,
        log_check::read_plain,
        manual_clock::ManualClock,
        service::{Service, TestSetup, wait_until},
    },
};

const DAY: Duration = Duration::from_hours(24);

/// The id of a process that ran long ago.
const OLD_INSTANCE: &str = "019a3e5e-ec27-784a-a95a-2f1251a06411";

/// The id of a process that will run, of which the database has counted nothing.
const FUTURE_INSTANCE: &str = "7fff3e5e-ec27-784a-a95a-2f1251a06411";

/// Returns lines of a process on a day, with numbers from `first` on and with a text that compresses badly.
fn lines(instance: &str, date: &str, first: u64, count: u64, padding: usize) -> String {
    let mut random = StdRng::seed_from_u64(first);
    let line = |seq: u64| {
        let padding = (0..padding).map(|_| char::from(random.random_range(b'a'..=b'z'))).collect::<String>();
        format!(
            "{{\"event\":\"session_start\",\"timestamp\":\"{date}T08:00:00.000000Z\",\"date\":\"{date}\",\"v\":1,\"instance\":\"{instance}\",\"seq\":{seq},\"session_id\":\"{padding}\"}}\n"
        )
    };
    (first..first + count).map(line).collect()
}

fn plain(setup: &TestSetup, date: &str) -> PathBuf {
    setup.log_dir().join(format!("session_{date}.log"))
}

fn compressed(setup: &TestSetup, date: &str) -> PathBuf {
    setup.log_dir().join(format!("session_{date}.log.zst"))
}

fn write_day(setup: &TestSetup, date: &str, text: &str) {
    fs::create_dir_all(setup.log_dir()).unwrap();
    fs::write(plain(setup, date), text).unwrap();
}

/// Returns the names in the log's folder, without the lock and the streams on record.
fn names(setup: &TestSetup) -> Vec<String> {
    let entries = fs::read_dir(setup.log_dir()).unwrap();
    let mut names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>();
    names.retain(|name| name != ".lock" && name != ".open_streams");
    names.sort();
    names
}

/// Returns the text of each day, over all its files from the oldest one on.
fn days(setup: &TestSetup) -> BTreeMap<String, String> {
    let mut days = BTreeMap::<String, String>::new();
    let mut names = names(setup);
    names.retain(|name| !name.starts_with('.'));
    // Rotated ones are older, and compressed ones are older than plain ones.
    names.sort_by_key(|name| {
        let rotation = name[22..].split('.').find_map(|part| part.parse::<u64>().ok()).unwrap_or_default();
        (name[..18].to_owned(), Reverse(rotation), name.len() == 22)
    });
    for name in &names {
        let text = String::from_utf8(read_plain(&setup.log_dir().join(name)).unwrap()).unwrap();
        *days.entry(name[8..18].to_owned()).or_default() += &text;
    }
    days
}

async fn turns(client: &Client, count: usize) {
    for _ in 0..count {
        client.chat("hello").await.assert_ok();
    }
    // The database has counted them when this is answered.
    client.get("/api/openai/usage").await.assert_ok();
}

async fn wait_for_file(path: &Path) {
    wait_until(&format!("{}", path.display()), async || path.exists().then_some(())).await;
}

async fn wait_until_gone(path: &Path) {
    wait_until(&format!("the end of {}", path.display()), async || (!path.exists()).then_some(())).await;
}

async fn verified(setup: &TestSetup) -> (Option<i32>, Value) {
    let ran = run(setup, &["log", "verify", "--format", "json"]).await;
    (ran.code, serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}")))
}

async fn assert_whole(setup: &TestSetup) -> Value {
    let (code, result) = verified(setup).await;
    assert_eq!(code, Some(0), "{result:#}");
    result
}

/// A service whose days a clock counts.
struct Days {
    setup: TestSetup,
    clock: ManualClock,
    service: Service,
}

impl Days {
    /// Starts on 2026-03-01 at noon, and takes three turns.
    async fn start(settings: &[(&str, &str)]) -> Self {
        // The time by which files are deleted is that of the database, which PostgreSQL has from the system.
        let setup = TestSetup::new().on_sqlite().with_all(settings);
        let clock = ManualClock::at("2026-03-01T12:00:00Z");
        let service = setup.start_with_clock(clock.clock("UTC")).await;
        turns(&service.client, 3).await;
        Self { setup, clock, service }
    }

    /// Goes to the next day, takes three turns, and lets the next run begin.
    async fn next(&self) {
        self.clock.advance(DAY);
        turns(&self.service.client, 3).await;
        self.clock.advance(Duration::from_hours(1));
    }
}

#[tokio::test]
async fn days_are_compressed_and_read_as_before() {
    let days_before = {
        let days = Days::start(&[]).await;
        for _ in 0..3 {
            days.next().await;
        }
        days
    };
    let Days { setup, clock, service } = days_before;
    service.stop().await;
    let (before, report) = (days(&setup), ["log", "report", "--until", "2026-03-03", "--format", "json"]);
    assert_eq!(names(&setup).len(), 4);
    let (reported, whole) = (run(&setup, &report).await, assert_whole(&setup).await);
    let session = serde_json::from_str::<Value>(before["2026-03-01"].lines().nth(1).unwrap()).unwrap();
    let show = ["log", "show", session["request_id"].as_str().unwrap()];
    let shown = run(&setup, &show).await;

    let setup = setup.with("SESSION_LOG_COMPRESS_AFTER", "1").with("FILE_MODE", "0640");
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    wait_for_file(&compressed(&setup, "2026-03-02")).await;
    service.stop().await;
    let name = |date: &str, ending: &str| format!("session_2026-03-{date}.log{ending}");
    assert_eq!(names(&setup), [name("01", ".zst"), name("02", ".zst"), name("03", ""), name("04", "")]);
    let mut after = days(&setup);
    let today = after.insert("2026-03-04".to_owned(), before["2026-03-04"].clone()).unwrap();
    assert!(after == before && today.starts_with(&before["2026-03-04"]), "{after:#?}");
    let after = assert_whole(&setup).await;
    assert_eq!(after["processes"][0], whole["processes"][0]);
    assert_eq!(after["damage_count"], 0);
    let figures = |text: &str| {
        let mut report = serde_json::from_str::<Value>(text).unwrap();
        // The second process has written further lines, and files have other names.
        for field in ["files", "lines"] {
            report.as_object_mut().unwrap().remove(field);
        }
        report
    };
    assert_eq!(figures(&run(&setup, &report).await.out), figures(&reported.out));
    assert_eq!(run(&setup, &show).await.out, shown.out);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let data = fs::metadata(compressed(&setup, "2026-03-01")).unwrap();
        assert_eq!(data.permissions().mode() & 0o777, 0o640);
    }
    // The next start finds the end of the log, and the standard program can read the days.
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    service.stop().await;
    let starts = assert_whole(&setup).await["processes"].as_array().unwrap().len();
    assert_eq!(starts, 3);
}

#[tokio::test]
async fn without_settings_nothing_changes() {
    let setup = TestSetup::new();
    write_day(&setup, "2020-01-01", &lines(OLD_INSTANCE, "2020-01-01", 1, 5, 10));
    let service = setup.start().await;
    turns(&service.client, 1).await;
    assert_eq!(service.client.get("/api/health/ready").await.status, 200);
    service.stop().await;
    assert_eq!(names(&setup)[0], "session_2020-01-01.log");
    assert_eq!(setup.log_lines("log_deleted").len(), 0);
}

#[tokio::test]
async fn a_kill_at_each_step_is_completed_by_the_next_start() {
    let text = lines(OLD_INSTANCE, "2026-01-01", 1, 200, 20);
    let zstd = zstd::encode_all(text.as_bytes(), 3).unwrap();
    let half = &zstd[..zstd.len() / 2];
    let part = ".session_2026-01-01.log.zst.part";
    let (day, other) = ("session_2026-01-01.log", "session_2026-01-01.log.zst");
    let earlier = lines(OLD_INSTANCE, "2026-01-01", 201, 5, 20);
    // Files after a kill: while the copy is written, after it, after the first rename, and with a day of two files while the
    // older one is moved, before and after the first rename.
    let older = zstd::encode_all(earlier.as_bytes(), 3).unwrap();
    let states: [&[(&str, &[u8])]; 5] = [
        &[(day, text.as_bytes()), (part, half)],
        &[(day, text.as_bytes()), (part, &zstd)],
        &[(day, &zstd)],
        &[(day, text.as_bytes()), (part, &zstd), ("session_2026-01-01.log.1.zst", &older)],
        &[(day, &zstd), ("session_2026-01-01.log.1.zst", &older)],
    ];
    for state in states {
        for compress_after in ["1", ""] {
            let setup = TestSetup::new().with("SESSION_LOG_COMPRESS_AFTER", compress_after);
            fs::create_dir_all(setup.log_dir()).unwrap();
            for (name, bytes) in state {
                fs::write(setup.log_dir().join(name), bytes).unwrap();
            }
            let expected = if state.len() > 2 || state[1 % state.len()].0.contains(".1.") {
                earlier.clone() + &text
            } else {
                text.clone()
            };
            assert_eq!(days(&setup)["2026-01-01"], expected, "before the start");
            let service = setup.start().await;
            let is_compressed = !compress_after.is_empty() || state[0].1 == zstd;
            if is_compressed {
                wait_for_file(&setup.log_dir().join(other)).await;
                wait_until_gone(&setup.log_dir().join(day)).await;
            }
            service.stop().await;
            assert_eq!(days(&setup)["2026-01-01"], expected, "{:?}", names(&setup));
            assert!(!setup.log_dir().join(part).exists());
            assert_eq!(setup.log_dir().join(other).exists(), is_compressed, "{:?}", names(&setup));
        }
    }
}

#[tokio::test]
async fn kills_while_large_days_are_compressed_lose_and_double_nothing() {
    let setup = TestSetup::new().with("SESSION_LOG_COMPRESS_AFTER", "0");
    let dates = (1..=6).map(|day| format!("2026-01-{day:02}")).collect::<Vec<_>>();
    let mut next = 1;
    for date in &dates {
        write_day(&setup, date, &lines(OLD_INSTANCE, date, next, 500, 800));
        next += 500;
    }
    let before = days(&setup);
    let mut random = StdRng::seed_from_u64(7);
    let (mut rounds, mut seen) = (0, BTreeSet::new());
    while dates.iter().any(|date| plain(&setup, date).exists()) {
        let mut process = setup.start_process().await;
        tokio::time::sleep(Duration::from_millis(random.random_range(0..250))).await;
        process.kill().await;
        let after = days(&setup);
        assert!(dates.iter().all(|date| after[date] == before[date]), "{:?}", names(&setup));
        seen.insert(names(&setup));
        rounds += 1;
        assert!(rounds < 200, "{:?}", names(&setup));
    }
    assert!(seen.len() > 2, "{rounds} rounds: {seen:?}");
    assert_whole(&setup).await;
}

#[tokio::test]
async fn a_late_line_of_a_compressed_day_gets_a_file_of_its_own() {
    let days = Days::start(&[("SESSION_LOG_COMPRESS_AFTER", "0")]).await;
    let (setup, client) = (&days.setup, &days.service.client);
    days.next().await;
    let day = compressed(setup, "2026-03-01");
    wait_for_file(&day).await;
    for (late, files) in [(1, 2), (2, 3)] {
        days.clock.jump(-26);
        turns(client, 1).await;
        assert!(plain(setup, "2026-03-01").exists());
        days.clock.jump(26);
        turns(client, 1).await;
        days.clock.advance(Duration::from_hours(1));
        wait_until_gone(&plain(setup, "2026-03-01")).await;
        wait_for_file(&setup.log_dir().join(format!("session_2026-03-01.log.{late}.zst"))).await;
        wait_for_file(&day).await;
        assert_eq!(names(setup).iter().filter(|name| name.contains("03-01")).count(), files);
        assert_whole(setup).await;
    }
    days.service.stop().await;
    assert_whole(&days.setup).await;
}

#[tokio::test]
async fn a_file_that_cannot_be_compressed_stays_and_is_tried_again() {
    let days = Days::start(&[("SESSION_LOG_COMPRESS_AFTER", "0")]).await;
    // A folder in the place of the copy.
    let obstacle = days.setup.log_dir().join(".session_2026-03-01.log.zst.part");
    fs::create_dir(&obstacle).unwrap();
    fs::write(obstacle.join("file"), "").unwrap();
    days.next().await;
    days.next().await;
    wait_for_file(&compressed(&days.setup, "2026-03-02")).await;
    assert!(plain(&days.setup, "2026-03-01").exists());
    assert_whole(&days.setup).await;
    fs::remove_dir_all(obstacle).unwrap();
    days.clock.advance(Duration::from_hours(1));
    wait_for_file(&compressed(&days.setup, "2026-03-01")).await;
    days.service.stop().await;
    assert_whole(&days.setup).await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_to_nothing_keeps_no_other_day_plain() {
    let days = Days::start(&[("SESSION_LOG_COMPRESS_AFTER", "0")]).await;
    let link = plain(&days.setup, "2026-02-01");
    std::os::unix::fs::symlink(days.setup.path().join("nothing"), &link).unwrap();
    days.next().await;
    wait_for_file(&compressed(&days.setup, "2026-03-01")).await;
    days.service.stop().await;
    fs::remove_file(link).unwrap();
    assert_whole(&days.setup).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn on_a_full_disk_the_plain_file_stays() {
    let setup = TestSetup::new().on_sqlite().with("SESSION_LOG_COMPRESS_AFTER", "0");
    let text = lines(OLD_INSTANCE, "2026-01-01", 1, 4000, 800);
    write_day(&setup, "2026-01-01", &text);
    // No file may grow beyond 1 MiB, which stands for a full disk.
    let limited = setup.command_by_script("trap '' XFSZ; ulimit -f 2048; exec \"$0\"");
    let mut process = setup.start_command(limited).await;
    let line = process.wait_for_line("neither compressed nor deleted").await;
    assert!(line.contains("session_2026-01-01.log"), "{line}");
    turns(&process.client, 1).await;
    process.terminate();
    assert_eq!(process.exit_code().await, Some(0));
    assert_eq!(names(&setup).len(), 2, "{:?}", names(&setup));
    assert_eq!(days(&setup)["2026-01-01"], text);
}

#[tokio::test]
async fn lines_that_the_database_has_not_counted_stay_where_they_are() {
    let setup = TestSetup::new().on_sqlite().with("SESSION_LOG_COMPRESS_AFTER", "0").with("SESSION_LOG_KEEP", "30");
    let days = [("2026-01-01", FUTURE_INSTANCE), ("2026-01-02", OLD_INSTANCE)];
    for (date, instance) in days {
        write_day(&setup, date, &lines(instance, date, 1, 5, 10));
    }
    // A day that may be compressed shows that a run has passed the others.
    write_day(&setup, "2026-03-09", &lines(OLD_INSTANCE, "2026-03-09", 6, 5, 10));
    let clock = ManualClock::at("2026-03-10T12:00:00Z");
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    wait_for_file(&compressed(&setup, "2026-03-09")).await;
    service.stop().await;
    // Only the beginning of the log is deleted, so the second day stays, too.
    assert!(days.iter().all(|(date, _)| plain(&setup, date).exists()), "{:?}", names(&setup));
    assert_eq!(setup.log_lines("log_deleted").len(), 0);
}

#[tokio::test]
async fn nothing_is_deleted_behind_a_file_that_cannot_be_read() {
    let setup = TestSetup::new().on_sqlite().with("SESSION_LOG_COMPRESS_AFTER", "0").with("SESSION_LOG_KEEP", "30");
    for (date, first) in [("2026-01-02", 1), ("2026-03-09", 6)] {
        write_day(&setup, date, &lines(OLD_INSTANCE, date, first, 5, 10));
    }
    let damaged = setup.log_dir().join("session_2026-01-01.log.gz");
    fs::write(&damaged, "not gzip").unwrap();
    let clock = ManualClock::at("2026-03-10T12:00:00Z");
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    wait_for_file(&compressed(&setup, "2026-03-09")).await;
    clock.advance(DAY);
    turns(&service.client, 1).await;
    // The run on this day has passed the files to delete.
    wait_for_file(&compressed(&setup, "2026-03-10")).await;
    assert!(plain(&setup, "2026-01-02").exists() && setup.log_lines("log_deleted").is_empty());
    fs::remove_file(damaged).unwrap();
    clock.advance(Duration::from_hours(1));
    wait_until_gone(&plain(&setup, "2026-01-02")).await;
    service.stop().await;
}

#[tokio::test]
async fn turns_of_a_locked_database_are_compressed_when_they_are_counted() {
    let days = Days::start(&[("SESSION_LOG_COMPRESS_AFTER", "0")]).await;
    let lock = days.setup.lock_database().await;
    // Logged, and not counted.
    days.service.client.chat("hello").await;
    days.clock.advance(DAY);
    days.service.client.chat("hello").await;
    lock.release().await;
    days.service.client.wait_for_readiness(200).await;
    turns(&days.service.client, 1).await;
    let logged = days.setup.log_lines("chat").len();
    days.clock.advance(Duration::from_hours(1));
    wait_for_file(&compressed(&days.setup, "2026-03-01")).await;
    let counted = days.service.client.get("/api/openai/usage").await.assert_ok()["request_count"].as_u64();
    assert_eq!(counted, Some(logged as u64));
    days.service.stop().await;
    assert_whole(&days.setup).await;
}

#[tokio::test]
async fn deleted_days_are_declared_and_the_log_follows_their_end() {
    let settings = [("SESSION_LOG_KEEP", "2"), ("SESSION_LOG_COMPRESS_AFTER", "1")];
    let days = Days::start(&settings).await;
    // The file that has the first declaration is itself deleted on the eighth day.
    for day in 2..=10 {
        days.next().await;
        if day > 2 {
            wait_for_file(&compressed(&days.setup, &format!("2026-03-{:02}", day - 2))).await;
        }
        if day > 3 {
            wait_until_gone(&compressed(&days.setup, &format!("2026-03-{:02}", day - 3))).await;
            let result = assert_whole(&days.setup).await;
            assert!(result["lines_deleted"].as_u64() > Some(2), "{result}");
            assert_eq!(result["notes"].as_array().unwrap().len(), 2, "{result}");
            assert!(result["notes"].to_string().contains("deleted by SESSION_LOG_KEEP"), "{result}");
        }
    }
    let setup = &days.setup;
    days.service.stop().await;
    assert_whole(setup).await;
    // A start after that follows, too.
    let service = setup.start_with_clock(days.clock.clock("UTC")).await;
    service.stop().await;
    let result = assert_whole(setup).await;
    let mut declared = setup.log_lines("log_deleted");
    declared.retain(|line| line["date"] == "2026-03-10");
    let [line] = declared.as_slice() else { panic!("{declared:?}") };
    assert_eq!(line["file"], "session_2026-03-07.log.zst");
    let last = &line["runs"][0];
    let lines = last["last_seq"].as_u64().unwrap() - last["first_seq"].as_u64().unwrap() + 1;
    assert_eq!((line["lines"].as_u64(), line["runs"].as_array().unwrap().len()), (Some(lines), 1));
    assert_eq!(last["instance"], result["processes"][0]["instance"]);
    assert_eq!(result["processes"][0]["first_seq"].as_u64(), Some(last["last_seq"].as_u64().unwrap() + 1));
    // Single files do not tell where the log begins.
    for name in names(setup) {
        let file = setup.log_dir().join(name);
        let ran = run(setup, &["log", "verify", file.to_str().unwrap()]).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
    // People see it, and figures are those of what is left.
    let shown = run(setup, &["log", "tail", "-n", "50"]).await;
    assert!(shown.out.contains("log_deleted") && shown.out.contains("runs=1"), "{shown:?}");
    let report = run_report(setup).await;
    assert_eq!(report["turns"]["turns"], 9, "{report}");
}

#[tokio::test]
async fn declarations_from_before_the_first_secret_are_not_needed() {
    let days = Days::start(&[("SESSION_LOG_KEEP", "2")]).await;
    for _ in 2..=4 {
        days.next().await;
    }
    wait_until_gone(&plain(&days.setup, "2026-03-01")).await;
    let Days { setup, clock, service } = days;
    service.stop().await;
    let setup = setup.with("SESSION_LOG_KEY", "9f86d081884c7d659a2feaa0c55ad015");
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    let days = Days { setup, clock, service };
    for _ in 5..=6 {
        days.next().await;
    }
    wait_until_gone(&plain(&days.setup, "2026-03-03")).await;
    days.service.stop().await;
    let result = assert_whole(&days.setup).await;
    assert!(result["notes"].to_string().contains("without the secret"), "{result}");
}

#[tokio::test]
async fn a_declared_day_that_is_there_in_part_or_with_another_end_is_damage() {
    let days = Days::start(&[("SESSION_LOG_KEEP", "2")]).await;
    let first_day = fs::read_to_string(plain(&days.setup, "2026-03-01")).unwrap();
    for _ in 2..=5 {
        days.next().await;
    }
    wait_until_gone(&plain(&days.setup, "2026-03-02")).await;
    let Days { setup, service, .. } = days;
    service.stop().await;
    let lines = first_day.split_inclusive('\n').collect::<Vec<_>>();
    let (last, before) = lines.split_last().unwrap();
    // The last line with another time, and with the chain that follows.
    let (head, rest) = last.split_once(r#","chain":""#).unwrap();
    let (head, rest) = (head.replacen("T12:00:00", "T12:00:01", 1), &rest[33..]);
    let chain_before = &before.last().unwrap().split_once(r#","chain":""#).unwrap().1[..32];
    let chain_before = Chain::parse(chain_before.as_bytes()).unwrap();
    let chain = ChainHasher::without_key().chain(chain_before, head.as_bytes(), rest.trim_end().as_bytes());
    let altered = format!("{}{head},\"chain\":\"{chain}\"{rest}", before.concat());
    assert_ne!(altered, first_day);
    for (text, code) in [(first_day.clone(), 0), (altered, 1), (lines[1..].concat(), 1), (before.concat(), 1)] {
        write_day(&setup, "2026-03-01", &text);
        let (found, result) = verified(&setup).await;
        assert_eq!(found, Some(code), "{text} {result:#}");
    }
}

async fn run_report(setup: &TestSetup) -> Value {
    let ran = run(setup, &["log", "report", "--format", "json"]).await;
    serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"))
}

#[tokio::test]
async fn a_declared_day_that_is_still_there_is_no_damage() {
    let days = Days::start(&[("SESSION_LOG_KEEP", "2")]).await;
    let first_day = fs::read(plain(&days.setup, "2026-03-01")).unwrap();
    for _ in 2..=4 {
        days.next().await;
    }
    wait_until_gone(&plain(&days.setup, "2026-03-01")).await;
    days.service.stop().await;
    // As after a kill between the declaration and the deletion.
    fs::write(plain(&days.setup, "2026-03-01"), first_day).unwrap();
    assert_whole(&days.setup).await;
    let service = days.setup.start_with_clock(days.clock.clock("UTC")).await;
    wait_until_gone(&plain(&days.setup, "2026-03-01")).await;
    service.stop().await;
    let declared = days.setup.log_lines("log_deleted");
    assert_eq!((declared.len(), &declared[0]["runs"]), (2, &declared[1]["runs"]));
    let result = assert_whole(&days.setup).await;
    assert_eq!(result["lines_deleted"], declared[0]["lines"]);
}

#[tokio::test]
async fn a_clock_that_is_set_ahead_deletes_nothing() {
    let days = Days::start(&[("SESSION_LOG_KEEP", "5"), ("SESSION_LOG_COMPRESS_AFTER", "1")]).await;
    days.next().await;
    days.clock.jump(24 * 400);
    turns(&days.service.client, 1).await;
    days.clock.advance(Duration::from_hours(1));
    wait_for_file(&compressed(&days.setup, "2026-03-02")).await;
    assert!(compressed(&days.setup, "2026-03-01").exists());
    days.clock.jump(-24 * 400);
    days.service.stop().await;
    assert_eq!(days.setup.log_lines("log_deleted").len(), 0);
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
                lines.push(serde_json::from_slice::<Value>(bytes).unwrap()["seq"].as_u64().unwrap());
            }
            Followed::Failure(path, error) => panic!("{}: {error}", path.display()),
        });
        lines
    };
    let read = |files: &[log_files::LogFile]| {
        let mut lines = 0;
        let take = |chunk: Result<usize, String>| {
            lines += chunk.unwrap();
            ControlFlow::Continue(())
        };
        Reader::new(files).for_each(
            |chunk| chunk.failure.as_ref().map_or(Ok(chunk.lines().count()), |failure| Err(failure.to_string())),
            take,
        );
        lines
    };
    let last = |files: &[log_files::LogFile]| {
        let last = log_files::last_lines(files, 150, |_, _| Ok::<_, ()>(true));
        assert!(last.damages.is_empty(), "{:?}", last.damages);
        last.lines
            .into_iter()
            .map(|line| serde_json::from_slice::<Value>(&line).unwrap()["seq"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(polled(), [0; 0]);
    // The copy replaces the plain file.
    let zstd = zstd::encode_all(text("2026-01-01", 1).as_bytes(), 3).unwrap();
    fs::write(dir.path().join("copy"), zstd).unwrap();
    fs::rename(dir.path().join("copy"), day("01.log")).unwrap();
    let between = log_files::find_in(dir.path()).unwrap();
    for files in [&found, &between] {
        assert_eq!((read(files), last(files)), (200, (51..=200).collect()));
    }
    assert_eq!(polled(), [0; 0]);
    // Then it gets its ending.
    fs::rename(day("01.log"), day("01.log.zst")).unwrap();
    for files in [&found, &between, &log_files::find_in(dir.path()).unwrap()] {
        assert_eq!((read(files), last(files)), (200, (51..=200).collect()));
    }
    assert_eq!(polled(), [0; 0]);
    fs::write(day("02.log"), text("2026-01-02", 101) + &lines(OLD_INSTANCE, "2026-01-02", 201, 1, 10)).unwrap();
    assert_eq!(polled(), [201]);
}
