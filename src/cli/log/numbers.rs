//! Numbers as people read them.

pub(super) use crate::foundation::counted::{count, counted};
use crate::services::log_report::Estimate;

/// Returns a number, with a sign before it if it is an estimate.
pub(super) fn estimate(Estimate { number, is_estimate }: Estimate) -> String {
    let sign = if is_estimate { "≈" } else { "" };
    format!("{sign}{}", count(number))
}

/// Returns a cost in US dollars, with more decimals if it is small.
pub(super) fn dollars(usd: f64) -> String {
    if usd == 0.0 || usd >= 1.0 {
        let cents = format!("{usd:.2}");
        let (whole, decimals) = cents.split_once('.').unwrap_or((&cents, "00"));
        format!("${}.{decimals}", whole.parse().map_or_else(|_| whole.to_owned(), count))
    } else {
        format!("${}", short(usd, 3))
    }
}

/// Returns a duration in milliseconds with its unit.
pub(super) fn milliseconds(ms: f64) -> String {
    if ms < 1000.0 { format!("{} ms", short(ms, 3)) } else { seconds(ms / 1000.0) }
}

/// Returns a duration in seconds with its unit.
pub(super) fn seconds(seconds: f64) -> String {
    const MINUTE: f64 = 60.0;
    let in_two = |large: f64, unit: &str, small: f64, small_unit: &str| {
        let smalls = (seconds / small).round();
        let per_large = (large / small).round();
        format!("{} {unit} {} {small_unit}", (smalls / per_large).floor(), smalls % per_large)
    };
    match seconds {
        ..MINUTE => format!("{} s", short(seconds, 3)),
        ..3600.0 => in_two(MINUTE, "min", 1.0, "s"),
        ..86400.0 => in_two(3600.0, "h", MINUTE, "min"),
        _ => in_two(86400.0, "d", 3600.0, "h"),
    }
}

/// Returns a share in percent.
#[expect(clippy::cast_precision_loss, reason = "a share for people")]
pub(super) fn percent(part: u64, whole: u64) -> String {
    let share = if whole == 0 { 0.0 } else { part as f64 / whole as f64 * 100.0 };
    format!("{} %", short(share, 2))
}

/// Returns a number with this many significant digits, as far as they are decimals.
fn short(number: f64, digits: i32) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let exponent = number.abs().log10().floor();
    let decimals = (f64::from(digits - 1) - exponent).clamp(0.0, 12.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 12")]
    let decimals = decimals as usize;
    format!("{number:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_have_units() {
        let estimates = [false, true].map(|is_estimate| estimate(Estimate { number: 5201, is_estimate }));
        assert_eq!(estimates, ["5,201", "≈5,201"]);
        let dollars = [0.0, 0.000_012_34, 0.5, 1.0, 1234.567].map(dollars);
        assert_eq!(dollars, ["$0.00", "$0.0000123", "$0.500", "$1.00", "$1,234.57"]);
        let times = [0.0, 0.25, 81.24, 812.4, 1500.0].map(milliseconds);
        assert_eq!(times, ["0 ms", "0.250 ms", "81.2 ms", "812 ms", "1.50 s"]);
        let times = [59.0, 61.0, 3599.9, 7260.0, 90_000.0].map(seconds);
        assert_eq!(times, ["59.0 s", "1 min 1 s", "60 min 0 s", "2 h 1 min", "1 d 1 h"]);
        let shares = [(0, 0), (1, 3), (1, 1), (1, 1000)].map(|(part, whole)| percent(part, whole));
        assert_eq!(shares, ["0 %", "33 %", "100 %", "0.10 %"]);
    }
}
