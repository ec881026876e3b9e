//! The request body of a chat completion.

use poem_openapi::{Object, types::Example};
use serde::{Deserialize, Deserializer, de::IgnoredAny};

use super::{
    known_fields::KnownFields,
    message::{Conversation, InputMessage},
    named_model::NamedModel,
    refusal::{invalid, unsupported},
    response_format::ResponseFormat,
    text_or_list::TextOrList,
};
use crate::{
    api::{
        AppState,
        caller::{AskedFrom, Identity},
        json::objects,
        problem::Problem,
        request_context::RequestContext,
        turn::{TurnHeaders, named_session},
    },
    domain::answer_options::AnswerOptions,
    services::turn::TurnRequest,
};

/// The largest request body, in bytes: enough for several images.
pub(super) const MAX_BODY_BYTES: usize = 32 << 20;

/// The longest name of a user, in characters.
const LONGEST_NAME: usize = 200;

/// The most stop sequences.
const MOST_STOPS: usize = 4;

/// The longest name of a degree of reasoning, in bytes.
const LONGEST_EFFORT: usize = 16;

/// A request for a chat completion. Parameters that are not listed here are refused, except those that are about OpenAI's own
/// service only (`metadata`, `store`, `service_tier`, `prompt_cache_key`, `prompt_cache_retention`, `safety_identifier`,
/// `parallel_tool_calls`), which change nothing.
#[derive(Debug, Default, Deserialize, Object)]
#[serde(default, remote = "Self")]
#[oai(rename = "ChatCompletionRequest", example, skip_serializing_if_is_none)]
pub(super) struct CompletionRequest {
    /// The model that answers: a name from `GET /v1/models`.
    model: String,
    /// The conversation, the oldest message first, at most 10,000. The last message must be the user's.
    #[serde(deserialize_with = "listed")]
    #[oai(validator(min_items = 1))]
    messages: Vec<InputMessage>,
    /// Whether the response is a stream.
    #[oai(nullable)]
    stream: Option<bool>,
    /// The options of a stream.
    stream_options: Option<StreamOptions>,
    /// The sampling temperature.
    #[oai(nullable, validator(minimum(value = "0"), maximum(value = "2")))]
    temperature: Option<f64>,
    /// The share of the most probable tokens that are sampled.
    #[oai(nullable, validator(minimum(value = "0"), maximum(value = "1")))]
    top_p: Option<f64>,
    /// The older name of `max_completion_tokens`.
    #[oai(nullable, validator(minimum(value = "1")))]
    max_tokens: Option<u32>,
    /// The maximum length of the answer in tokens, without those of reasoning. The operator's limit may be lower.
    #[oai(nullable, validator(minimum(value = "1")))]
    max_completion_tokens: Option<u32>,
    /// The texts at which the answer ends: one, or a list of at most four.
    stop: Option<TextOrList<String>>,
    /// The seed of sampling.
    #[oai(nullable)]
    seed: Option<i64>,
    /// The penalty of tokens that occurred before.
    #[oai(nullable, validator(minimum(value = "-2"), maximum(value = "2")))]
    presence_penalty: Option<f64>,
    /// The penalty of tokens by how often they occurred before.
    #[oai(nullable, validator(minimum(value = "-2"), maximum(value = "2")))]
    frequency_penalty: Option<f64>,
    /// The format of the answer.
    response_format: Option<ResponseFormat>,
    /// How much a reasoning model reasons, such as `low`.
    #[oai(nullable, validator(pattern = "^[a-z]{1,16}$"))]
    reasoning_effort: Option<String>,
    /// The name of the user who asks, for the log and the usage records.
    #[oai(nullable, validator(max_length = 200))]
    user: Option<String>,
    /// The number of answers: only 1 is supported.
    #[oai(nullable, validator(minimum(value = "1"), maximum(value = "1")))]
    n: Option<u32>,
    /// The kinds of answers: only `text` is supported.
    #[oai(nullable)]
    modalities: Option<Vec<String>>,
    #[oai(skip)]
    metadata: IgnoredAny,
    #[oai(skip)]
    store: IgnoredAny,
    #[oai(skip)]
    service_tier: IgnoredAny,
    #[oai(skip)]
    prompt_cache_key: IgnoredAny,
    #[oai(skip)]
    prompt_cache_retention: IgnoredAny,
    #[oai(skip)]
    safety_identifier: IgnoredAny,
    #[oai(skip)]
    parallel_tool_calls: IgnoredAny,
}

impl<'de> Deserialize<'de> for CompletionRequest {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::deserialize(KnownFields(from))
    }
}

/// The options of a stream.
#[derive(Clone, Copy, Debug, Default, Deserialize, Object)]
#[serde(default)]
#[oai(rename = "ChatCompletionStreamOptions")]
struct StreamOptions {
    /// Whether the numbers of tokens follow the answer, in a chunk of their own.
    #[oai(nullable)]
    include_usage: Option<bool>,
}

impl CompletionRequest {
    /// Whether a stream ends with the numbers of tokens.
    pub(super) fn includes_usage(&self) -> bool {
        self.stream_options.and_then(|options| options.include_usage) == Some(true)
    }

    /// Converts the request into the request of a turn.
    pub(super) fn into_turn_request(
        self,
        state: &AppState,
        headers: TurnHeaders,
        context: &RequestContext,
        from: AskedFrom,
        identity: &Identity,
    ) -> Result<TurnRequest, Problem> {
        if self.user.as_ref().is_some_and(|name| name.chars().count() > LONGEST_NAME) {
            return Err(invalid("user", "must have at most 200 characters"));
        }
        let caller = identity.caller(self.user.as_deref(), None);
        context.note_caller(&caller);
        let session_id = named_session([headers.session, None, None])?;
        context.note_session(session_id.as_ref());
        let tenant = identity.tenant();
        let id = identity.asker_id(session_id.as_ref(), &state.sessions);
        let asker = from.asker_for(tenant.clone(), id, context);
        self.check()?;
        let named = NamedModel::find(&self.model, state, tenant.as_ref())?;
        let (model, persona) = named.into_model_and_persona();
        let Conversation { instruction, messages } = Conversation::new(self.messages)?;
        let options = AnswerOptions {
            temperature: self.temperature,
            top_p: self.top_p,
            max_tokens: self.max_completion_tokens.or(self.max_tokens),
            stop: stops(self.stop)?,
            seed: self.seed,
            presence_penalty: self.presence_penalty,
            frequency_penalty: self.frequency_penalty,
            format: self.response_format.map_or(Ok(None), ResponseFormat::into_answer_format)?,
            reasoning_effort: self.reasoning_effort,
        };
        Ok(TurnRequest {
            request_id: context.id.clone(),
            arrived: context.arrived,
            caller,
            session_id,
            asker,
            stored_chat: None,
            model,
            persona,
            language: headers.language,
            context: None,
            server_instruction: instruction,
            options: Some(Box::new(options)),
            messages,
            stream: self.stream == Some(true),
            is_model_test: false,
            idempotency_key: headers.idempotency_key,
            trace: context.trace(),
            body: context.take_body(),
        })
    }

    /// Fails if a parameter is missing, or outside of its range.
    fn check(&self) -> Result<(), Problem> {
        let required = [("model", self.model.trim().is_empty()), ("messages", self.messages.is_empty())];
        if let Some((name, _)) = required.into_iter().find(|(_, is_missing)| *is_missing) {
            return Err(invalid(name, "is required"));
        }
        let in_range = |value: Option<f64>, least, most| value.is_none_or(|value| (least..=most).contains(&value));
        let is_positive = |tokens: Option<u32>| tokens != Some(0);
        let is_effort = |text: &str| {
            (1..=LONGEST_EFFORT).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase())
        };
        let checks = [
            ("temperature", in_range(self.temperature, 0.0, 2.0), "must be between 0 and 2"),
            ("top_p", in_range(self.top_p, 0.0, 1.0), "must be between 0 and 1"),
            ("presence_penalty", in_range(self.presence_penalty, -2.0, 2.0), "must be between -2 and 2"),
            ("frequency_penalty", in_range(self.frequency_penalty, -2.0, 2.0), "must be between -2 and 2"),
            ("max_tokens", is_positive(self.max_tokens), "must be at least 1"),
            ("max_completion_tokens", is_positive(self.max_completion_tokens), "must be at least 1"),
            (
                "reasoning_effort",
                self.reasoning_effort.as_deref().is_none_or(is_effort),
                "must be a word such as `low`, of at most 16 lower-case letters",
            ),
        ];
        if let Some((name, _, expected)) = checks.into_iter().find(|(_, is_valid, _)| !is_valid) {
            return Err(invalid(name, expected));
        }
        if self.n.is_some_and(|n| n != 1) {
            return Err(unsupported("n", "may only be 1 here: each request has one answer"));
        }
        if self.modalities.iter().flatten().any(|kind| kind != "text") {
            return Err(unsupported("modalities", "may only have `text` here"));
        }
        Ok(())
    }
}

/// Returns the stop sequences. Fails if there are too many, or one is empty.
fn stops(stop: Option<TextOrList<String>>) -> Result<Vec<String>, Problem> {
    let stops = match stop {
        None => Vec::new(),
        Some(TextOrList::Text(text)) => vec![text],
        Some(TextOrList::List(texts)) => texts,
    };
    if stops.len() > MOST_STOPS || stops.iter().any(String::is_empty) {
        return Err(invalid("stop", "must be at most four texts, none of them empty"));
    }
    Ok(stops)
}

/// Deserializes the messages; null is no message.
fn listed<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<InputMessage>, D::Error> {
    Ok(objects(from)?.unwrap_or_default())
}

impl Example for CompletionRequest {
    fn example() -> Self {
        let messages = r#"[
            {"role": "system", "content": "Answer in one sentence."},
            {"role": "user", "content": "What are your opening hours?"}
        ]"#;
        Self {
            model: "gpt-4o-mini".to_owned(),
            messages: serde_json::from_str(messages).unwrap_or_default(),
            temperature: Some(0.2),
            ..Self::default()
        }
    }
}
