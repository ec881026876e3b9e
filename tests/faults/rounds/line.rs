//! Lines of the session log, as the rounds read them: independently of the program.

use std::{fs, path::Path};

use serde::Deserialize;

/// The fields of a line that the rounds need.
#[derive(Clone, Debug, Deserialize)]
pub struct Line {
    pub event: String,
    pub date: String,
    pub instance: String,
    pub seq: u64,
    pub request_id: Option<String>,
    pub session_id: Option<String>,
    pub message: Option<String>,
    pub status: Option<u16>,
    pub finish: Option<String>,
    pub prompt_tokens: Option<u64>,
    pub completion_tokens: Option<u64>,
    /// The number of refused requests.
    pub count: Option<u64>,
    pub lines_refused: Option<u64>,
    pub server_metrics: Option<ServerMetrics>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct ServerMetrics {
    pub turns: u64,
}

impl Line {
    /// Returns the question of a turn; `None` for other lines.
    pub fn question(&self) -> Option<&str> {
        (self.event == "chat").then(|| self.message.as_deref().expect("a message"))
    }

    /// Whether this is the line of a turn that was not answered, other than by the end of the process.
    pub fn is_failed_turn(&self) -> bool {
        self.event == "chat" && self.status != Some(200) && self.finish.as_deref() != Some("interrupted")
    }
}

/// Returns the lines of a file. Fails unless each is a whole line of this version.
pub fn lines_of(path: &Path) -> Vec<Line> {
    parse(&fs::read(path).expect("a file"))
}

pub fn parse(text: &[u8]) -> Vec<Line> {
    assert!(text.is_empty() || text.ends_with(b"\n"), "an incomplete last line");
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let parsed = |line| serde_json::from_slice(line).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(line)));
    lines.map(parsed).collect()
}
