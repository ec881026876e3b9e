//! The figures of groups of turns, for a bounded number of groups.

use std::collections::HashMap;

use super::{counts::shortened, fields::Fields, figures::Figures, query::MaxGroups};

/// Figures by group.
#[derive(Debug, Default)]
pub(super) struct Groups {
    max: MaxGroups,
    // In boxes, since a growing map moves what is in it.
    named: HashMap<String, Box<Figures>>,
    /// The group of the turns that lack the field, if there are any.
    unnamed: Option<Box<Figures>>,
    /// All turns of further groups.
    pub(super) other: Figures,
}

impl Groups {
    pub(super) fn new(max: MaxGroups) -> Self {
        Self { max, ..Self::default() }
    }

    pub(super) fn add(&mut self, key: Option<&str>, turn: &Fields<'_>) {
        self.of(key.map(shortened)).add(turn);
    }

    pub(super) fn add_feedback(&mut self, key: Option<&str>, feedback: &Fields<'_>) {
        self.of(key.map(shortened)).ratings.add(feedback);
    }

    pub(super) fn append(&mut self, next: Self) {
        // In the order of the keys, so that the same groups have a place in each run.
        let mut groups = next.named.into_iter().collect::<Vec<_>>();
        groups.sort_by(|(key, _), (other, _)| key.cmp(other));
        if let Some(figures) = next.unnamed {
            self.of(None).append(*figures);
        }
        for (key, figures) in groups {
            self.of(Some(&key)).append(*figures);
        }
        self.other.append(next.other);
    }

    fn of(&mut self, key: Option<&str>) -> &mut Figures {
        let is_full = self.named.len() + usize::from(self.unnamed.is_some()) >= self.max.0;
        match key {
            None if is_full && self.unnamed.is_none() => &mut self.other,
            None => self.unnamed.get_or_insert_default(),
            Some(key) if is_full => self.named.get_mut(key).map_or(&mut self.other, |figures| &mut **figures),
            Some(key) => self.named.entry(key.to_owned()).or_default(),
        }
    }

    /// Returns the groups in any order.
    pub(super) fn all(&self) -> impl Iterator<Item = (Option<&str>, &Figures)> {
        let named = self.named.iter().map(|(key, figures)| (Some(key.as_str()), &**figures));
        named.chain(self.unnamed.iter().map(|figures| (None, &**figures)))
    }
}
