//! The figures of groups of turns, for a bounded number of groups.

use std::collections::HashMap;

use super::{counts::shortened, fields::Fields, figures::Figures};

/// The most groups with figures of their own. They are the first ones in the log; the others are summed together.
const MAX_GROUPS: usize = 4000;

/// Figures by group.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// `None` is the group of the turns that lack the field.
    pub(super) figures: HashMap<Option<String>, Figures>,
    /// All turns of further groups.
    pub(super) other: Figures,
}

impl Groups {
    pub(super) fn add(&mut self, key: Option<&str>, turn: &Fields<'_>) {
        self.of(key.map(shortened)).add(turn);
    }

    pub(super) fn append(&mut self, next: Self) {
        // In the order of the keys, so that the same groups have a place in each run.
        let mut groups = next.figures.into_iter().collect::<Vec<_>>();
        groups.sort_by(|(key, _), (other, _)| key.cmp(other));
        for (key, figures) in groups {
            self.of(key.as_deref()).append(figures);
        }
        self.other.append(next.other);
    }

    fn of(&mut self, key: Option<&str>) -> &mut Figures {
        let key = key.map(str::to_owned);
        if self.figures.len() >= MAX_GROUPS && !self.figures.contains_key(&key) {
            return &mut self.other;
        }
        self.figures.entry(key).or_default()
    }
}
