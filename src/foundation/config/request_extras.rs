//! What is added to each request to a provider: headers, and fields of the JSON.

use std::{collections::BTreeMap, fmt};

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};
use url::Url;

use crate::foundation::secret::ApiKey;

/// The shortest value of a header that is taken for a secret, in characters. Shorter ones are words such as `openai`.
const MIN_SECRET_CHARS: usize = 16;

/// The headers that a request has by itself.
const OWN_HEADERS: [&str; 14] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The fields that a request has by itself.
const OWN_FIELDS: [&str; 7] =
    ["model", "messages", "stream", "stream_options", "temperature", "max_tokens", "max_completion_tokens"];

/// The headers that are added to each request to a provider. Values may be secrets: the `Debug` output has only names.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ExtraHeaders(HeaderMap);

impl ExtraHeaders {
    /// What a header may be.
    pub(super) const EXPECTED: &str = "a header with a text as its value, and none that is there already or that each \
                                       request has by itself (Authorization, Host, Content-Type, …): a key belongs into key, for another header \
                                       with its name in key_header,";

    /// Parses a JSON object of texts; nothing stands for no headers.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut headers = Self::default();
        if !text.is_empty() {
            for (name, value) in serde_json::from_str::<BTreeMap<String, String>>(text).ok()? {
                headers.add(&name, &value)?;
            }
        }
        Some(headers)
    }

    /// Adds a header. Returns `None` for an invalid name or value, for a header that each request has by itself, and for one that
    /// was added already, in upper or lower case.
    pub(super) fn add(&mut self, name: &str, value: &str) -> Option<()> {
        let name = Self::free_name(name).filter(|name| *name != AUTHORIZATION && !self.contain(name))?;
        let mut value = HeaderValue::from_str(value.trim()).ok()?;
        value.set_sensitive(true);
        self.0.insert(name, value);
        Some(())
    }

    /// Parses the name of a header; `None` for one that each request has by itself, other than `Authorization`.
    pub(super) fn free_name(text: &str) -> Option<HeaderName> {
        text.parse::<HeaderName>().ok().filter(|name| !OWN_HEADERS.contains(&name.as_str()))
    }

    /// Whether there is a header of this name.
    pub(super) fn contain(&self, name: &HeaderName) -> bool {
        self.0.contains_key(name)
    }

    /// Returns the headers; their values are marked as sensitive.
    #[must_use]
    pub fn map(&self) -> &HeaderMap {
        &self.0
    }

    /// Returns the values that may be secrets: those that are long enough, and no plain addresses, as gateways want in
    /// `HTTP-Referer`.
    #[must_use]
    pub fn secrets(&self) -> Vec<ApiKey> {
        let texts = self.0.values().filter_map(|value| value.to_str().ok());
        let may_be_secret = |text: &&str| text.len() >= MIN_SECRET_CHARS && !is_plain_address(text);
        texts.filter(may_be_secret).filter_map(ApiKey::parse).collect()
    }
}

/// Whether a text is the address of a website, without a user, a password and a query, which may be secrets.
fn is_plain_address(text: &str) -> bool {
    let address = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    address.is_some_and(|url| url.username().is_empty() && url.password().is_none() && url.query().is_none())
}

impl fmt::Debug for ExtraHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

/// The fields that are added to the JSON of each request to a provider. The `Debug` output has only names.
#[derive(Clone, Default, PartialEq)]
pub struct ExtraFields(Map<String, Value>);

impl ExtraFields {
    /// What the fields may be.
    pub(super) const EXPECTED: &str =
        "fields other than model, messages, stream, stream_options, temperature, max_tokens and max_completion_tokens";

    /// Parses a JSON object; nothing stands for no fields.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() { Some(Self::default()) } else { Self::new(serde_json::from_str(text).ok()?) }
    }

    /// Returns `None` if one of the fields is one that each request has by itself.
    pub(super) fn new(fields: Map<String, Value>) -> Option<Self> {
        let is_own = |name: &String| OWN_FIELDS.contains(&name.as_str());
        (!fields.keys().any(is_own)).then_some(Self(fields))
    }

    /// Whether there is a field of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Returns the text to insert before the closing brace of a JSON object that has fields: nothing, or a comma and the fields.
    #[must_use]
    pub fn continuation(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let object = Value::from(self.0.clone()).to_string();
        format!(",{}", object.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default())
    }
}

impl fmt::Debug for ExtraFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_parsed_and_not_shown() {
        let headers =
            ExtraHeaders::parse(r#"{"X-Portkey-Provider": "openai", "x-key": "Secret-of-this-test-1"}"#).unwrap();
        assert_eq!(headers.map()["x-portkey-provider"], "openai");
        assert_eq!(headers.secrets(), [ApiKey::parse("Secret-of-this-test-1").unwrap()]);
        let shown = format!("{headers:?} {:?}", headers.map());
        assert!(shown.contains("x-key") && !shown.contains("Secret") && !shown.contains("openai"), "{shown}");
        assert_eq!(ExtraHeaders::parse(""), Some(ExtraHeaders::default()));
        for text in [
            "x",
            "[]",
            r#"{"a b": "c"}"#,
            r#"{"a": 1}"#,
            r#"{"a": "b\nc"}"#,
            r#"{"Authorization": "Bearer x"}"#,
            r#"{"Upgrade": "x"}"#,
            r#"{"X-A": "b", "x-a": "c"}"#,
        ] {
            assert_eq!(ExtraHeaders::parse(text), None, "{text}");
        }
    }

    #[test]
    fn plain_addresses_are_no_secrets() {
        let headers = |value: &str| ExtraHeaders::parse(&format!(r#"{{"HTTP-Referer": "{value}"}}"#)).unwrap();
        for value in ["https://shop.example", "http://shop.example:8080/chat/", "short"] {
            assert_eq!(headers(value).secrets(), [], "{value}");
        }
        for value in [
            "https://shop.example?token=0123456789",
            "https://ada:0123456789@shop.example",
            "https://ada@shop.example",
            "ftp://shop.example/0123",
            "a-token-0123456789",
        ] {
            assert_eq!(headers(value).secrets().len(), 1, "{value}");
        }
    }

    #[test]
    fn fields_continue_an_object() {
        let text = r#"{"reasoning_effort": "low", "chat_template_kwargs": {"enable_thinking": false}}"#;
        let fields = ExtraFields::parse(text).unwrap();
        let whole = format!(r#"{{"model":"m"{}}}"#, fields.continuation());
        let expected = r#"{"model":"m","reasoning_effort":"low","chat_template_kwargs":{"enable_thinking":false}}"#;
        assert_eq!(serde_json::from_str::<Value>(&whole).unwrap(), serde_json::from_str::<Value>(expected).unwrap());
        assert_eq!(ExtraFields::parse("").unwrap().continuation(), "");
        assert_eq!(ExtraFields::parse("{}").unwrap().continuation(), "");
        let nested = ExtraFields::parse(r#"{"a":{}}"#).unwrap();
        assert_eq!(nested.continuation(), r#","a":{}"#);
        for text in ["x", "[]", r#"{"model": "other"}"#, r#"{"stream": true}"#] {
            assert_eq!(ExtraFields::parse(text), None, "{text}");
        }
    }
}
