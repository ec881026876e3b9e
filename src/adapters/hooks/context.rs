//! The context hook: the owner's service that returns texts about a question, for the model. `openapi/context-hook.json`
//! describes the protocol.

use opentelemetry::trace::SpanContext;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::{
    endpoint::{HookEndpoint, HookSettings},
    failure::HookFailure,
    plain_line::plain_line,
    turn::HookTurn,
};
use crate::{
    domain::{
        breaker::{BreakerState, CallerHash},
        prompt::ContextText,
    },
    foundation::{
        config::{self, Config},
        http_client::ClientFailure,
        secret::ServerUrl,
    },
};

/// The largest answer, in bytes.
const ANSWER_BYTES: usize = 256 << 10;

/// The most texts of an answer that are read.
const MAX_TEXTS: usize = 20;

/// The longest title of a text, in characters.
const LONGEST_TITLE: usize = 200;

/// The longest address of a page, in bytes.
const LONGEST_URL: usize = 2000;

/// A question, as the hook gets it.
#[derive(Debug, Serialize)]
pub struct ContextRequest<'a> {
    /// The question.
    pub question: &'a str,
    /// The turn.
    #[serde(flatten)]
    pub turn: HookTurn<'a>,
    /// The language that the client prefers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<&'a str>,
}

/// The answer of the hook, as JSON. Other fields are ignored.
#[derive(Deserialize)]
struct Answer {
    texts: Vec<AnswerText>,
}

#[derive(Deserialize)]
struct AnswerText {
    text: String,
    /// A title or an address that is of no use does not make the text useless.
    #[serde(default)]
    title: Value,
    #[serde(default)]
    url: Value,
}

impl Answer {
    /// Returns the first texts that are not blank.
    fn texts(self) -> Vec<ContextText> {
        let texts = self.texts.into_iter().filter(|text| !text.text.trim().is_empty()).take(MAX_TEXTS);
        texts.map(AnswerText::checked).collect()
    }
}

impl AnswerText {
    fn checked(self) -> ContextText {
        let title = self.title.as_str().and_then(|title| plain_line(title, LONGEST_TITLE));
        ContextText { text: self.text, title, url: self.url.as_str().and_then(web_page) }
    }
}

/// Returns the address of a page on the web; `None` for anything else, and for an address with a name or password, which is
/// not for visitors.
fn web_page(url: &str) -> Option<String> {
    let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let is_public = url.username().is_empty() && url.password().is_none() && url.as_str().len() <= LONGEST_URL;
    is_public.then(|| url.into())
}

/// The context hook of the owner.
#[derive(Debug)]
pub struct ContextHook(HookEndpoint);

impl ContextHook {
    /// Creates the hook that the settings name; `None` without one.
    pub fn new(config: &Config) -> Result<Option<Self>, ClientFailure> {
        let Some(config::ContextHook { url, token, timeout }) = config.hooks.context.clone() else { return Ok(None) };
        let (breaker, may_be_private) = (config.model.breaker, config.hooks.private_addresses);
        let max_calls = config.turns.max_turns;
        let settings = HookSettings { name: "context", url, token, timeout, breaker, may_be_private, max_calls };
        Ok(Some(Self(HookEndpoint::new(settings, &config.proxy)?)))
    }

    /// Returns the state of its circuit breaker.
    #[must_use]
    pub fn breaker_state(&self) -> BreakerState {
        self.0.breaker_state()
    }

    /// Returns the address of the hook.
    #[must_use]
    pub fn url(&self) -> &ServerUrl {
        self.0.url()
    }

    /// Asks the hook for texts about a question of a caller. The first ones matter most. The hook gets `span` as the
    /// parent of its own.
    pub async fn texts(
        &self,
        request: &ContextRequest<'_>,
        caller: CallerHash,
        span: Option<&SpanContext>,
    ) -> Result<Vec<ContextText>, HookFailure> {
        let read = |answer: &[u8]| serde_json::from_slice::<Answer>(answer).ok().map(Answer::texts);
        self.0.post(request, ANSWER_BYTES, caller, span, read).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn texts(answer: &Value) -> Option<Vec<ContextText>> {
        serde_json::from_value::<Answer>(answer.clone()).ok().map(Answer::texts)
    }

    #[test]
    fn answers_without_texts_are_not_understood() {
        assert_eq!(texts(&json!({ "texts": [], "took_ms": 4 })), Some(Vec::new()));
        for answer in [
            json!([]),
            json!({}),
            json!({ "texts": null }),
            json!({ "texts": "a" }),
            json!({ "texts": ["a"] }),
            json!({ "texts": [{ "title": "a" }] }),
            json!({ "texts": [{ "text": 5 }] }),
        ] {
            assert_eq!(texts(&answer), None, "{answer}");
        }
    }

    #[test]
    fn blank_texts_and_too_many_are_left_out() {
        let many = (0..30).map(|n| json!({ "text": if n == 0 { "\n".to_owned() } else { n.to_string() } }));
        let read = texts(&json!({ "texts": many.collect::<Vec<_>>() })).unwrap();
        assert_eq!((read.len(), read[0].text.as_str()), (20, "1"));
    }

    #[test]
    fn titles_and_addresses_of_no_use_are_left_out() {
        let source = |title: Value, url: Value| {
            let read = texts(&json!({ "texts": [{ "text": "a", "title": title, "url": url }] })).unwrap().remove(0);
            (read.title, read.url)
        };
        let known = (Some("All about tea".to_owned()), Some("https://shop.example/tea?a=1#b".to_owned()));
        assert_eq!(source(json!(" All\nabout tea\u{0}"), json!("https://SHOP.example/tea?a=1#b")), known);
        for url in
            ["javascript:alert(1)", "/tea", "", "ftp://shop.example", "https://ada:secret@shop.example/", "https://"]
        {
            assert_eq!(source(json!(""), json!(url)), (None, None), "{url}");
        }
        assert_eq!(source(json!(5), json!({ "href": "https://shop.example" })), (None, None));
        let long = source(json!("é".repeat(999)), json!(format!("https://shop.example/{}", "a".repeat(2000))));
        assert_eq!(long, (Some("é".repeat(200)), None));
    }
}
