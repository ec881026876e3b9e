//! Fields that an endpoint refuses. Clients send content in them to other endpoints; ignoring it silently would lose it.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

/// A field that an endpoint refuses. Only values without content deserialize: null, false, a blank string, an empty
/// list or object.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct UnreadField;

impl<'de> Deserialize<'de> for UnreadField {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let HasContent(has_content) = HasContent::deserialize(from)?;
        if has_content { Err(Error::custom("expected left out, because it is not read here")) } else { Ok(Self) }
    }
}

/// Whether a value has content. The content is not read into memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct HasContent(pub(super) bool);

impl<'de> Deserialize<'de> for HasContent {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(OfAnyValue).map(Self)
    }
}

/// Declares the type of a request body: its own fields, and the names of fields that its endpoint refuses.
macro_rules! with_unread_fields {
    ($(#[$meta:meta])* $visibility:vis struct $type:ident { $($own:tt)* } unread { $($field:ident),* $(,)? }) => {
        $(#[$meta])*
        $visibility struct $type {
            $($own)*
            $(
                #[serde(default)]
                #[oai(skip)]
                #[expect(dead_code, reason = "to deserialize it is the check")]
                $field: $crate::api::unread_field::UnreadField,
            )*
        }
    };
}

pub(super) use with_unread_fields;

/// Reads any value to its end, and returns whether it has content.
struct OfAnyValue;

impl<'de> Visitor<'de> for OfAnyValue {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<bool, E> {
        Ok(value)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<bool, E> {
        Ok(true)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<bool, E> {
        Ok(true)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<bool, E> {
        Ok(true)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<bool, E> {
        Ok(!text.trim().is_empty())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<bool, A::Error> {
        let mut has_content = false;
        while list.next_element::<IgnoredAny>()?.is_some() {
            has_content = true;
        }
        Ok(has_content)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<bool, A::Error> {
        let mut has_content = false;
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            has_content = true;
        }
        Ok(has_content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_values_without_content_are_accepted() {
        for nothing in ["null", "false", "\"\"", "\" \\n\"", "[]", "{}"] {
            assert!(serde_json::from_str::<UnreadField>(nothing).is_ok(), "{nothing}");
        }
        for content in ["true", "0", "7", "-1.5", "\"x\"", "[null]", "[{\"a\":1},2]", "{\"a\":null}"] {
            let error = serde_json::from_str::<UnreadField>(content).unwrap_err().to_string();
            assert!(error.contains("expected left out, because it is not read here"), "{error}");
        }
    }
}
