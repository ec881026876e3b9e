//! Retention of the session log: `SESSION_LOG_COMPRESS_AFTER` and `SESSION_LOG_KEEP`. After each step, and after a kill at each
//! step, each line is in the log once, and the tools read it as before.

mod compression;
mod deletion;
mod failures;
mod tools;

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
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

pub fn plain(setup: &TestSetup, date: &str) -> PathBuf {
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

pub async fn wait_until_gone(path: &Path) {
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
pub struct Days {
    pub setup: TestSetup,
    clock: ManualClock,
    pub service: Service,
}

impl Days {
    /// Starts on 2026-03-01 at noon, and takes three turns.
    pub async fn start(settings: &[(&str, &str)]) -> Self {
        // The time by which files are deleted is that of the database, which PostgreSQL has from the system.
        let setup = TestSetup::new().on_sqlite().with_all(settings);
        let clock = ManualClock::at("2026-03-01T12:00:00Z");
        let service = setup.start_with_clock(clock.clock("UTC")).await;
        turns(&service.client, 3).await;
        Self { setup, clock, service }
    }

    /// Goes to the next day, takes three turns, and lets the next run begin.
    pub async fn next(&self) {
        self.clock.advance(DAY);
        turns(&self.service.client, 3).await;
        self.clock.advance(Duration::from_hours(1));
    }
}
