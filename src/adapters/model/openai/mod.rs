//! A client of OpenAI's chat completions as everybody speaks them: OpenAI, Azure-style proxies, Ollama, vLLM,
//! llama.cpp, the Transformers server, and the gateways in front of them.
//!
//! Lenient in form: whatever can be understood is. Strict in meaning: half an answer is never a complete one, and an
//! error is one wherever it stands.

mod answering;
mod chunk;
mod finish;
mod loaded;
mod messages;
mod phrases;
mod provider_error;
mod request;
mod retry_after;
mod sse;
mod streamed;
mod text;
mod traits;
mod usage;
mod whole;

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use tokio::time::{Instant, timeout_at};
use url::Url;

pub use self::answering::{Answering, Report};
use self::{
    chunk::NoChunk,
    loaded::LoadedModels,
    provider_error::ProviderError,
    request::{Parameters, Request},
    traits::{LearnedTraits, Traits},
};
use super::{ModelError, ModelFailure, Question, Reason};
use crate::foundation::{
    config,
    http_client::{Client, cause, read_body},
    secret::ApiKey,
};

/// The model behind an OpenAI-compatible endpoint. Cheap to clone; clones share what was learned of its models.
#[derive(Clone, Debug)]
pub struct OpenAi {
    client: Client,
    url: Url,
    limits: Limits,
    learned: LearnedTraits,
    loaded: LoadedModels,
}

/// How long to wait for an answer, and how much of it to read.
#[derive(Clone, Copy, Debug)]
struct Limits {
    first_byte_timeout: Duration,
    idle_timeout: Duration,
    response: usize,
}

impl OpenAi {
    /// A query in the base URL, such as Azure's `api-version`, is kept.
    #[must_use]
    pub fn new(settings: &config::Model, client: Client) -> Self {
        let mut url = settings.base_url.clone();
        url.set_path(&format!("{}/chat/completions", url.path().trim_end_matches('/')));
        let limits = Limits {
            first_byte_timeout: settings.first_byte_timeout,
            idle_timeout: settings.idle_timeout,
            response: settings.response_limit,
        };
        let loaded = LoadedModels::new(limits.first_byte_timeout);
        Self { client, url, limits, learned: LearnedTraits::default(), loaded }
    }

    /// Asks, and asks again without what the server refuses of the request's form. Returns when the model has begun to
    /// answer, for which it has until `deadline` at the most; dropping what is returned closes its connection.
    pub async fn ask(
        &self,
        question: Question<'_>,
        key: Option<&ApiKey>,
        deadline: Instant,
    ) -> Result<Answering, ModelError> {
        let known = self.learned.of(question.model);
        let mut traits = known;
        loop {
            match self.ask_once(&question, traits, key, deadline).await {
                Ok(answering) => {
                    self.loaded.note_answer(question.model);
                    if traits != known {
                        self.learned.update(question.model, |learned| learned.form = learned.form.joined(traits.form));
                    }
                    return Ok(answering);
                }
                Err(Refused { error, avoidable: Some(adapted) }) => {
                    let reason = error.shown_reason(key, question.texts());
                    tracing::info!(model = question.model, reason, "the model is asked again in a form that it takes");
                    traits = adapted;
                }
                Err(Refused { error, avoidable: None }) => return Err(error),
            }
        }
    }

    /// How many tokens the model reads at once, if its server has said so in a refusal.
    #[must_use]
    pub fn learned_window(&self, model: &str) -> Option<u64> {
        self.learned.of(model).window
    }

    /// Notes that a model reasons, so that its answers are given room for that.
    pub fn note_reasoning(&self, model: &str) {
        if !self.learned.of(model).reasons {
            self.learned.update(model, |traits| traits.reasons = true);
        }
    }

    /// Whether a model streams; one whose server refuses that is asked for whole answers.
    #[must_use]
    pub fn streams(&self, model: &str) -> bool {
        !self.learned.of(model).form.no_stream
    }

    /// Whether a model that is silent is probably being loaded by its server: it may take long, and has not answered of
    /// late.
    #[must_use]
    pub fn is_loading(&self, model: &str) -> bool {
        self.loaded.is_loading(model)
    }

    async fn ask_once(
        &self,
        question: &Question<'_>,
        traits: Traits,
        key: Option<&ApiKey>,
        deadline: Instant,
    ) -> Result<Answering, Refused> {
        let request = Request::new(question, traits);
        let sent = request.parameters();
        let refused = |error: &ProviderError, failure| self.refused(question.model, traits, sent, error, failure);
        let response = self.send(&request, key, self.first_byte_deadline(sent.stream, deadline)).await?;
        let status = response.status();
        if !status.is_success() {
            let wait = retry_after::of_headers(response.headers());
            let body = read_body(response, self.limits.response, self.limits.idle_timeout).await;
            // An error's body only helps to understand the status; without it the status speaks for itself.
            let error = ProviderError::read(&body.unwrap_or_default());
            return Err(refused(&error, error.failure(status, wait)));
        }
        let deadline = self.first_byte_deadline(sent.stream, deadline);
        let answering = Answering::open(response, self.limits, sent.stream, deadline).await;
        let answering = answering.map(|answering| answering.with_room_for_thoughts(question.reasons || traits.reasons));
        answering.map_err(|no_answer| match no_answer {
            NoAnswer::Error(error) => refused(&error, error.failure_by_itself()),
            NoAnswer::Failed(error) => error.into(),
        })
    }

    /// Of a whole answer nothing is to be seen before its end, so that it has all the time there is.
    fn first_byte_deadline(&self, stream: bool, deadline: Instant) -> Instant {
        let patience = self.limits.first_byte_timeout;
        if stream { deadline.min(Instant::now() + patience) } else { deadline }
    }

    fn refused(
        &self,
        model: &str,
        traits: Traits,
        sent: Parameters,
        error: &ProviderError,
        failure: ModelFailure,
    ) -> Refused {
        if failure == ModelFailure::PromptTooLong
            && let Some(window) = error.window()
        {
            self.learned.update(model, |traits| traits.window = Some(window));
        }
        // A server that fails says nothing of parameters, but templates fail with all kinds of statuses.
        let may_be_avoidable = match failure {
            ModelFailure::RequestRefused(_) => true,
            ModelFailure::Failed { .. } => error.template_problem().is_some(),
            _ => false,
        };
        let form = traits.form.after_refusal(error, sent).filter(|_| may_be_avoidable);
        let avoidable = form.map(|form| Traits { form, ..traits });
        Refused { error: ModelError::new(failure, Reason::new(error.text())), avoidable }
    }

    async fn send(
        &self,
        request: &Request<'_>,
        key: Option<&ApiKey>,
        deadline: Instant,
    ) -> Result<reqwest::Response, ModelError> {
        let body = serde_json::to_vec(request).map_err(|_| ModelFailure::Unreadable)?;
        let body = Bytes::from(body);
        let request = |client: &reqwest::Client| {
            let request = client
                .post(self.url.clone())
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                // Compression would hold back the pieces of a stream.
                .header(ACCEPT_ENCODING, HeaderValue::from_static("identity"))
                .body(body.clone());
            if let Some(key) = key { request.header(AUTHORIZATION, key.bearer()) } else { request }
        };
        let sent = timeout_at(deadline, self.client.send(request)).await;
        sent.map_err(|_| ModelFailure::Timeout)?.map_err(|error| transport_error(&error))
    }
}

/// A call that was refused or failed, and what may be left out or changed to have it answered.
struct Refused {
    error: ModelError,
    avoidable: Option<Traits>,
}

impl From<ModelError> for Refused {
    fn from(error: ModelError) -> Self {
        Self { error, avoidable: None }
    }
}

/// A success that is no answer, or not a whole one.
enum NoAnswer {
    /// It holds a provider's error.
    Error(ProviderError),
    /// It broke off, or is something else.
    Failed(ModelError),
}

impl From<ModelError> for NoAnswer {
    fn from(error: ModelError) -> Self {
        Self::Failed(error)
    }
}

impl From<NoChunk> for NoAnswer {
    fn from(no_chunk: NoChunk) -> Self {
        match no_chunk {
            NoChunk::Error(error) => Self::Error(error),
            NoChunk::Unreadable => Self::Failed(ModelFailure::Unreadable.into()),
        }
    }
}

impl From<NoAnswer> for ModelError {
    fn from(no_answer: NoAnswer) -> Self {
        match no_answer {
            NoAnswer::Error(error) => Self::new(error.failure_by_itself(), Reason::new(error.text())),
            NoAnswer::Failed(error) => error,
        }
    }
}

/// What the failure of a connection means, and its cause.
fn transport_error(error: &reqwest::Error) -> ModelError {
    let failure = if error.is_connect() {
        // The connect timeout is part of not being reachable.
        ModelFailure::Unreachable
    } else if error.is_timeout() {
        ModelFailure::Timeout
    } else {
        ModelFailure::ConnectionLost
    };
    ModelError::new(failure, Reason::new(cause(error).to_string()))
}
