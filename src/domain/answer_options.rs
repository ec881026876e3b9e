//! What a server with an API key asks of the answer besides the conversation: sampling, a limit, a format.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What a server with an API key asks of the answer besides the conversation. `None` leaves a value to the model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnswerOptions {
    /// The sampling temperature, from 0 to 2.
    pub temperature: Option<f64>,
    /// The share of the most probable tokens that are sampled, from 0 to 1.
    pub top_p: Option<f64>,
    /// The maximum length of the answer, in tokens.
    pub max_tokens: Option<u32>,
    /// The texts at which the answer ends.
    pub stop: Vec<String>,
    /// The seed of sampling.
    pub seed: Option<i64>,
    /// The penalty of tokens that occurred before, from -2 to 2.
    pub presence_penalty: Option<f64>,
    /// The penalty of tokens by how often they occurred before, from -2 to 2.
    pub frequency_penalty: Option<f64>,
    /// The format of the answer; `None` for text.
    pub format: Option<AnswerFormat>,
    /// How much a reasoning model reasons, such as `low`.
    pub reasoning_effort: Option<String>,
}

/// The format of an answer that is not plain text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerFormat {
    /// Any JSON object.
    JsonObject,
    /// JSON of a schema: the object with its name and the schema, as the model's provider reads it.
    JsonSchema(JsonText),
}

/// A JSON value as text. Its properties stay in the order in which they were written: models write those of an answer in the order
/// of the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonText(String);

impl AnswerOptions {
    /// Whether a client has chosen the temperature or the length of the answer.
    #[must_use]
    pub fn names_values(&self) -> bool {
        self.temperature.is_some() || self.max_tokens.is_some()
    }

    /// Returns the schema of the answer, which models read as a part of their prompt.
    #[must_use]
    pub fn schema(&self) -> Option<&str> {
        match &self.format {
            Some(AnswerFormat::JsonSchema(schema)) => Some(schema.as_str()),
            Some(AnswerFormat::JsonObject) | None => None,
        }
    }

    /// Returns the texts that the client has written.
    pub fn texts(&self) -> impl Iterator<Item = &str> + Clone {
        self.stop.iter().map(String::as_str).chain(self.schema())
    }
}

impl JsonText {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the value is an object.
    #[must_use]
    pub fn is_object(&self) -> bool {
        self.0.starts_with('{')
    }
}

impl<'de> Deserialize<'de> for JsonText {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut json = Vec::new();
        serde_transcode::transcode(from, &mut serde_json::Serializer::new(&mut json)).map_err(de::Error::custom)?;
        String::from_utf8(json).map(Self).map_err(de::Error::custom)
    }
}

impl Serialize for JsonText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_transcode::transcode(&mut serde_json::Deserializer::from_str(&self.0), serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_its_order() {
        let written = r#"{ "z": [1, -2, 0.5, "é\n", null, true], "a": {"y": {}, "b": 18446744073709551615} }"#;
        let compact = r#"{"z":[1,-2,0.5,"é\n",null,true],"a":{"y":{},"b":18446744073709551615}}"#;
        let read = serde_json::from_str::<JsonText>(written).unwrap();
        assert_eq!((read.as_str(), read.is_object()), (compact, true));
        assert_eq!(serde_json::to_string(&read).unwrap(), compact);
        assert!(!serde_json::from_str::<JsonText>("[{}]").unwrap().is_object());
        for wrong in ["{", "{\"a\":}", "\"\\ud83d\""] {
            assert!(serde_json::from_str::<JsonText>(wrong).is_err(), "{wrong}");
        }
    }
}
