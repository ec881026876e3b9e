//! Fields of a request in OpenAI's form that are not supported. They are refused by name: silently left out, they would change what
//! the client gets.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

use crate::api::{json::unsupported_field, unread_field::UnreadField};

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

/// All fields besides those of a type, for `#[serde(flatten)]`. Only fields without content deserialize: null, false, a blank
/// string, an empty list or object.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OtherFields;

impl<'de> Deserialize<'de> for OtherFields {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Refused)
    }
}

struct Refused;

impl<'de> Visitor<'de> for Refused {
    type Value = OtherFields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<OtherFields, A::Error> {
        while let Some(name) = fields.next_key::<String>()? {
            if fields.next_value::<UnreadField>().is_err() {
                return Err(refusal(&name));
            }
        }
        Ok(OtherFields)
    }
}

/// Returns the error of a field. It repeats only a name that may be one of a parameter.
fn refusal<E: serde::de::Error>(name: &str) -> E {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(is_name) {
        return unsupported_field("", "has a parameter that is not supported here; leave it out");
    }
    let of_api = OTHER_APIS.iter().find(|(names, _)| names.contains(&name));
    unsupported_field(name, of_api.map_or("is not supported here; leave it out", |(_, reason)| reason))
}
