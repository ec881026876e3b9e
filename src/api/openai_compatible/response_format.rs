//! The format of an answer in OpenAI's form: text, any JSON object, or JSON of a schema.

use poem_openapi::{Enum, Object, types::Any};
use serde::Deserialize;

use super::refusal::invalid;
use crate::{
    api::problem::Problem,
    domain::answer_options::{AnswerFormat, JsonText},
};

/// The format of the answer.
#[derive(Debug, Deserialize, Object)]
#[oai(rename = "ChatCompletionResponseFormat")]
pub(super) struct ResponseFormat {
    /// Text, any JSON object, or JSON of a schema.
    #[serde(rename = "type")]
    #[oai(rename = "type")]
    kind: FormatKind,
    /// The schema with its `name`, as the model's provider reads it.
    json_schema: Option<Any<JsonText>>,
}

/// The kind of a format: `text`, any JSON object, or JSON of a schema.
#[derive(Clone, Copy, Debug, Deserialize, Enum, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
#[oai(rename = "ChatCompletionResponseFormatType", rename_all = "snake_case")]
enum FormatKind {
    Text,
    JsonObject,
    JsonSchema,
}

impl ResponseFormat {
    /// Returns the format that a turn asks for; `None` for text.
    pub(super) fn into_answer_format(self) -> Result<Option<AnswerFormat>, Problem> {
        Ok(match (self.kind, self.json_schema) {
            (FormatKind::Text, _) => None,
            (FormatKind::JsonObject, _) => Some(AnswerFormat::JsonObject),
            (FormatKind::JsonSchema, Some(Any(schema))) if schema.is_object() => Some(AnswerFormat::JsonSchema(schema)),
            (FormatKind::JsonSchema, _) => {
                return Err(invalid("response_format.json_schema", "must be an object with the schema"));
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: &str) -> Result<Option<AnswerFormat>, Problem> {
        serde_json::from_str::<ResponseFormat>(format).unwrap().into_answer_format()
    }

    #[test]
    fn a_schema_keeps_the_order_of_its_properties() {
        let schema = r#"{"name":"reply","schema":{"properties":{"reasons":{},"answer":{}}}}"#;
        let format = read(&format!(r#"{{"type": "json_schema", "json_schema": {schema}}}"#)).unwrap();
        assert!(matches!(format, Some(AnswerFormat::JsonSchema(read)) if read.as_str() == schema));
    }

    #[test]
    fn a_schema_must_be_an_object() {
        for schema in ["", r#", "json_schema": null"#, r#", "json_schema": [{}]"#, r#", "json_schema": "x""#] {
            assert!(read(&format!(r#"{{"type": "json_schema"{schema}}}"#)).is_err(), "{schema}");
        }
        assert_eq!(read(r#"{"type": "text", "json_schema": null}"#).unwrap(), None);
    }
}
