//! The lines of a session or a turn as a text.

use super::{
    super::{
        event_line::EventLine,
        palette::{Palette, Role},
        printable::printable,
    },
    totals::Totals,
    turn,
};
use crate::services::logged_texts::LineTexts;

/// The lines of a session, or the line of one turn.
pub(super) struct ShownLines {
    title: String,
    /// The lines with their texts; these are `None` if they are sealed and could not be read.
    lines: Vec<(EventLine, Option<LineTexts>)>,
}

impl ShownLines {
    pub(super) fn new(id: &str, lines: &[Vec<u8>], texts: Vec<Option<LineTexts>>) -> Self {
        let lines = lines.iter().zip(texts).filter_map(|(line, texts)| Some((EventLine::parse(line)?, texts)));
        let lines = lines.collect::<Vec<_>>();
        let is_of = |line: &EventLine| line.text("session_id").is_some_and(|session| session == printable(id));
        let is_session = lines.iter().any(|(line, _)| is_of(line));
        let kind = if is_session { "Session" } else { "Turn" };
        let of = lines.first().filter(|_| !is_session).and_then(|(line, _)| line.text("session_id"));
        let of = of.map(|session| format!(" of session {session}")).unwrap_or_default();
        Self { title: format!("{kind} {}{of}", printable(id)), lines }
    }

    /// Returns the text, which ends with a line feed.
    pub(super) fn text(&self, palette: Palette) -> String {
        let mut text = format!("{}\n", palette.paint(Role::Frame, &self.title));
        let mut totals = Totals::default();
        for (line, texts) in &self.lines {
            text.push('\n');
            if line.is_turn() {
                totals.add(line);
                text.push_str(&turn::text(line, texts.as_ref(), totals.turns, palette));
            } else {
                text.push_str(&event(line, palette));
                if line.is_feedback() {
                    text.push_str(&turn::comment(line, texts.as_ref(), palette));
                }
            }
        }
        if self.lines.len() > 1 {
            text.push_str(&["\n", &palette.paint(Role::Frame, "Total"), "\n", &totals.text()].concat());
        }
        text
    }
}

fn event(line: &EventLine, palette: Palette) -> String {
    let head = format!("{}  {}", palette.paint(Role::Minor, &line.time()), line.event());
    let details = line.details();
    if details.is_empty() { format!("{head}\n") } else { format!("{head}  {details}\n") }
}
