//! Measures the figures of a fault: each answered turn must be in the session log, in the totals and at Papita exactly once.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::time::sleep;

use crate::{environment::Environment, load::Load, table::Figures};

/// The longest time until Papita has all records after it works again: a record that failed several times waits this long.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(70);

/// The source of the number of turns with which the totals are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// The session log: a client may have lost the answer of a turn that counts.
    Log,
    /// The clients: lines were removed from the session log by force, or the log was removed.
    Clients,
}

impl Environment {
    /// Ends the load and returns its figures.
    pub async fn measure(&self, load: Load, seconds: f64, reference: Reference) -> Figures {
        let answered = load.stop().await;
        self.measure_answered(&answered, seconds, reference).await
    }

    /// Returns the figures of turns that clients have got.
    pub async fn measure_answered(&self, answered: &[String], seconds: f64, reference: Reference) -> Figures {
        self.wait_for_readiness(200).await;
        let missing_records = self.wait_for_records(answered).await;
        let (lines, torn) = self.chat_lines();
        let counted = self.client().get("/api/openai/usage").await.assert_ok()["request_count"].as_u64().unwrap();
        let counted = usize::try_from(counted).unwrap();
        let expected =
            if reference == Reference::Log { lines.values().map(|line| line.answered).sum() } else { answered.len() };
        let unlogged = if reference == Reference::Log { count(answered, |id| !lines.contains_key(id)) } else { 0 };
        let uncounted = expected.saturating_sub(counted);
        let keys = self.papita.usage_keys();
        let keyless = keys.iter().filter(|key| key.is_none()).count();
        // A turn that was refused because its line could not be written has a record, too.
        let reported = keys.into_iter().flatten().collect::<HashSet<_>>().len();
        let twice = lines.values().map(|line| line.lines - 1).sum::<usize>();
        let mut figures = Figures {
            answered: answered.len(),
            lost: unlogged.max(uncounted).max(missing_records),
            doubled: twice.max(counted.saturating_sub(expected)).max(keyless),
            seconds,
            ..Figures::default()
        };
        if figures.lost + figures.doubled > 0 {
            let detail = format!(
                "lost: {unlogged} lines, {uncounted} counts, {missing_records} records; doubled: {twice} lines, {} counts",
                counted.saturating_sub(expected)
            );
            figures.violations.push(detail);
        }
        let asked = self.model.call_count();
        figures.expect(reported <= asked, format!("{reported} turns at Papita, but {asked} calls of the model"));
        figures.expect(torn == 0, format!("{torn} lines of the log are not JSON"));
        figures
    }

    /// Returns the number of `chat` lines of each turn in all files of the log's folders, and the number of torn lines.
    pub fn chat_lines(&self) -> (HashMap<String, Lines>, usize) {
        let folders = self.other_log_dirs.iter().chain([&self.log_dir]);
        chat_lines(&folders.map(|folder| text_of(folder)).collect::<String>())
    }

    /// Returns how many turns with this `finish` are in the log, and how many of these are reported to Papita.
    pub async fn cut_turns(&self, finish: &str) -> (usize, usize) {
        let mut lines = self.setup.log_lines("chat");
        lines.retain(|line| line["finish"] == finish);
        let ids = lines.iter().map(|line| line["request_id"].as_str().expect("an id").to_owned()).collect::<Vec<_>>();
        let missing = self.wait_for_records(&ids).await;
        (ids.len(), ids.len() - missing)
    }

    /// Waits until Papita has the record of each turn. Returns the number of those that are missing.
    pub async fn wait_for_records(&self, answered: &[String]) -> usize {
        let started = Instant::now();
        loop {
            let arrived = self.papita.usage_keys().into_iter().flatten().collect::<HashSet<_>>();
            let missing = count(answered, |id| !arrived.contains(id));
            if missing == 0 || started.elapsed() > DELIVERY_TIMEOUT {
                return missing;
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
}

fn count(ids: &[String], is_counted: impl Fn(&String) -> bool) -> usize {
    ids.iter().filter(|id| is_counted(id)).count()
}

/// The lines of one turn.
#[derive(Default)]
pub struct Lines {
    pub lines: usize,
    /// The number of those with status 200.
    pub answered: usize,
}

/// Returns the text of all files in a folder.
fn text_of(folder: &Path) -> String {
    let files = fs::read_dir(folder).expect("the log's folder").map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.is_file() && !path.file_name().unwrap().to_string_lossy().starts_with('.'));
    files.map(|path| fs::read_to_string(path).expect("UTF-8")).collect()
}

fn chat_lines(text: &str) -> (HashMap<String, Lines>, usize) {
    let (mut turns, mut torn) = (HashMap::<_, Lines>::new(), 0);
    for line in text.lines() {
        let Ok(line) = serde_json::from_str::<Value>(line) else {
            torn += 1;
            continue;
        };
        if line["event"] == "chat" {
            let own = turns.entry(line["request_id"].as_str().expect("an id").to_owned()).or_default();
            own.lines += 1;
            own.answered += usize::from(line["status"] == 200);
        }
    }
    (turns, torn)
}
