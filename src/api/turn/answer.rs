//! The body of a whole answer, which is also the data of a stream's last event.

use poem_openapi::{Object, types::Example};
use serde::Serialize;

use super::{source::AnswerSource, usage::Usage};
use crate::{
    api::string_enum::{StringEnum, StringEnumValues},
    domain::{chat::Finish, session::SessionId},
    foundation::clock::Clock,
    services::turn::{Reader, TurnSummary},
};

/// The answer of a turn.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
pub(in crate::api) struct ChatAnswer {
    /// The text of the answer.
    message: String,
    /// The tokens of the turn.
    usage: Usage,
    /// The time of the answer, RFC 3339.
    timestamp: String,
    /// The model that answered; `basic` is the built-in responder.
    model: String,
    /// How the answer ended.
    finish_reason: StringEnum<FinishReasons>,
    /// A sentence about an answer that the owner's guard has cut off (`content_filter`), to be shown below it.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    notice: Option<String>,
    /// The pages that the answer is based on, in the order of their importance.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    sources: Option<Vec<AnswerSource>>,
    /// The session that the client named.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<String>,
    /// The id of the request that started the turn, as in its `X-Request-Id`.
    request_id: String,
    /// In a stored chat, the number of the message that was answered.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    user_message_id: Option<i64>,
    /// In a stored chat, the number of the answer's message.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    ai_response_id: Option<i64>,
    #[serde(flatten)]
    #[oai(flatten)]
    aliases: AnswerAliases,
}

/// The answer's text under the names that older clients look for.
#[derive(Debug, Default, Object, Serialize)]
struct AnswerAliases {
    /// The same as `message`; only in whole answers to an account, or about an image.
    #[oai(deprecated, skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<String>,
    /// The same as `message`; only in whole answers to an account, or about an image.
    #[oai(deprecated, skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<String>,
}

/// The ways in which an answer may end, as the contract shows them.
struct FinishReasons;

impl StringEnumValues for FinishReasons {
    const NAME: &'static str = "FinishReason";
    const DESCRIPTION: &'static str = "How an answer ended: `complete`, when the model said so; `length`, at its limit of tokens; `content_filter`, \
         where the filter of the provider or the owner's guard cut it off; `stopped` by request; `client_gone`, when all readers had left; \
         `timeout` or `upstream_error`, when it was not finished in time, or failed.";

    fn words() -> Vec<&'static str> {
        let finishes = Finish::ALL.into_iter().filter(|finish| *finish != Finish::Interrupted);
        finishes.map(Finish::as_str).collect()
    }
}

impl ChatAnswer {
    pub(in crate::api) fn new(text: String, summary: TurnSummary, reader: &Reader, clock: &Clock) -> Self {
        Self {
            usage: Usage::new(summary.usage, &summary.model),
            message: text,
            timestamp: clock.rfc3339(summary.at),
            model: summary.model,
            finish_reason: StringEnum::new(summary.finish.as_str()),
            notice: summary.notice,
            sources: AnswerSource::all(summary.sources),
            session_id: reader.session_id().map(SessionId::to_string),
            request_id: reader.request_id().to_owned(),
            user_message_id: summary.exchange.map(|exchange| exchange.question.id.0),
            ai_response_id: summary.exchange.map(|exchange| exchange.answer.id.0),
            aliases: AnswerAliases::default(),
        }
    }

    /// Adds the text under the names that older clients read.
    pub(in crate::api) fn with_aliases(self) -> Self {
        let text = Some(self.message.clone());
        Self { aliases: AnswerAliases { reply: text.clone(), response: text }, ..self }
    }
}

impl Example for ChatAnswer {
    fn example() -> Self {
        let usage = crate::domain::cost::TokenUsage { prompt: 14, completion: 9 };
        Self {
            message: "We are open from nine to five.".to_owned(),
            usage: Usage::new(usage, "gpt-4o-mini"),
            timestamp: "2026-11-21T09:30:02.125000+01:00".to_owned(),
            model: "gpt-4o-mini".to_owned(),
            finish_reason: StringEnum::new(Finish::Complete.as_str()),
            notice: None,
            sources: None,
            session_id: Some("session_20261121_093000_k3vq8mzt5wxnp2ra".to_owned()),
            request_id: "019aa5b1-7c3e-7d10-b1f4-5a5c1b0f9e27".to_owned(),
            user_message_id: None,
            ai_response_id: None,
            aliases: AnswerAliases::default(),
        }
    }
}
