//! Objects of requests in OpenAI's form with fields that are not supported. These are refused by name: silently left out, they would
//! change what the client gets. They are not read into memory.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, MapAccess, Visitor, value::StrDeserializer},
    forward_to_deserialize_any,
};

use crate::api::{json::unsupported_field, unread_field::HasContent};

/// The longest name of a field that an error repeats.
const LONGEST_NAME: usize = 64;

/// The fields by which a request of another API is recognised.
const OTHER_APIS: [(&[&str], &str); 3] = [
    (
        &["input", "instructions", "max_output_tokens", "previous_response_id"],
        "is of OpenAI's Responses API; this address takes Chat Completions, with `messages`",
    ),
    (
        &["system", "stop_sequences", "thinking"],
        "is of Anthropic's Messages API; this address takes OpenAI's Chat Completions, where the system prompt is a message with the \
         role `system`, and `stop` has the stop sequences",
    ),
    (
        &["prompt", "suffix", "echo", "best_of"],
        "is of OpenAI's older Completions API; this address takes Chat Completions, with `messages`",
    ),
];

/// A deserializer of an object that refuses all fields but those of the type, unless they have no content: null, false, a blank
/// string, an empty list or object. For types with `#[serde(remote = "Self")]`.
pub(super) struct KnownFields<D>(pub(super) D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for KnownFields<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_struct(name, fields, OfFields { fields, visitor })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// A visitor of an object, or the fields of an object, of which another one gets those of its type only.
struct OfFields<T> {
    fields: &'static [&'static str],
    visitor: T,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for OfFields<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, all: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_map(OwnFields { fields: self.fields, all })
    }
}

/// The fields of a type, of all fields of an object.
struct OwnFields<A> {
    fields: &'static [&'static str],
    all: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for OwnFields<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(name) = self.all.next_key_seed(FieldName(self.fields))? {
            match name {
                Name::Known(name) => return seed.deserialize(StrDeserializer::new(name)).map(Some),
                Name::Other(reason) => self.all.next_value_seed(Refused(reason))?,
                Name::Unreadable => {
                    return Err(unsupported_field("", "has a parameter that is not supported here; leave it out"));
                }
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.all.next_value_seed(seed)
    }
}

/// The name of a field.
enum Name {
    /// A field of the type.
    Known(&'static str),
    /// Another field, with the reason why it is not supported.
    Other(&'static str),
    /// What cannot be the name of a parameter, and is not repeated.
    Unreadable,
}

/// Reads the name of a field: whether it is one of these.
struct FieldName(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for FieldName {
    type Value = Name;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Name, D::Error> {
        from.deserialize_identifier(self)
    }
}

impl Visitor<'_> for FieldName {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Name, E> {
        if let Some(known) = self.0.iter().find(|known| **known == name) {
            return Ok(Name::Known(known));
        }
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(is_name) {
            return Ok(Name::Unreadable);
        }
        let of_api = OTHER_APIS.iter().find(|(names, _)| names.contains(&name));
        Ok(Name::Other(of_api.map_or("is not supported here; leave it out", |(_, reason)| reason)))
    }
}

/// Reads the value of a field that is refused for a reason, unless it has no content.
struct Refused(&'static str);

impl<'de> DeserializeSeed<'de> for Refused {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        let HasContent(has_content) = HasContent::deserialize(from)?;
        // The field is the one that is being deserialized.
        if has_content { Err(unsupported_field("", self.0)) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(remote = "Self", default)]
    struct Sample {
        text: String,
        count: u8,
    }

    impl Default for Sample {
        fn default() -> Self {
            Self { text: "default".to_owned(), count: 7 }
        }
    }

    impl<'de> Deserialize<'de> for Sample {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            Self::deserialize(KnownFields(from))
        }
    }

    #[test]
    fn fields_without_content_are_left_out() {
        let read =
            serde_json::from_str::<Sample>(r#"{"a": null, "text": "hi", "b": [], "c": {}, "d": " ", "e": false}"#);
        assert_eq!(read.unwrap(), Sample { text: "hi".to_owned(), count: 7 });
        assert_eq!(serde_json::from_value::<Sample>(json!({})).unwrap(), Sample::default());
        assert!(serde_json::from_str::<Sample>(r#"["hi", 1]"#).is_err());
    }

    #[test]
    fn a_syntax_error_behind_a_refused_field_is_one() {
        let category = |json: &str| serde_json::from_str::<Sample>(json).unwrap_err().classify();
        assert_eq!(category(r#"{"a": [1, }"#), serde_json::error::Category::Syntax);
        assert_eq!(category(r#"{"a": [1]}"#), serde_json::error::Category::Data);
        assert_eq!(category(r#"{"text": 1}"#), serde_json::error::Category::Data);
    }
}
