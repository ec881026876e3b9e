//! Text that a model's server sends, however its characters were cut apart.
//!
//! Servers that stream bytes of tokens cut characters between two events, as half a UTF-8 sequence or as one of two
//! surrogate escapes (`\ud83d`), neither of which is text for a strict JSON reader.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};

/// The bytes of one or more JSON strings: UTF-8, save that a character may be cut at either end, and that lone surrogate
/// escapes stand there as three bytes each (WTF-8), which is how `serde_json` reads them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RawText(Vec<u8>);

impl RawText {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text of a whole answer: what is no character is U+FFFD.
    pub(super) fn into_text(self) -> String {
        let mut joiner = Joiner::default();
        let mut text = joiner.join(self);
        text.extend(joiner.finish());
        text
    }
}

/// A string, or a list of parts with a `text` each, as some servers send it; parts without are passed over.
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

        // Asked for bytes, `serde_json` checks neither UTF-8 nor surrogates.
        deserializer.deserialize_bytes(TextVisitor)
    }
}

#[derive(Deserialize)]
struct Part {
    text: Option<RawText>,
}

/// Joins the characters that were cut between the pieces of a text.
#[derive(Debug, Default)]
pub(super) struct Joiner {
    /// The beginning of a character whose rest is still to come; nearly always empty.
    cut: Vec<u8>,
}

impl Joiner {
    /// The characters that are whole with this piece. What cannot be a character is U+FFFD.
    pub(super) fn join(&mut self, piece: RawText) -> String {
        let bytes = if self.cut.is_empty() { piece.0 } else { [std::mem::take(&mut self.cut), piece.0].concat() };
        match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => self.decode(error.as_bytes()),
        }
    }

    /// U+FFFD for a character whose rest never came.
    pub(super) fn finish(&mut self) -> Option<char> {
        (!std::mem::take(&mut self.cut).is_empty()).then_some(char::REPLACEMENT_CHARACTER)
    }

    fn decode(&mut self, mut bytes: &[u8]) -> String {
        let mut text = String::with_capacity(bytes.len());
        while let Some(chunk) = bytes.utf8_chunks().next() {
            text.push_str(chunk.valid());
            bytes = &bytes[chunk.valid().len()..];
            if bytes.is_empty() {
                break;
            }
            match Broken::at_start_of(bytes) {
                Broken::Cut => {
                    self.cut = bytes.to_vec();
                    break;
                }
                Broken::Pair(c) => {
                    text.push(c);
                    bytes = &bytes[2 * SURROGATE_LENGTH..];
                }
                Broken::Lost(length) => {
                    text.push(char::REPLACEMENT_CHARACTER);
                    bytes = &bytes[length..];
                }
            }
        }
        text
    }
}

/// The bytes of one surrogate.
const SURROGATE_LENGTH: usize = 3;

/// What bytes are that begin with none of UTF-8.
enum Broken {
    /// The beginning of a character, up to the end of the bytes.
    Cut,
    /// Two surrogates that are one character.
    Pair(char),
    /// This many bytes that are no character.
    Lost(usize),
}

impl Broken {
    fn at_start_of(bytes: &[u8]) -> Self {
        match surrogate(bytes) {
            Some(high @ 0xD800..=0xDBFF) => {
                let rest = &bytes[SURROGATE_LENGTH..];
                let pair = surrogate(rest).and_then(|low| char::decode_utf16([high, low]).next()?.ok());
                let may_go_on = rest.len() < SURROGATE_LENGTH && [0xED].starts_with(&rest[..rest.len().min(1)]);
                pair.map_or(if may_go_on { Self::Cut } else { Self::Lost(SURROGATE_LENGTH) }, Self::Pair)
            }
            Some(_) => Self::Lost(SURROGATE_LENGTH),
            None => match std::str::from_utf8(bytes).err().and_then(|error| error.error_len()) {
                Some(length) => Self::Lost(length),
                None => Self::Cut,
            },
        }
    }
}

/// The surrogate that the bytes begin with.
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
        let mut joiner = Joiner::default();
        let mut text = pieces.into_iter().map(|json| joiner.join(read(json))).collect::<String>();
        text.extend(joiner.finish());
        text
    }

    #[test]
    fn surrogates_of_two_pieces_are_joined() {
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
    fn bytes_that_are_no_text_are_replaced() {
        assert_eq!(read(b"\"a\xFFb\xC3\"").into_text(), "a\u{FFFD}b\u{FFFD}");
    }

    #[test]
    fn parts_are_one_text() {
        let parts = r#"[{"type":"thinking","thinking":"hm"},{"type":"text","text":"a"},{"text":null},{"text":"b"}]"#;
        assert_eq!(read(parts.as_bytes()).into_text(), "ab");
    }

    proptest! {
        #[test]
        fn it_makes_no_difference_where_bytes_are_cut(text in "[aé€😀]{0,8}",
                                                      cuts in prop::collection::vec(0_usize..40, 0..5)) {
            let mut cuts = cuts.into_iter().map(|cut| cut.min(text.len())).chain([0, text.len()]).collect::<Vec<_>>();
            cuts.sort_unstable();
            let mut joiner = Joiner::default();
            let pieces = cuts.windows(2).map(|ends| RawText(text.as_bytes()[ends[0]..ends[1]].to_vec()));
            let joined = pieces.map(|piece| joiner.join(piece)).collect::<String>();
            prop_assert_eq!(joined, text);
            prop_assert_eq!(joiner.finish(), None);
        }

        #[test]
        fn it_makes_no_difference_where_escapes_are_cut(text in "[a😀🦀]{0,8}",
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
