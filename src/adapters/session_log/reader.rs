//! Reads turns from the session log, such as those that a crash has kept from the database.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Seek, SeekFrom},
    path::Path,
};

use jiff::{Timestamp, civil::Date};
use serde::Deserialize;

use super::{
    event::{ChatLine, Event},
    files::date_of,
};
use crate::domain::log_position::LogPosition;

/// The fields of a `chat` line that the database needs.
#[derive(Clone, Debug, Deserialize)]
pub struct LoggedTurn {
    /// The time at which the turn ended.
    pub timestamp: Timestamp,
    /// The id of the request.
    pub request_id: String,
    /// The id of the session, if the client named one.
    pub session_id: Option<String>,
    /// The name of the user.
    pub username: String,
    /// Whether the user is a guest.
    pub is_guest: bool,
    /// The name of the model that was called.
    pub model: String,
    /// The number of tokens in the prompt.
    pub prompt_tokens: u64,
    /// The number of tokens in the answer.
    pub completion_tokens: u64,
    /// The source of the token counts; `none` if no model was called.
    pub usage_source: String,
    /// The time from the request's arrival to the end of the turn in milliseconds.
    pub latency_ms: f64,
    /// The HTTP status of the response.
    pub status: u16,
}

#[derive(Deserialize)]
struct AnyLine {
    event: String,
}

/// Reads the turns after these positions, one position for each day, from a folder that another process may use. A day
/// without a position is read from its start if an earlier day has one, and skipped otherwise. Returns each turn with the
/// position after its line.
pub fn turns_after(dir: &Path, positions: &[LogPosition]) -> io::Result<Vec<(LoggedTurn, LogPosition)>> {
    let mut days = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if let Some(date) = date_of(&path) {
            let position = positions.iter().find(|position| position.date == date).map(|position| position.end);
            let is_later = positions.iter().any(|position| position.date < date);
            if let Some(start) = position.or(is_later.then_some(0)) {
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
        let is_chat = serde_json::from_slice(&line).is_ok_and(|line: AnyLine| line.event == ChatLine::NAME);
        // A `chat` line without these fields was not written by al-chat.
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
    fn only_turns_after_the_positions_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let write = |day: &str, text: String| fs::write(dir.path().join(format!("session_{day}.log")), text).unwrap();
        write("2026-01-01", line("before any position"));
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
