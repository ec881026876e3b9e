//! Conversions between Rust's types and the integers that both databases store.

use jiff::Timestamp;

/// The length of a day in microseconds.
const DAY: i64 = 86_400_000_000;

/// Converts a count to a column's integer. Counts stay far below its maximum; a larger one is stored as the maximum.
pub(super) fn to_integer(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Converts a column's integer to a count. The database holds no negative counts; one would be read as 0.
pub(super) fn to_count(integer: i64) -> u64 {
    u64::try_from(integer).unwrap_or_default()
}

/// Converts microseconds since 1970-01-01T00:00:00Z to a timestamp.
pub(super) fn to_timestamp(microseconds: i64) -> Timestamp {
    Timestamp::from_microsecond(microseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Returns the day of a time in microseconds, counted from 1970-01-01.
pub(super) fn day_of(microseconds: i64) -> i64 {
    microseconds.div_euclid(DAY)
}
