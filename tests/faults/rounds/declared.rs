//! Refusals and gaps that the lines of a log declare, compared with what clients and the model have seen.

use super::{force::Force, line::Line};
use crate::load::{Asked, Outcome};

/// What was done in a round.
pub struct Round {
    pub force: Force,
    pub asked: Vec<Asked>,
    pub sessions: Vec<String>,
    /// The number of calls of the model.
    pub calls: usize,
}

impl Round {
    /// Returns the number of questions that were refused by a running service, whose requests have lines.
    pub fn refused(&self) -> u64 {
        let is_refused = |asked: &&Asked| matches!(&asked.outcome, Outcome::Refused(_, code) if code != "starting");
        self.asked.iter().filter(is_refused).count() as u64
    }

    pub fn broken(&self) -> u64 {
        self.asked.iter().filter(|asked| matches!(asked.outcome, Outcome::Broken)).count() as u64
    }
}

/// What the lines declare.
#[derive(Clone, Copy, Default)]
pub struct Declared {
    /// The number of refused requests and of failed turns.
    pub refused: u64,
    pub turns: u64,
    pub gaps: u64,
    pub lines_refused: u64,
}

impl Declared {
    pub fn of<'a>(lines: impl Iterator<Item = &'a Line>) -> Self {
        lines.fold(Self::default(), |mut declared, line| {
            declared.refused += line.count.unwrap_or_default() + u64::from(line.is_failed_turn());
            declared.turns += u64::from(line.event == "chat");
            declared.gaps += u64::from(line.event == "log_gap");
            declared.lines_refused += line.lines_refused.unwrap_or_default();
            declared
        })
    }

    /// Returns what was declared after `before`.
    pub fn since(self, before: Self) -> Self {
        Self {
            refused: self.refused - before.refused,
            turns: self.turns - before.turns,
            gaps: self.gaps - before.gaps,
            lines_refused: self.lines_refused - before.lines_refused,
        }
    }

    /// Compares what the lines of a round declare with what clients and the model have seen.
    pub fn violations(self, round: &Round) -> Vec<String> {
        let (refused, calls, recorded) = (round.refused(), round.calls as u64, self.turns + self.lines_refused);
        let most = refused + round.broken();
        // A program that is killed loses the refusals of the last second.
        let is_declared = (self.refused >= refused || round.force == Force::Kill) && self.refused <= most;
        let is_recorded = if round.force.restarts() { recorded <= calls } else { recorded == calls };
        // On a full disk, the database may refuse turns before a line does not fit into the last block of the log.
        let is_gap = round.force == Force::ForbidWrites;
        let checks = [
            (is_declared, format!("{refused} to {most} requests were refused, {} are declared", self.refused)),
            (is_recorded, format!("the model was called {calls} times, {recorded} turns are logged or declared")),
            (!is_gap || self.gaps > 0, "there is no gap".to_owned()),
        ];
        checks.into_iter().filter(|(holds, _)| !holds).map(|(_, violation)| violation).collect()
    }
}
