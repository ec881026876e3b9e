//! The lines of a log that declare others deleted, and which of them are believed.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::place::Place;
use crate::{
    adapters::session_log::{DeletedRun, LogDeleted},
    domain::log_chain::Chain,
};

/// A line `log_deleted`.
#[derive(Debug)]
pub(super) struct Declaration {
    pub(super) place: Place,
    /// The number of the line.
    pub(super) seq: u64,
    pub(super) event: LogDeleted,
}

/// The proof that the service has written a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// The chain follows from the line before, with this key.
    Key(usize),
    /// The line before is not there, or the chain does not follow from it.
    None,
    /// The line has no chain.
    Unchained,
}

/// The chains of the last lines of declared runs, by process and number.
#[derive(Debug, Default)]
pub(super) struct DeclaredChains(BTreeMap<(Uuid, u64), Vec<Chain>>);

impl DeclaredChains {
    /// Adds what a line declares.
    pub(super) fn add(&mut self, event: &LogDeleted) {
        for run in &event.runs {
            if let (Ok(instance), Some(chain)) = (run.instance.parse(), chain_of(run)) {
                self.0.entry((instance, run.last_seq)).or_default().push(chain);
            }
        }
    }

    /// Returns the chains that the line with a number may follow.
    pub(super) fn before(&self, instance: Uuid, seq: u64) -> &[Chain] {
        self.0.get(&(instance, seq.saturating_sub(1))).map_or(&[], Vec::as_slice)
    }
}

/// Returns the chain of a declared run's last line.
pub(super) fn chain_of(run: &DeletedRun) -> Option<Chain> {
    run.chain.as_ref().and_then(|chain| Chain::parse(chain.as_bytes()))
}

impl Declaration {
    /// Returns whether the line declares nothing but lines before itself, as each version does.
    pub(super) fn is_after_deleted(&self, instance: Uuid) -> bool {
        let is_before = |run: &DeletedRun| {
            let deleted = run.instance.parse::<Uuid>().map(|deleted| (deleted, run.last_seq));
            deleted.is_ok_and(|deleted| deleted < (instance, self.seq)) && (1..=run.last_seq).contains(&run.first_seq)
        };
        self.event.runs.iter().all(is_before)
    }
}
