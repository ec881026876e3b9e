//! The guard hook: the owner's service that judges texts. `openapi/guard-hook.json` describes the protocol.

use opentelemetry::trace::SpanContext;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    endpoint::{HookEndpoint, HookSettings},
    failure::HookFailure,
    plain_line::plain_line,
    turn::HookTurn,
};
use crate::{
    domain::breaker::{BreakerState, CallerHash},
    foundation::{
        config::{self, Config},
        http_client::ClientFailure,
        secret::ServerUrl,
    },
};

/// The largest answer of a guard besides the texts that it was sent, in bytes.
const ANSWER_BYTES: usize = 64 << 10;

/// The most bytes of JSON for one byte of a text: a control character becomes `\u0000`.
const JSON_BYTES: usize = 6;

/// The longest sentence for a visitor, in characters.
const LONGEST_MESSAGE: usize = 300;

/// A text that the guard is to judge, and where it is from.
#[derive(Debug, Serialize)]
pub struct GuardRequest<'a> {
    /// The kind of the text: a visitor's question, or a piece of a model's answer.
    #[serde(flatten)]
    pub kind: JudgedKind<'a>,
    /// The text.
    pub text: &'a str,
    /// The turn.
    #[serde(flatten)]
    pub turn: HookTurn<'a>,
}

/// The kind of a text, with what only this kind has.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JudgedKind<'a> {
    /// A visitor's message, with the contents of attached files.
    Question {
        /// The conversation before, if the client has sent it: none of it has been judged.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        history: Vec<EarlierText<'a>>,
    },
    /// A piece of an answer.
    Answer {
        /// The answer so far, as it went on; of a long one the end.
        before: &'a str,
        /// The number of the piece, counted from 1.
        part: u32,
        /// Whether it is the last piece.
        #[serde(rename = "final")]
        is_final: bool,
    },
}

impl JudgedKind<'_> {
    /// Returns the name in the protocol and the metrics.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Question { .. } => "question",
            Self::Answer { .. } => "answer",
        }
    }
}

/// A message of the conversation before a question.
#[derive(Debug, Serialize)]
pub struct EarlierText<'a> {
    /// `user` or `assistant`: whose message it is, as the client says.
    pub role: &'static str,
    /// The text.
    pub text: &'a str,
}

impl GuardRequest<'_> {
    fn earlier(&self) -> &[EarlierText<'_>] {
        match &self.kind {
            JudgedKind::Question { history } => history,
            JudgedKind::Answer { .. } => &[],
        }
    }

    /// Returns the most bytes that an answer may have.
    fn answer_limit(&self) -> usize {
        let earlier = self.earlier().iter().map(|earlier| earlier.text.len()).sum::<usize>();
        (self.text.len().saturating_add(earlier)).saturating_mul(JSON_BYTES).saturating_add(ANSWER_BYTES)
    }
}

/// The guard's verdict about a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The text may go on as it is.
    Pass,
    /// Another text goes on instead.
    Mask {
        /// The other text.
        text: String,
        /// The other texts of the history, one for each; `None` leaves the history as it is.
        history: Option<Vec<String>>,
    },
    /// The text does not go on.
    Reject {
        /// A sentence for the visitor.
        message: Option<String>,
    },
}

/// The answer of a guard, as JSON. Other fields are ignored.
#[derive(Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
enum Answer {
    Pass,
    Mask {
        text: String,
        #[serde(default)]
        history: Option<Vec<String>>,
    },
    Reject {
        /// A guard that sends something else here rejects the text all the same.
        #[serde(default)]
        message: Value,
    },
}

impl Answer {
    /// Returns the verdict about texts with this number of earlier ones; `None` if the answer does not fit them.
    fn verdict(self, earlier: usize) -> Option<Verdict> {
        match self {
            Self::Pass => Some(Verdict::Pass),
            Self::Mask { history: Some(history), .. } if history.len() != earlier => None,
            Self::Mask { text, history } => Some(Verdict::Mask { text, history }),
            Self::Reject { message } => {
                Some(Verdict::Reject { message: message.as_str().and_then(|text| plain_line(text, LONGEST_MESSAGE)) })
            }
        }
    }
}

/// The guard of the owner.
#[derive(Debug)]
pub struct GuardHook(HookEndpoint);

impl GuardHook {
    /// Creates the guard that the settings name; `None` without one.
    pub fn new(config: &Config) -> Result<Option<Self>, ClientFailure> {
        let Some(config::Guard { url, token, timeout, .. }) = config.hooks.guard.clone() else { return Ok(None) };
        let (breaker, may_be_private) = (config.model.breaker, config.hooks.private_addresses);
        let max_calls = config.turns.max_turns;
        let settings = HookSettings { name: "guard", url, token, timeout, breaker, may_be_private, max_calls };
        Ok(Some(Self(HookEndpoint::new(settings, &config.proxy)?)))
    }

    /// Returns the state of its circuit breaker.
    #[must_use]
    pub fn breaker_state(&self) -> BreakerState {
        self.0.breaker_state()
    }

    /// Returns the address of the guard.
    #[must_use]
    pub fn url(&self) -> &ServerUrl {
        self.0.url()
    }

    /// Asks the guard to judge a text of a caller. The guard gets `span` as the parent of its own.
    pub async fn judge(
        &self,
        request: &GuardRequest<'_>,
        caller: CallerHash,
        span: Option<&SpanContext>,
    ) -> Result<Verdict, HookFailure> {
        let earlier = request.earlier().len();
        let read = |answer: &[u8]| serde_json::from_slice::<Answer>(answer).ok()?.verdict(earlier);
        self.0.post(request, request.answer_limit(), caller, span, read).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(json: &str, earlier: usize) -> Option<Verdict> {
        serde_json::from_str::<Answer>(json).ok()?.verdict(earlier)
    }

    #[test]
    fn answers_that_are_no_verdict_are_not_understood() {
        assert_eq!(verdict(r#"{"verdict": "pass", "score": 0.1}"#, 0), Some(Verdict::Pass));
        let masked = Verdict::Mask { text: String::new(), history: Some(vec!["a".to_owned()]) };
        assert_eq!(verdict(r#"{"verdict": "mask", "text": "", "history": ["a"]}"#, 1), Some(masked));
        for message in ["", r#", "message": null"#, r#", "message": {"en": "no"}"#, r#", "message": " ""#] {
            let json = format!(r#"{{"verdict": "reject"{message}}}"#);
            assert_eq!(verdict(&json, 0), Some(Verdict::Reject { message: None }), "{json}");
        }
        for json in [
            "",
            "[]",
            "\"pass\"",
            r#"{"verdict": "Pass"}"#,
            r#"{"verdict": "allow"}"#,
            r#"{"verdict": null}"#,
            r#"{"verdict": "mask"}"#,
            r#"{"verdict": "mask", "text": null}"#,
            r#"{"verdict": "mask", "text": "", "history": []}"#,
            r#"{"verdict": "mask", "text": "", "history": ["a", "b"]}"#,
            r#"{"verdict": "pass"} {"verdict": "pass"}"#,
        ] {
            assert_eq!(verdict(json, 1), None, "{json}");
        }
    }
}
