//! Warnings about an outbox that fills up.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::outbox_destination::Destination;

/// The percentages of an outbox's limit from which the outbox counts as half full, nearly full and full.
const RISE_AT: [u64; 3] = [50, 90, 100];

/// The percentages below which it no longer does. They are lower, so that a queue around one of the limits causes one
/// warning only.
const FALL_BELOW: [u64; 3] = [25, 70, 90];

/// The fill level of the outbox: the number of percentages in [`RISE_AT`] that it has reached, 0 to 3. A rise is written to
/// the diagnostics as one warning.
#[derive(Debug, Default)]
pub(super) struct FillLevel(AtomicUsize);

impl FillLevel {
    /// Notes the number of records that wait, before another one is added.
    pub(super) fn note(&self, destination: Destination, waiting: u64, limit: u64) {
        if let Some(level) = self.rise((waiting + 1).saturating_mul(100) / limit.max(1)) {
            warn(destination, level, waiting, limit);
        }
    }

    /// Adapts the level to a percentage. Returns the level if it has risen.
    fn rise(&self, percent: u64) -> Option<usize> {
        let known = self.0.load(Ordering::Relaxed);
        let crossed = |limits: [u64; 3]| limits.iter().filter(|limit| percent >= **limit).count();
        let level = crossed(RISE_AT).max(known.min(crossed(FALL_BELOW)));
        (level != known && self.0.swap(level, Ordering::Relaxed) < level).then_some(level)
    }
}

fn warn(destination: Destination, level: usize, waiting: u64, limit: u64) {
    let (records, check, setting) = match destination {
        Destination::Papita => ("usage records for Papita", "Papita", "PAPITA_QUEUE_LIMIT"),
        Destination::Events => ("events", "the receiver at EVENTS_URL", "EVENTS_QUEUE_LIMIT"),
    };
    match level {
        1 => tracing::warn!(waiting, limit, "the queue of {records} is half full"),
        2 => tracing::warn!(
            waiting,
            limit,
            "the queue of {records} is nearly full; when it is full, further ones are dropped; check {check}, or raise \
             {setting}"
        ),
        _ => tracing::error!(waiting, limit, "{setting} is reached; further {records} are dropped"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_crossing_is_reported_once() {
        let level = FillLevel::default();
        let risen = [10, 50, 49, 51, 89, 90, 72, 91, 100, 99, 100, 89, 100, 69, 90, 24, 50, 0, 100];
        let risen = risen.map(|percent| level.rise(percent).unwrap_or_default());
        assert_eq!(risen, [0, 1, 0, 0, 0, 2, 0, 0, 3, 0, 0, 0, 3, 0, 2, 0, 1, 0, 3]);
    }
}
