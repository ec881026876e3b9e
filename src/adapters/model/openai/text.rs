//! Decoding of text whose characters may be split between two events of a stream.
//!
//! Some servers stream the bytes of tokens, so that one event ends with a part of a UTF-8 sequence or with the first of
//! two surrogate escapes (`\ud83d`). A strict JSON parser rejects both.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};

/// The bytes of one or more JSON strings. They are UTF-8, except that a character may be incomplete at either end, and
/// that each lone surrogate escape is three bytes (WTF-8), as `serde_json` decodes it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RawText(Vec<u8>);

impl RawText {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the text of a whole answer, with U+FFFD in the place of invalid bytes.
    pub(super) fn into_text(self) -> String {
        let mut decoder = TextDecoder::default();
        let mut text = decoder.decode(self);
        text.extend(decoder.finish());
        text
    }
}

/// Reads a string, or a list of parts with a `text` each, as some servers send it. Parts without text are ignored.
impl<'de> Deserialize<'de> for RawText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'de> Visitor<'de> for TextVisitor {
            type Value = RawText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of parts")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<RawText, E> {
                Ok(RawText(bytes.to_vec()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<RawText, A::Error> {
                let mut text = Vec::new();
                while let Some(part) = parts.next_element::<Part>()? {
                    text.extend(part.text.unwrap_or_default().0);
                }
                Ok(RawText(text))
            }
        }

        // When it deserializes bytes, `serde_json` checks neither UTF-8 nor surrogates.
        deserializer.deserialize_bytes(TextVisitor)
    }
}

#[derive(Deserialize)]
struct Part {
    text: Option<RawText>,
}

/// A decoder of text in pieces, which joins characters that are split between two pieces.
#[derive(Debug, Default)]
pub(super) struct TextDecoder {
    /// The first bytes of a character whose other bytes have not arrived; nearly always empty.
    incomplete: Vec<u8>,
}

impl TextDecoder {
    /// Returns the characters that are complete with this piece, with U+FFFD in the place of invalid bytes.
    pub(super) fn decode(&mut self, piece: RawText) -> String {
        let bytes =
            if self.incomplete.is_empty() { piece.0 } else { [std::mem::take(&mut self.incomplete), piece.0].concat() };
        match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => self.decode_lossy(error.as_bytes()),
        }
    }

    /// Ends the text. Returns U+FFFD if the last character is incomplete.
    pub(super) fn finish(&mut self) -> Option<char> {
        (!std::mem::take(&mut self.incomplete).is_empty()).then_some(char::REPLACEMENT_CHARACTER)
    }

    fn decode_lossy(&mut self, mut bytes: &[u8]) -> String {
        let mut text = String::with_capacity(bytes.len());
        while let Some(chunk) = bytes.utf8_chunks().next() {
            text.push_str(chunk.valid());
            bytes = &bytes[chunk.valid().len()..];
            if bytes.is_empty() {
                break;
            }
            match InvalidBytes::at_start_of(bytes) {
                InvalidBytes::Incomplete => {
                    self.incomplete = bytes.to_vec();
                    break;
                }
                InvalidBytes::SurrogatePair(c) => {
                    text.push(c);
                    bytes = &bytes[2 * SURROGATE_LENGTH..];
                }
                InvalidBytes::Invalid(length) => {
                    text.push(char::REPLACEMENT_CHARACTER);
                    bytes = &bytes[length..];
                }
            }
        }
        text
    }
}

/// The length of one surrogate, in bytes.
const SURROGATE_LENGTH: usize = 3;

/// A sequence of bytes that is not valid UTF-8.
enum InvalidBytes {
    /// The first bytes of a character, up to the end of the input.
    Incomplete,
    /// Two surrogates that encode one character.
    SurrogatePair(char),
    /// A number of bytes that encode no character.
    Invalid(usize),
}

impl InvalidBytes {
    /// Classifies the bytes at the start of a slice that does not begin with valid UTF-8.
    fn at_start_of(bytes: &[u8]) -> Self {
        match surrogate(bytes) {
            Some(high @ 0xD800..=0xDBFF) => {
                let rest = &bytes[SURROGATE_LENGTH..];
                let pair = surrogate(rest).and_then(|low| char::decode_utf16([high, low]).next()?.ok());
                let may_continue = rest.len() < SURROGATE_LENGTH && [0xED].starts_with(&rest[..rest.len().min(1)]);
                pair.map_or(
                    if may_continue { Self::Incomplete } else { Self::Invalid(SURROGATE_LENGTH) },
                    Self::SurrogatePair,
                )
            }
            Some(_) => Self::Invalid(SURROGATE_LENGTH),
            None => match std::str::from_utf8(bytes).err().and_then(|error| error.error_len()) {
                Some(length) => Self::Invalid(length),
                None => Self::Incomplete,
            },
        }
    }
}

/// Returns the surrogate that the bytes begin with, encoded as WTF-8.
fn surrogate(bytes: &[u8]) -> Option<u16> {
    match *bytes {
        [0xED, second @ 0xA0..=0xBF, third @ 0x80..=0xBF, ..] => {
            Some(0xD000 | u16::from(second & 0x3F) << 6 | u16::from(third & 0x3F))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(json: &[u8]) -> RawText {
        serde_json::from_slice(json).unwrap()
    }

    fn joined<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
        let mut decoder = TextDecoder::default();
        let mut text = pieces.into_iter().map(|json| decoder.decode(read(json))).collect::<String>();
        text.extend(decoder.finish());
        text
    }

    #[test]
    fn surrogates_in_two_pieces_are_one_character() {
        assert_eq!(joined([br#""a\ud83d""#.as_slice(), br#""\ude00b""#]), "a😀b");
        assert_eq!(joined([br#""\ud83d""#.as_slice(), br#""""#, br#""\ude00""#]), "😀");
        assert_eq!(joined([br#""\ud83d\ude00""#.as_slice()]), "😀");
    }

    #[test]
    fn lone_surrogates_are_replaced() {
        assert_eq!(read(br#""a\ud83d""#).into_text(), "a\u{FFFD}");
        assert_eq!(read(br#""\ude00a\ud83db""#).into_text(), "\u{FFFD}a\u{FFFD}b");
        assert_eq!(joined([br#""\ud83d""#.as_slice(), br#""\ud83d""#, br#""\ude00""#]), "\u{FFFD}😀");
        assert_eq!(joined([br#""\ud83d""#.as_slice(), br#""x\ude00""#]), "\u{FFFD}x\u{FFFD}");
    }

    #[test]
    fn invalid_bytes_are_replaced() {
        assert_eq!(read(b"\"a\xFFb\xC3\"").into_text(), "a\u{FFFD}b\u{FFFD}");
    }

    #[test]
    fn a_list_of_parts_is_one_text() {
        let parts = r#"[{"type":"thinking","thinking":"hm"},{"type":"text","text":"a"},{"text":null},{"text":"b"}]"#;
        assert_eq!(read(parts.as_bytes()).into_text(), "ab");
    }

    proptest! {
        #[test]
        fn bytes_may_be_split_anywhere(text in "[aé€😀]{0,8}",
                                                      cuts in prop::collection::vec(0_usize..40, 0..5)) {
            let mut cuts = cuts.into_iter().map(|cut| cut.min(text.len())).chain([0, text.len()]).collect::<Vec<_>>();
            cuts.sort_unstable();
            let mut decoder = TextDecoder::default();
            let pieces = cuts.windows(2).map(|ends| RawText(text.as_bytes()[ends[0]..ends[1]].to_vec()));
            let joined = pieces.map(|piece| decoder.decode(piece)).collect::<String>();
            prop_assert_eq!(joined, text);
            prop_assert_eq!(decoder.finish(), None);
        }

        #[test]
        fn escapes_may_be_split_anywhere(text in "[a😀🦀]{0,8}",
                                                       cuts in prop::collection::vec(0_usize..20, 0..5)) {
            let units = text.encode_utf16().collect::<Vec<_>>();
            let mut cuts = cuts.into_iter().map(|cut| cut.min(units.len())).chain([0, units.len()]).collect::<Vec<_>>();
            cuts.sort_unstable();
            let escape = |unit: &u16| format!("\\u{unit:04x}");
            let json = |units: &[u16]| format!("\"{}\"", units.iter().map(escape).collect::<Vec<_>>().concat());
            let pieces = cuts.windows(2).map(|ends| json(&units[ends[0]..ends[1]])).collect::<Vec<_>>();
            prop_assert_eq!(joined(pieces.iter().map(String::as_bytes)), text);
        }
    }
}
