//! Parsers of the values of settings. They return `None` for an invalid value.

use std::{str::FromStr, time::Duration};

use url::Url;

/// What is expected of a time.
pub(super) const DURATION: &str = "a time such as 500ms, 30s, 5m or 24h";

/// What is expected of a switch.
pub(super) const SWITCH: &str = "on or off";

/// What is expected of the address of a server.
pub(super) const HTTP_URL: &str = "a URL that starts with http:// or https://, without a user name";

/// What is expected of a count.
pub(super) const COUNT: &str = "a whole number of 1 or more";

/// Parses a switch: `on`, `true`, `yes` or `1`, and `off`, `false`, `no` or `0`, in any case.
pub(super) fn switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" => Some(true),
        "off" | "false" | "no" | "0" => Some(false),
        _ => None,
    }
}

/// Parses a duration: a number of seconds, or a number with `ms`, `s`, `m`, `min`, `h` or `d`. It must be longer than zero
/// and at most 366 days.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let seconds = match unit.trim() {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86400.0,
        _ => return None,
    };
    let seconds = number.trim().parse::<f64>().ok()? * seconds;
    (seconds > 0.0 && seconds <= 366.0 * 86400.0).then(|| Duration::from_secs_f64(seconds))
}

/// Parses a duration as [`duration`] does, or zero.
pub(super) fn duration_or_none(text: &str) -> Option<Duration> {
    let is_zero = text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).trim().parse() == Ok(0.0);
    if is_zero { Some(Duration::ZERO) } else { duration(text) }
}

/// Parses a size in bytes: a whole number of at least 1, with or without `KiB` or `MiB`.
pub(super) fn bytes(text: &str) -> Option<usize> {
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let scale = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return None,
    };
    let bytes = number.trim().parse::<usize>().ok()?.checked_mul(scale)?;
    (bytes > 0).then_some(bytes)
}

/// Parses an http or https URL with a host. A trailing slash of the path is removed. A user name or password is invalid, as
/// it would show wherever the URL is shown.
#[must_use]
pub fn http_url(text: &str) -> Option<Url> {
    let mut url = exact_http_url(text)?;
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Some(url)
}

/// Parses the URL of one address at an HTTP server, without user information. Its path is not changed.
pub(super) fn exact_http_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let web = matches!(url.scheme(), "http" | "https") && url.has_host();
    let anonymous = url.username().is_empty() && url.password().is_none();
    (web && anonymous).then_some(url)
}

/// Parses the URL of an HTTP proxy; `HOST:PORT` stands for `http://HOST:PORT`.
pub(super) fn proxy(text: &str) -> Option<Url> {
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = Url::parse(&with_scheme).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

/// Splits a comma-separated list. Items are trimmed; blank ones are left out.
pub fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// Parses a count: a whole number of at least 1.
pub(super) fn count<T: FromStr + PartialOrd + From<u8>>(text: &str) -> Option<T> {
    text.parse().ok().filter(|number| *number >= T::from(1))
}

/// Parses prices: a comma-separated list of `model=input/output` in dollars per million tokens. Returns pico-dollars per
/// token.
pub(super) fn prices(text: &str) -> Option<Vec<(String, u64, u64)>> {
    list(text)
        .map(|entry| {
            let (model, rates) = entry.rsplit_once('=')?;
            let (input, output) = rates.split_once('/')?;
            Some((model.trim().to_owned(), pico_per_token(input)?, pico_per_token(output)?))
        })
        .collect()
}

/// Parses context windows: a comma-separated list of `model=tokens`, with whole numbers of at least 1.
pub(super) fn windows(text: &str) -> Option<Vec<(String, u64)>> {
    list(text)
        .map(|entry| {
            let (model, tokens) = entry.rsplit_once('=')?;
            let tokens = count(tokens.trim())?;
            Some((model.trim().to_owned(), tokens))
        })
        .collect()
}

/// Parses a price in dollars per million tokens, with at most six decimals, to pico-dollars per token. It uses integers, so
/// that nothing is rounded.
#[must_use]
pub fn pico_per_token(dollars: &str) -> Option<u64> {
    let (whole, decimals) = dollars.trim().split_once('.').unwrap_or((dollars.trim(), ""));
    if decimals.len() > 6 || (whole.is_empty() && decimals.is_empty()) {
        return None;
    }
    let digits = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<u64>().ok() };
    digits(whole)?.checked_mul(1_000_000)?.checked_add(digits(&format!("{decimals:0<6}"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_are_parsed() {
        assert_eq!(duration("30"), Some(Duration::from_secs(30)));
        assert_eq!(duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(duration("1.5 h"), Some(Duration::from_mins(90)));
        for text in ["", "0", "-1s", "soon", "5 parsecs", "1e400"] {
            assert_eq!(duration(text), None, "{text}");
        }
        assert_eq!(bytes("8MiB"), Some(8 << 20));
        assert_eq!(bytes("99999999999999999999"), None);
    }

    #[test]
    fn a_proxy_has_an_http_scheme_or_none() {
        for (text, expected) in [
            ("http://proxy.example:3128", "http://proxy.example:3128/"),
            ("proxy.example:3128", "http://proxy.example:3128/"),
            ("10.0.0.1:3128", "http://10.0.0.1:3128/"),
            ("ada:secret@proxy.example:3128", "http://ada:secret@proxy.example:3128/"),
            ("[::1]:3128", "http://[::1]:3128/"),
            ("https://proxy.example", "https://proxy.example/"),
        ] {
            assert_eq!(proxy(text).as_ref().map(Url::as_str), Some(expected));
        }
        for text in
            ["socks5://proxy.example:1080", "socks5h://p", "socks4://p", "ftp://p", "http://", "a b", "proxy:port"]
        {
            assert_eq!(proxy(text), None, "{text}");
        }
    }

    #[test]
    fn prices_are_exact() {
        assert_eq!(pico_per_token("0.15"), Some(150_000));
        assert_eq!(pico_per_token("10"), Some(10_000_000));
        assert_eq!(pico_per_token(".000001"), Some(1));
        for text in ["", ".", "-1", "1.0000001", "a"] {
            assert_eq!(pico_per_token(text), None, "{text}");
        }
        assert_eq!(
            prices("a=1/2, b = 0.5/0"),
            Some(vec![("a".into(), 1_000_000, 2_000_000), ("b".into(), 500_000, 0)])
        );
        assert_eq!(prices("a=1"), None);
    }

    #[test]
    fn windows_are_whole_numbers_of_tokens() {
        assert_eq!(windows("a=8192, b:7b = 4096"), Some(vec![("a".into(), 8192), ("b:7b".into(), 4096)]));
        assert_eq!(windows(""), Some(vec![]));
        for text in ["a", "a=", "a=0", "a=-1", "a=8k", "a=1.5"] {
            assert_eq!(windows(text), None, "{text}");
        }
    }
}
