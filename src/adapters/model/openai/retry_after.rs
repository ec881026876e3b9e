//! The time that a provider asks to wait before the next request.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::foundation::http_client::{header_text, retry_after, time_until, wait_of};

/// The longest wait that is accepted from a provider.
const MAX_WAIT: Duration = Duration::from_hours(1);

/// The number from which `x-ratelimit-reset` is a time in seconds since 1970, and not a duration.
const EPOCH_SECONDS: f64 = 1e9;

/// The number from which `x-ratelimit-reset` is a time in milliseconds since 1970.
const EPOCH_MILLISECONDS: f64 = 1e12;

/// Returns the wait that the headers ask for: `retry-after-ms` (OpenAI, Azure), or else `Retry-After` (RFC 9110,
/// 10.2.3: seconds, or a date relative to the provider's own clock in `Date`), or else the `x-ratelimit-reset…` of the
/// limits that are used up.
pub(super) fn from_headers(headers: &HeaderMap) -> Option<Duration> {
    let wait = milliseconds(headers).or_else(|| retry_after(headers)).or_else(|| reset(headers))?;
    Some(wait.min(MAX_WAIT))
}

/// Returns the wait that an error of Google's asks for in `details[].retryDelay`.
pub(super) fn from_error(error: &Value) -> Option<Duration> {
    let details = error.get("details")?.as_array()?;
    let delay = details.iter().find_map(|detail| detail.get("retryDelay")?.as_str())?;
    duration(delay).map(|wait| wait.min(MAX_WAIT))
}

fn milliseconds(headers: &HeaderMap) -> Option<Duration> {
    let milliseconds = header_text(headers, "retry-after-ms")?.parse::<f64>().ok()?;
    Duration::try_from_secs_f64(milliseconds.max(1.0) / 1000.0).ok()
}

/// Returns the longest time until a limit is reset, of the limits that are used up or whose remainder is not stated.
fn reset(headers: &HeaderMap) -> Option<Duration> {
    const KINDS: [&str; 3] = ["-requests", "-tokens", ""];
    let resets = KINDS.iter().filter_map(|kind| {
        let left =
            header_text(headers, &format!("x-ratelimit-remaining{kind}")).and_then(|left| left.parse::<f64>().ok());
        let is_used_up = left.is_none_or(|left| left <= 0.0);
        let reset = header_text(headers, &format!("x-ratelimit-reset{kind}")).filter(|_| is_used_up)?;
        reset_wait(reset, headers)
    });
    resets.max()
}

/// Parses an `x-ratelimit-reset` header: a duration, a number of seconds, or a time since 1970.
fn reset_wait(text: &str, headers: &HeaderMap) -> Option<Duration> {
    let Ok(number) = text.parse::<f64>() else { return duration(text) };
    let seconds = match number {
        EPOCH_MILLISECONDS.. => number / 1000.0,
        _ => number,
    };
    if seconds < EPOCH_SECONDS {
        return wait_of(seconds);
    }
    let then = Timestamp::UNIX_EPOCH.checked_add(SignedDuration::try_from_secs_f64(seconds).ok()?).ok()?;
    wait_of(time_until(then, headers)?.as_secs_f64())
}

/// Parses a duration such as `17ms`, `7.66s` or `6m0s`.
fn duration(text: &str) -> Option<Duration> {
    let wait = text.parse::<SignedDuration>().ok()?;
    Duration::try_from(wait).ok().filter(|wait| !wait.is_zero())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wait(pairs: &[(&'static str, &'static str)]) -> Option<Duration> {
        let headers = pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        from_headers(&headers.collect())
    }

    const DATE: (&str, &str) = ("date", "Sat, 21 Nov 2026 01:00:00 GMT");

    #[test]
    fn retry_after_is_in_seconds_or_a_date() {
        assert_eq!(wait(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
        assert_eq!(wait(&[("retry-after", "0")]), Some(Duration::from_secs(1)));
        assert_eq!(wait(&[("retry-after", "999999999")]), Some(MAX_WAIT));
        assert_eq!(wait(&[("retry-after", "soon")]), None);
        assert_eq!(wait(&[DATE, ("retry-after", "Sat, 21 Nov 2026 01:00:30 GMT")]), Some(Duration::from_secs(30)));
    }

    #[test]
    fn milliseconds_take_precedence() {
        assert_eq!(wait(&[("retry-after", "1"), ("retry-after-ms", "40")]), Some(Duration::from_millis(40)));
        assert_eq!(wait(&[("retry-after-ms", "soon"), ("retry-after", "2")]), Some(Duration::from_secs(2)));
    }

    #[test]
    fn only_resets_of_used_up_limits_count() {
        let left = ("x-ratelimit-remaining-requests", "3");
        let used_up = ("x-ratelimit-remaining-tokens", "0");
        let resets = [("x-ratelimit-reset-requests", "6m0s"), ("x-ratelimit-reset-tokens", "7.66s")];
        assert_eq!(wait(&[left, used_up, resets[0], resets[1]]), Some(Duration::from_millis(7660)));
        assert_eq!(wait(&resets), Some(Duration::from_mins(6)));
        assert_eq!(wait(&[("x-ratelimit-reset-tokens", "17ms")]), Some(Duration::from_millis(17)));
        assert_eq!(wait(&[("x-ratelimit-reset", "12")]), Some(Duration::from_secs(12)));
        assert_eq!(wait(&[DATE, ("x-ratelimit-reset", "1795222812000")]), Some(Duration::from_secs(12)));
        assert_eq!(wait(&[("x-ratelimit-reset-tokens", "later")]), None);
    }

    #[test]
    fn googles_errors_state_the_wait_in_details() {
        let details = json!({"details": [{"reason": "x"}, {"retryDelay": "34s"}]});
        assert_eq!(from_error(&details), Some(Duration::from_secs(34)));
        assert_eq!(from_error(&json!({"details": "x"})), None);
    }
}
