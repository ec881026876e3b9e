//! The fields of a request that a server with an API key may set.

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{
    domain::answer_options::{AnswerFormat, AnswerOptions},
    foundation::config::ExtraFields,
};

/// The fields of a request that a server with an API key may set. A field that the settings add to each request to the provider
/// is left out, so that no field is there twice.
#[derive(Serialize)]
pub(super) struct Sampling<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<Format<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'a str>,
}

impl<'a> Sampling<'a> {
    /// Returns the fields of these options. `fixed` are the fields that the settings add.
    pub(super) fn new(options: &'a AnswerOptions, fixed: &ExtraFields) -> Self {
        let is_free = |name| !fixed.has(name);
        Self {
            top_p: options.top_p.filter(|_| is_free("top_p")),
            stop: Some(options.stop.as_slice()).filter(|stop| !stop.is_empty() && is_free("stop")),
            seed: options.seed.filter(|_| is_free("seed")),
            presence_penalty: options.presence_penalty.filter(|_| is_free("presence_penalty")),
            frequency_penalty: options.frequency_penalty.filter(|_| is_free("frequency_penalty")),
            response_format: options.format.as_ref().filter(|_| is_free("response_format")).map(Format),
            reasoning_effort: options.reasoning_effort.as_deref().filter(|_| is_free("reasoning_effort")),
        }
    }
}

/// The format of the answer, as it is sent.
struct Format<'a>(&'a AnswerFormat);

impl Serialize for Format<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (kind, schema) = match self.0 {
            AnswerFormat::JsonObject => ("json_object", None),
            AnswerFormat::JsonSchema(schema) => ("json_schema", Some(schema)),
        };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", kind)?;
        if let Some(schema) = schema {
            map.serialize_entry("json_schema", schema)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn sent(options: &AnswerOptions, fixed: &str) -> Value {
        let fixed = ExtraFields::parse(fixed).unwrap();
        serde_json::to_value(Sampling::new(options, &fixed)).unwrap()
    }

    #[test]
    fn only_fields_with_a_value_are_sent() {
        assert_eq!(sent(&AnswerOptions::default(), ""), json!({}));
        let options = AnswerOptions {
            top_p: Some(0.5),
            stop: vec!["END".to_owned()],
            seed: Some(7),
            presence_penalty: Some(0.25),
            frequency_penalty: Some(-0.25),
            format: Some(AnswerFormat::JsonSchema(serde_json::from_str(r#"{"name": "reply"}"#).unwrap())),
            reasoning_effort: Some("low".to_owned()),
            ..AnswerOptions::default()
        };
        let all = json!({
            "top_p": 0.5, "stop": ["END"], "seed": 7, "presence_penalty": 0.25, "frequency_penalty": -0.25,
            "response_format": {"type": "json_schema", "json_schema": {"name": "reply"}}, "reasoning_effort": "low",
        });
        assert_eq!(sent(&options, ""), all);
        let object = AnswerOptions { format: Some(AnswerFormat::JsonObject), ..AnswerOptions::default() };
        assert_eq!(sent(&object, ""), json!({"response_format": {"type": "json_object"}}));
    }

    #[test]
    fn a_schema_is_sent_as_it_was_written() {
        let schema = r#"{"name":"reply","schema":{"properties":{"reasons":{"type":"string"},"answer":{"const":1.5}}}}"#;
        let format = Some(AnswerFormat::JsonSchema(serde_json::from_str(schema).unwrap()));
        let options = AnswerOptions { format, ..AnswerOptions::default() };
        let sent = serde_json::to_string(&Sampling::new(&options, &ExtraFields::default())).unwrap();
        assert_eq!(sent, format!(r#"{{"response_format":{{"type":"json_schema","json_schema":{schema}}}}}"#));
    }

    #[test]
    fn fields_that_the_settings_add_are_left_out() {
        let options = AnswerOptions { seed: Some(7), top_p: Some(0.5), ..AnswerOptions::default() };
        assert_eq!(sent(&options, r#"{"seed": 1}"#), json!({"top_p": 0.5}));
    }
}
