//! Reads turns back from the log: after a crash, the lines that the database has not heard of.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Seek, SeekFrom},
    path::Path,
};

use jiff::{Timestamp, civil::Date};
use serde::Deserialize;

use super::day_file::date_of;
use crate::domain::log_position::LogPosition;

/// What a `chat` line tells of its turn.
#[derive(Clone, Debug, Deserialize)]
pub struct LoggedTurn {
    /// When the turn ended.
    pub timestamp: Timestamp,
    /// The request it answered.
    pub request_id: String,
    /// Its session.
    pub session_id: Option<String>,
    /// Who asked.
    pub username: String,
    /// Whether that is a guest.
    pub is_guest: bool,
    /// The model that was asked.
    pub model: String,
    /// Tokens read.
    pub prompt_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
    /// Whether the model told these figures.
    pub usage_source: String,
    /// How long it took.
    pub latency_ms: f64,
    /// The answer's status.
    pub status: u16,
}

#[derive(Deserialize)]
struct AnyLine {
    event: String,
}

/// The turns that stand behind the known places, one place a day. A day without a place is read from its start if it
/// is later than a day that has one, and passed over otherwise.
pub(super) fn turns_after(dir: &Path, known: &[LogPosition]) -> io::Result<Vec<(LoggedTurn, LogPosition)>> {
    let mut days = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if let Some(date) = date_of(&path) {
            let place = known.iter().find(|place| place.date == date).map(|place| place.end);
            let is_later = known.iter().any(|place| place.date < date);
            if let Some(start) = place.or(is_later.then_some(0)) {
                days.push((date, start, path));
            }
        }
    }
    days.sort();
    let mut turns = Vec::new();
    for (date, start, path) in days {
        read_day(date, start, &path, &mut turns)?;
    }
    Ok(turns)
}

fn read_day(date: Date, start: u64, path: &Path, turns: &mut Vec<(LoggedTurn, LogPosition)>) -> io::Result<()> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() <= start {
        return Ok(());
    }
    file.seek(SeekFrom::Start(start))?;
    let mut lines = BufReader::new(file);
    let mut end = start;
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        end += line.len() as u64;
        let is_chat = serde_json::from_slice(&line).is_ok_and(|line: AnyLine| line.event == "chat");
        // A line that cannot be read as what it claims to be was not written here.
        if is_chat && let Ok(turn) = serde_json::from_slice(&line) {
            turns.push((turn, LogPosition { date, end }));
        }
        line.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn line(request_id: &str) -> String {
        let turn = serde_json::json!({
            "event": "chat", "timestamp": "2026-01-01T10:00:00+01:00", "request_id": request_id, "session_id": null,
            "username": "guest", "is_guest": true, "model": "m", "prompt_tokens": 1, "completion_tokens": 2,
            "usage_source": "provider", "latency_ms": 1.5, "status": 200,
        });
        format!("{turn}\n")
    }

    #[test]
    fn only_what_is_behind_the_known_places_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let write = |day: &str, text: String| fs::write(dir.path().join(format!("session_{day}.log")), text).unwrap();
        write("2026-01-01", line("before any place"));
        write("2026-01-02", line("known") + "{\"event\":\"session_start\"}\n" + &line("a"));
        write("2026-01-03", line("b") + "not JSON\n" + &line("c"));
        let known = LogPosition { date: date(2026, 1, 2), end: line("known").len() as u64 };
        let turns = turns_after(dir.path(), &[known]).unwrap();
        assert_eq!(turns.iter().map(|(turn, _)| turn.request_id.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
        let last = turns.last().unwrap().1;
        assert_eq!(last.end, fs::metadata(dir.path().join("session_2026-01-03.log")).unwrap().len());
        assert_eq!(turns_after(dir.path(), &[known, last]).unwrap().len(), 1);
        assert!(turns_after(dir.path(), &[]).unwrap().is_empty());
    }
}
