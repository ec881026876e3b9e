//! Parsing of JSON, with errors that never repeat the client's content.

use std::{borrow::Cow, collections::VecDeque, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error, IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::{Value, error::Category};

use crate::{api::problem::Problem, domain::errors::requests, foundation::surrogates::replace_lone};

/// The most objects of a list. In memory, an object is up to ten times as large as in a body.
const MOST_OBJECTS: usize = 10_000;

/// What the errors of fields that are not supported begin with.
const UNSUPPORTED: &str = "unsupported field ";

/// Parses a JSON object. Half of a surrogate pair is read as U+FFFD: clients that cut a text in the middle of a pair
/// get an answer nevertheless.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    parse_strictly(bytes).or_else(|problem| match replace_lone(bytes) {
        Cow::Borrowed(_) => Err(problem),
        Cow::Owned(replaced) => parse_strictly(&replaced),
    })
}

fn parse_strictly<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // Serde reads a list as an object whose fields are the items in order.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(match serde_json::from_slice::<IgnoredAny>(bytes) {
            Ok(_) => Problem::new(&requests::INVALID_REQUEST),
            Err(error) => explain(".", &error),
        });
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let parsed = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        explain(&path, error.inner())
    })?;
    deserializer.end().map_err(|error| explain(".", &error))?;
    Ok(parsed)
}

/// Deserializes a string; null becomes the empty string.
pub(in crate::api) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// Deserializes a value that was made from the fields of a form.
pub(in crate::api) fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(|error| explain(&error.path().to_string(), error.inner()))
}

/// Deserializes a list of at most [`MOST_OBJECTS`] objects. By default, serde would also accept lists as the objects.
pub(in crate::api) fn objects<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<Vec<T>>, D::Error> {
    let objects = Option::<Objects<T, false>>::deserialize(from)?;
    Ok(objects.map(|Objects(objects)| objects.into()))
}

/// Deserializes a list of objects as [`objects`] does, but drops all before the last [`MOST_OBJECTS`].
pub(in crate::api) fn last_objects<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<Vec<T>>, D::Error> {
    let objects = Option::<Objects<T, true>>::deserialize(from)?;
    Ok(objects.map(|Objects(objects)| objects.into()))
}

/// The objects of a list. Beyond [`MOST_OBJECTS`], the first ones are dropped (`DROPS_FIRST`), or it fails.
struct Objects<T, const DROPS_FIRST: bool>(VecDeque<T>);

impl<'de, T: Deserialize<'de>, const DROPS_FIRST: bool> Deserialize<'de> for Objects<T, DROPS_FIRST> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OfList<T, const DROPS_FIRST: bool>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>, const DROPS_FIRST: bool> Visitor<'de> for OfList<T, DROPS_FIRST> {
            type Value = Objects<T, DROPS_FIRST>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sequence")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut objects = VecDeque::new();
                while let Some(Mapped(object)) = list.next_element()? {
                    if objects.len() == MOST_OBJECTS {
                        if !DROPS_FIRST {
                            return Err(A::Error::custom(format_args!(
                                "expected a list of at most {MOST_OBJECTS} items"
                            )));
                        }
                        objects.pop_front();
                    }
                    objects.push_back(object);
                }
                Ok(Objects(objects))
            }
        }

        from.deserialize_seq(OfList(PhantomData))
    }
}

/// A value that is deserialized from an object only.
struct Mapped<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Mapped<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OfMap<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for OfMap<T> {
            type Value = Mapped<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Mapped<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Mapped)
            }
        }

        from.deserialize_map(OfMap(PhantomData))
    }
}

/// Returns the error of an invalid body: the field or position, and the expected type. It holds nothing of the body.
fn explain(path: &str, error: &serde_json::Error) -> Problem {
    if error.classify() != Category::Data {
        let place = format!("line {}, column {}", error.line(), error.column());
        return Problem::new(&requests::INVALID_JSON).with_sentence(format!("The body is not valid JSON ({place})"));
    }
    let text = error.to_string();
    if let Some((name, reason)) = unsupported(&text) {
        let field = match (path, name) {
            (path, "") => path.to_owned(),
            (".", name) => name.to_owned(),
            (path, name) => format!("{path}.{name}"),
        };
        let sentence = format!("{field} {reason}");
        return Problem::new(&requests::UNSUPPORTED_PARAMETER).with_sentence(sentence).with_field(&field);
    }
    // The text after the last "expected" is serde's own; the text before it may be the client's.
    let expected = text.rsplit_once("expected ").map(|(_, expected)| expected);
    let expected = expected.map(|expected| expected.split(" at line ").next().unwrap_or_default());
    let missing = text.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    let field = match (path, missing) {
        (".", Some(field)) => field.to_owned(),
        (path, Some(field)) => format!("{path}.{field}"),
        (".", None) => "the body".to_owned(),
        (path, None) => path.to_owned(),
    };
    let sentence = match (missing, expected) {
        (Some(_), _) => format!("{field} is required"),
        (None, Some(expected)) => format!("{field} must be {}", plain_words(expected)),
        (None, None) => format!("{field} is not as it should be"),
    };
    Problem::new(&requests::INVALID_REQUEST).with_sentence(sentence).with_field(&field)
}

/// Returns serde's error of a field that is not supported. Without a name, it is the field that is being deserialized.
pub(in crate::api) fn unsupported_field<E: Error>(name: &str, reason: &'static str) -> E {
    E::custom(format_args!("{UNSUPPORTED}{name}: {reason}"))
}

/// Returns the name and the reason of an error of [`unsupported_field`].
fn unsupported(text: &str) -> Option<(&str, &str)> {
    let (name, reason) = text.strip_prefix(UNSUPPORTED)?.split_once(": ")?;
    Some((name, reason.split(" at line ").next().unwrap_or_default()))
}

/// Translates serde's name of a type to the terms of JSON.
fn plain_words(expected: &str) -> &str {
    match expected {
        "a sequence" => "a list",
        "a map" => "an object",
        expected if expected.starts_with("struct ") => "an object",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number",
        "f32" | "f64" => "a number",
        expected => expected,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its parsing matters")]
    struct Sample {
        #[serde(default)]
        list: Vec<Item>,
        #[serde(default)]
        text: String,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its parsing matters")]
    struct Item {
        number: u8,
    }

    fn sentence(body: &str) -> String {
        parse::<Sample>(body.as_bytes()).unwrap_err().error.into_owned()
    }

    #[test]
    fn errors_name_the_field_and_the_expected_type() {
        assert_eq!(
            sentence(r#"{"list":[{"number":1},{"number":"secret, expected x"}]}"#),
            "list[1].number must be a whole number"
        );
        assert_eq!(sentence(r#"{"list":[{}]}"#), "list[0].number is required");
        assert_eq!(sentence(r#"{"list":5}"#), "list must be a list");
        assert_eq!(sentence(r#"{"list":["x"]}"#), "list[0] must be an object");
        assert_eq!(sentence("[1]"), "the body must be a JSON object");
        assert_eq!(sentence("{"), "The body is not valid JSON (line 1, column 1)");
        assert_eq!(sentence("{} trailing"), "The body is not valid JSON (line 1, column 4)");
    }

    #[test]
    fn half_of_a_surrogate_pair_is_replaced() {
        let text = |body: &str| parse::<Sample>(body.as_bytes()).unwrap().text;
        assert_eq!(text(r#"{"text":"a\ud83d"}"#), "a\u{fffd}");
        assert_eq!(text(r#"{"text":"\ude00 \ud83d\ude00"}"#), "\u{fffd} \u{1f600}");
        assert_eq!(text(r#"{"te\ud83dxt":"","text":"\\ud83d","\ud83d":"\ud83d"}"#), "\\ud83d");
        assert_eq!(sentence(r#"{"text":"\ud83d","list":5}"#), "list must be a list");
        assert_eq!(sentence(r#"{"text":"\ud83d",}"#), "The body is not valid JSON (line 1, column 18)");
        assert_eq!(sentence(r#"{"text":"\ud83"}"#), "The body is not valid JSON (line 1, column 15)");
    }

    proptest! {
        #[test]
        fn errors_never_repeat_the_content(secret in "[a-z]{12}", shape in 0..4) {
            let body = match shape {
                0 => format!(r#"{{"list":[{{"number":"{secret}"}}]}}"#),
                1 => format!(r#"{{"list":"{secret}"}}"#),
                2 => format!(r#"{{"list":[{secret}]}}"#),
                _ => format!("\"{secret}\""),
            };
            prop_assert!(!sentence(&body).contains(&secret));
        }
    }
}
