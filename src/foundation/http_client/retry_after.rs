//! The time to wait that a server states in the header `Retry-After`.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, fmt::rfc2822};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// The shortest wait: overloaded servers send `Retry-After: 0`, too.
const MIN_WAIT: Duration = Duration::from_secs(1);

/// Returns the wait that `Retry-After` asks for (RFC 9110, 10.2.3): seconds, or a date relative to the server's own clock in
/// `Date`. It is at least a second, and may be as long as the server wants.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = header_text(headers, RETRY_AFTER.as_str())?;
    let seconds = match text.parse::<f64>() {
        Ok(seconds) => seconds,
        Err(_) => time_until(rfc2822::parse(text).ok()?.timestamp(), headers)?.as_secs_f64(),
    };
    wait_of(seconds)
}

/// Returns the wait of this many seconds, at least one; `None` if they are too many.
#[must_use]
pub fn wait_of(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds.max(0.0)).ok().map(|wait| wait.max(MIN_WAIT))
}

/// Returns the time from the server's `Date` to `then`.
#[must_use]
pub fn time_until(then: Timestamp, headers: &HeaderMap) -> Option<SignedDuration> {
    let now = rfc2822::parse(header_text(headers, DATE.as_str())?).ok()?.timestamp();
    Some(then.duration_since(now))
}

/// Returns the text of a header.
#[must_use]
pub fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(pairs: &[(&'static str, &'static str)]) -> Option<Duration> {
        let headers = pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        retry_after(&headers.collect())
    }

    #[test]
    fn retry_after_is_in_seconds_or_a_date() {
        assert_eq!(wait(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
        assert_eq!(wait(&[("retry-after", "soon")]), None);
        let (date, then) = ("Sat, 21 Nov 2026 01:00:00 GMT", "Sat, 21 Nov 2026 01:00:30 GMT");
        assert_eq!(wait(&[("date", date), ("retry-after", then)]), Some(Duration::from_secs(30)));
        assert_eq!(wait(&[("retry-after", then)]), None, "a date without the server's time");
    }

    #[test]
    fn a_wait_has_at_least_a_second() {
        for text in ["0", "-3", "NaN", "0.2"] {
            assert_eq!(wait(&[("retry-after", text)]), Some(MIN_WAIT), "{text}");
        }
        let date = "Sat, 21 Nov 2026 01:00:00 GMT";
        assert_eq!(wait(&[("date", date), ("retry-after", date)]), Some(MIN_WAIT));
        assert_eq!(wait(&[("retry-after", "1e300")]), None);
    }
}
