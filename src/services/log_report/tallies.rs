//! Turns, errors and cost of each hour and of each model, for charts.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{counts::shortened, figures::usd};

/// The most names; turns of further ones are counted together.
const MAX_NAMES: usize = 10_000;

/// Turns, errors, cost and failed calls by a name.
#[derive(Clone, Debug, Default)]
pub(super) struct Tallies {
    names: BTreeMap<String, Sums>,
    other: Sums,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    pub(super) turns: u64,
    pub(super) errors: u64,
    pub(super) cost_pico_usd: u128,
    /// Turns whose cost is not known.
    pub(super) unpriced: u64,
    /// Calls to models that failed.
    pub(super) failed_calls: u64,
}

/// Turns, errors, cost and failed calls of a name.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tally {
    /// The hour (`YYYY-MM-DDTHH`) or the model; `None` for those beyond the limit of names.
    pub name: Option<String>,
    /// The number of turns.
    pub turns: u64,
    /// The number of turns that ended without an answer.
    pub errors: u64,
    /// The cost in US dollars.
    pub cost_usd: f64,
    /// The number of turns of models of unknown price, which are not in the cost.
    pub unpriced_turns: u64,
    /// The number of calls that failed: in the turns of the hour, or to the model.
    pub failed_calls: u64,
}

impl Sums {
    fn append(&mut self, next: Self) {
        self.turns += next.turns;
        self.errors += next.errors;
        self.cost_pico_usd += next.cost_pico_usd;
        self.unpriced += next.unpriced;
        self.failed_calls += next.failed_calls;
    }
}

impl Tallies {
    /// Adds sums to those of a name; nothing without a name.
    pub(super) fn add(&mut self, name: Option<&str>, sums: Sums) {
        let Some(name) = name.map(shortened) else { return };
        if let Some(known) = self.names.get_mut(name) {
            known.append(sums);
        } else if self.names.len() < MAX_NAMES {
            self.names.insert(name.to_owned(), sums);
        } else {
            self.other.append(sums);
        }
    }

    pub(super) fn append(&mut self, next: Self) {
        next.names.into_iter().for_each(|(name, sums)| self.add(Some(&name), sums));
        self.other.append(next.other);
    }

    /// Returns the tallies in the order of their names; what had no place comes last.
    pub(super) fn by_name(&self) -> Vec<Tally> {
        let named = self.names.iter().map(|(name, sums)| (Some(name.clone()), *sums));
        let other = (self.other.turns + self.other.failed_calls > 0).then_some((None, self.other));
        named.chain(other).map(|(name, sums)| tally(name, sums)).collect()
    }
}

fn tally(name: Option<String>, sums: Sums) -> Tally {
    let Sums { turns, errors, cost_pico_usd, unpriced, failed_calls } = sums;
    Tally { name, turns, errors, cost_usd: usd(cost_pico_usd), unpriced_turns: unpriced, failed_calls }
}
