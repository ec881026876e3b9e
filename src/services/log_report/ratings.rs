//! Ratings of answers.

use super::fields::Fields;
use crate::domain::feedback::Rating;

/// The numbers of ratings of each kind. Those that were replaced are taken out again, wherever their own lines are; so a part of a
/// log may have less than none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ratings {
    up: i64,
    down: i64,
}

impl Ratings {
    /// Adds the rating of a line, and takes the one out that it replaces.
    pub(super) fn add(&mut self, feedback: &Fields<'_>) {
        self.count(feedback.rating.as_deref(), 1);
        self.count(feedback.previous_rating.as_deref(), -1);
    }

    fn count(&mut self, rating: Option<&str>, by: i64) {
        match rating.and_then(Rating::parse) {
            Some(Rating::Up) => self.up = self.up.saturating_add(by),
            Some(Rating::Down) => self.down = self.down.saturating_add(by),
            None => {}
        }
    }

    pub(super) fn append(&mut self, next: Self) {
        self.up = self.up.saturating_add(next.up);
        self.down = self.down.saturating_add(next.down);
    }

    /// Whether there are no ratings.
    pub(super) fn is_empty(self) -> bool {
        self.up() == 0 && self.down() == 0
    }

    /// Returns how many answers are rated as good.
    pub(super) fn up(self) -> u64 {
        u64::try_from(self.up).unwrap_or_default()
    }

    /// Returns how many answers are rated as bad.
    pub(super) fn down(self) -> u64 {
        u64::try_from(self.down).unwrap_or_default()
    }
}
