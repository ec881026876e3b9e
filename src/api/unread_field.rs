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
        from.deserialize_any(Nothing)
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

struct Nothing;

impl Nothing {
    const EXPECTED: &str = "left out, because it is not read here";

    fn unless<E: Error>(has_content: bool) -> Result<UnreadField, E> {
        if has_content { Err(E::custom(format_args!("expected {}", Self::EXPECTED))) } else { Ok(UnreadField) }
    }
}

impl<'de> Visitor<'de> for Nothing {
    type Value = UnreadField;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::EXPECTED)
    }

    fn visit_unit<E: Error>(self) -> Result<UnreadField, E> {
        Ok(UnreadField)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<UnreadField, E> {
        Self::unless(value)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<UnreadField, E> {
        Self::unless(!text.trim().is_empty())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<UnreadField, A::Error> {
        let first = list.next_element::<IgnoredAny>()?;
        Self::unless(first.is_some())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<UnreadField, A::Error> {
        let first = object.next_key::<IgnoredAny>()?;
        Self::unless(first.is_some())
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
