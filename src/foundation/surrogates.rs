//! Replacement of lone surrogate escapes in JSON text.
//!
//! A character outside the Basic Multilingual Plane is written in JSON as two escapes, a surrogate pair. Text that was
//! cut between the two, as JavaScript's `slice` can do, has half a pair. Its grammar is valid JSON (RFC 8259, 8.2), but
//! it is not Unicode text, so parsers refuse it.

use std::borrow::Cow;

/// The length of an escape such as `\ud83d`, in bytes.
const ESCAPE_BYTES: usize = 6;

/// The escape of U+FFFD REPLACEMENT CHARACTER, as long as the escape that it replaces.
const REPLACEMENT: &[u8; ESCAPE_BYTES] = br"\ufffd";

/// Replaces each surrogate escape that isn't part of a pair by `\ufffd`.
///
/// Byte positions stay the same. Returns the input itself if there is nothing to replace. The input need not be valid JSON.
#[must_use]
pub fn replace_lone(json: &[u8]) -> Cow<'_, [u8]> {
    let mut lone = LoneEscapes { json, at: 0 }.peekable();
    if lone.peek().is_none() {
        return Cow::Borrowed(json);
    }
    let mut replaced = json.to_vec();
    for start in lone {
        replaced[start..start + ESCAPE_BYTES].copy_from_slice(REPLACEMENT);
    }
    Cow::Owned(replaced)
}

/// An iterator over the byte positions of lone surrogate escapes.
struct LoneEscapes<'a> {
    json: &'a [u8],
    at: usize,
}

impl Iterator for LoneEscapes<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        loop {
            let start = self.at + self.json.get(self.at..)?.iter().position(|byte| *byte == b'\\')?;
            match surrogate(self.json, start) {
                // Another escape: the byte after the backslash belongs to it, even if it is a backslash.
                None => self.at = start + 2,
                Some(Surrogate::Leading) if surrogate(self.json, start + ESCAPE_BYTES) == Some(Surrogate::Trailing) => {
                    self.at = start + 2 * ESCAPE_BYTES;
                }
                Some(_) => {
                    self.at = start + ESCAPE_BYTES;
                    return Some(start);
                }
            }
        }
    }
}

/// The two kinds of surrogates (Unicode calls them leading and trailing).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Surrogate {
    Leading,
    Trailing,
}

/// Returns the kind of the surrogate whose escape begins at `start`, if one does.
fn surrogate(json: &[u8], start: usize) -> Option<Surrogate> {
    let digits = json.get(start..start + ESCAPE_BYTES)?.strip_prefix(br"\u")?;
    // `from_str_radix` would accept a sign.
    let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
    match u16::from_str_radix(digits, 16).ok()? {
        0xd800..=0xdbff => Some(Surrogate::Leading),
        0xdc00..=0xdfff => Some(Surrogate::Trailing),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn read(escaped: &str) -> String {
        let json = format!("\"{escaped}\"");
        serde_json::from_slice(&replace_lone(json.as_bytes())).unwrap()
    }

    #[test]
    fn lone_surrogates_are_replaced() {
        for (escaped, expected) in [
            (r"\ud83d", "\u{fffd}"),
            (r"a\uDE00b", "a\u{fffd}b"),
            (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
            (r"\ude00\ud83d", "\u{fffd}\u{fffd}"),
            (r"\ud83d\n", "\u{fffd}\n"),
            (r"\ud83dude00", "\u{fffd}ude00"),
            (r"\ud83d\\ude00", "\u{fffd}\\ude00"),
            (r"\\\ud83d", "\\\u{fffd}"),
            (r"\ud83d \ude00", "\u{fffd} \u{fffd}"),
        ] {
            assert_eq!(read(escaped), expected, "{escaped}");
        }
    }

    #[test]
    fn other_text_does_not_change() {
        let texts =
            ["", r"\", r"\u", r"\ud83", r"\u+83d", r"\\ud83d", r"\ud83d\ude00", r"\u00e9\n\/", "😀", "\\ud8\u{fc}d"];
        for text in texts {
            assert!(matches!(replace_lone(text.as_bytes()), Cow::Borrowed(same) if same == text.as_bytes()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn utf16_text_is_read_as_by_the_standard_library(
            units in proptest::collection::vec(prop_oneof![any::<u16>(), 0xd7fe_u16..0xe002, Just(0x5c)], 0..12)
        ) {
            let escaped = units.iter().map(|unit| format!("\\u{unit:04x}")).collect::<Vec<_>>().concat();
            prop_assert_eq!(read(&escaped), String::from_utf16_lossy(&units));
        }

        #[test]
        fn valid_json_and_lengths_do_not_change(text in any::<String>(), bytes in any::<Vec<u8>>()) {
            let json = Value::String(text).to_string();
            prop_assert!(matches!(replace_lone(json.as_bytes()), Cow::Borrowed(_)));
            prop_assert_eq!(replace_lone(&bytes).len(), bytes.len());
        }
    }
}
