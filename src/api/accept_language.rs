//! The language that a client prefers, by its `Accept-Language` headers (RFC 9110, 12.5.4).

use poem::http::{HeaderMap, header};

/// The longest language tag that is read: the one that RFC 5646 recommends as the least that programs support.
const LONGEST_TAG: usize = 35;

/// Returns the tag of the language with the highest weight (`q`), the first one of several; `None` if any language is as good.
/// Malformed elements of the list are ignored.
pub(super) fn preferred_language(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(header::ACCEPT_LANGUAGE).iter().filter_map(|line| line.to_str().ok());
    let mut preferred: Option<(&str, f32)> = None;
    for (tag, weight) in lines.flat_map(|line| line.split(',')).filter_map(weighted) {
        if weight > preferred.map_or(0.0, |(_, highest)| highest) {
            preferred = Some((tag, weight));
        }
    }
    preferred.map(|(tag, _)| tag.to_owned()).filter(|tag| tag != "*")
}

/// Reads an element such as `de-AT;q=0.8`.
fn weighted(element: &str) -> Option<(&str, f32)> {
    let (tag, parameter) = element.split_once(';').map_or((element, None), |(tag, rest)| (tag, Some(rest)));
    let tag = tag.trim();
    let is_tag = tag == "*" || tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let weight = match parameter {
        Some(parameter) => {
            parameter.trim().strip_prefix(['q', 'Q'])?.trim_start().strip_prefix('=')?.trim().parse().ok()?
        }
        None => 1.0,
    };
    (is_tag && !tag.is_empty() && tag.len() <= LONGEST_TAG && weight <= 1.0).then_some((tag, weight))
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;

    use super::*;

    fn preferred(lines: &[&str]) -> Option<String> {
        let headers = lines.iter().map(|line| (header::ACCEPT_LANGUAGE, HeaderValue::from_str(line).unwrap()));
        preferred_language(&headers.collect())
    }

    #[test]
    fn the_language_with_the_highest_weight_is_preferred() {
        for (lines, expected) in [
            (&["de-AT"][..], "de-AT"),
            (&["de-AT, de;q=0.9, en;q=0.8"], "de-AT"),
            (&["en;q=0.8, fr ; q=0.9 , *;q=0.5"], "fr"),
            (&["en;q=0.5", "zh-Hant;Q=1"], "zh-Hant"),
            (&["a b, en;q=x, ;, de;q=0.1"], "de"),
        ] {
            assert_eq!(preferred(lines).as_deref(), Some(expected), "{lines:?}");
        }
    }

    #[test]
    fn other_lists_name_no_language() {
        for lines in [&[][..], &[""], &["*"], &["*, de;q=0.5"], &["de;q=0"], &["de;q=nan"], &["de;q=7"], &["d\u{e9}"]] {
            assert_eq!(preferred(lines), None, "{lines:?}");
        }
        assert_eq!(preferred(&[&"a".repeat(36)]), None);
    }
}
