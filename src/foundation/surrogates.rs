//! Lone surrogate escapes in JSON.
//!
//! A character outside the Basic Multilingual Plane is written in JSON as two escapes, a surrogate pair. Text that was
//! cut between the two, as JavaScript's `slice` cuts it, has half a pair: JSON by its grammar (RFC 8259, 8.2), but no
//! Unicode text, so that parsers refuse it.

use std::borrow::Cow;

/// The length of an escape such as `\ud83d`, in bytes.
const ESCAPE: usize = 6;

/// The escape that stands for what cannot be read, as long as the one it replaces.
const REPLACEMENT: &[u8; ESCAPE] = br"\ufffd";

/// Replaces each escape of a surrogate that isn't part of a pair by `\ufffd`, and leaves everything else as it is.
///
/// Positions in the text stay the same. Borrowed where there is nothing to replace; the text need not be valid JSON.
#[must_use]
pub fn replace_lone(json: &[u8]) -> Cow<'_, [u8]> {
    let mut lone = LoneEscapes { json, at: 0 }.peekable();
    if lone.peek().is_none() {
        return Cow::Borrowed(json);
    }
    let mut replaced = json.to_vec();
    for start in lone {
        replaced[start..start + ESCAPE].copy_from_slice(REPLACEMENT);
    }
    Cow::Owned(replaced)
}

/// The places of the lone escapes, in their order.
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
                // Any other escape: what follows the backslash begins none, not even another backslash.
                None => self.at = start + 2,
                Some(Half::Leading) if surrogate(self.json, start + ESCAPE) == Some(Half::Trailing) => {
                    self.at = start + 2 * ESCAPE;
                }
                Some(_) => {
                    self.at = start + ESCAPE;
                    return Some(start);
                }
            }
        }
    }
}

/// Which half of a pair a surrogate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Half {
    Leading,
    Trailing,
}

/// The surrogate whose escape begins here, if one does.
fn surrogate(json: &[u8], start: usize) -> Option<Half> {
    let digits = json.get(start..start + ESCAPE)?.strip_prefix(br"\u")?;
    // `from_str_radix` would take a sign.
    let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
    match u16::from_str_radix(digits, 16).ok()? {
        0xd800..=0xdbff => Some(Half::Leading),
        0xdc00..=0xdfff => Some(Half::Trailing),
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
    fn all_other_text_stays_as_it_is() {
        let texts =
            ["", r"\", r"\u", r"\ud83", r"\u+83d", r"\\ud83d", r"\ud83d\ude00", r"\u00e9\n\/", "😀", "\\ud8\u{fc}d"];
        for text in texts {
            assert!(matches!(replace_lone(text.as_bytes()), Cow::Borrowed(same) if same == text.as_bytes()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_utf16_text_is_read_as_the_standard_library_does(
            units in proptest::collection::vec(prop_oneof![any::<u16>(), 0xd7fe_u16..0xe002, Just(0x5c)], 0..12)
        ) {
            let escaped = units.iter().map(|unit| format!("\\u{unit:04x}")).collect::<Vec<_>>().concat();
            prop_assert_eq!(read(&escaped), String::from_utf16_lossy(&units));
        }

        #[test]
        fn valid_json_and_lengths_are_kept(text in any::<String>(), bytes in any::<Vec<u8>>()) {
            let json = Value::String(text).to_string();
            prop_assert!(matches!(replace_lone(json.as_bytes()), Cow::Borrowed(_)));
            prop_assert_eq!(replace_lone(&bytes).len(), bytes.len());
        }
    }
}
