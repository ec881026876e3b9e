//! The client of one OpenAI-compatible endpoint.

use std::sync::Arc;

use bytes::Bytes;
use opentelemetry::trace::SpanContext;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::{
    answer_error::AnswerError,
    answer_stream::AnswerStream,
    failed_call::FailedCall,
    learned::{LearnedModel, LearnedModels},
    limits::Limits,
    loaded::LoadedModels,
    parameters::Parameters,
    provider_error::ProviderError,
    request::RequestBody,
    restrictions::Restrictions,
    retry_after,
    transport::transport_error,
};
use crate::{
    adapters::model::{ModelError, ModelFailure, ModelRequest},
    domain::answer_options::AnswerOptions,
    foundation::{
        config::{self, ExtraFields},
        http_client::{Client, read_body, url_below},
        secret::{ApiKey, ServerUrl},
        trace::add_to_headers,
    },
};

/// A client of an OpenAI-compatible endpoint. Cheap to clone; clones share what was learned about the models.
#[derive(Clone, Debug)]
pub struct OpenAi {
    client: Client,
    url: ServerUrl,
    /// The header that has the key alone; `None` for `Authorization: Bearer KEY`.
    key_header: Option<HeaderName>,
    /// The headers that are added to each request.
    headers: HeaderMap,
    /// The values of these headers that may be secrets.
    secrets: Arc<[ApiKey]>,
    /// The end of the JSON of each request: fields that are added to it, and the closing brace.
    end_of_body: SecretString,
    /// The fields that are added.
    fields: Arc<ExtraFields>,
    limits: Limits,
    learned: LearnedModels,
    loaded: LoadedModels,
}

impl OpenAi {
    /// Creates a client for a provider that reads answers of at most `response_limit` bytes. A query in the base URL, such as
    /// Azure's `api-version`, is kept.
    #[must_use]
    pub fn new(provider: &config::Provider, response_limit: usize, client: Client) -> Self {
        let url = url_below(&provider.base_url, "chat/completions").into();
        let limits = Limits {
            first_byte_timeout: provider.first_byte_timeout,
            idle_timeout: provider.idle_timeout,
            response: response_limit,
        };
        let loaded = LoadedModels::new(limits.first_byte_timeout);
        Self {
            client,
            url,
            key_header: provider.key_header.clone(),
            headers: provider.headers.map().clone(),
            secrets: provider.headers.secrets().into(),
            end_of_body: format!("{}}}", provider.body.continuation()).into(),
            fields: Arc::new(provider.body.clone()),
            limits,
            learned: LearnedModels::new(Restrictions::stated(&provider.omit)),
            loaded,
        }
    }

    /// Returns what the provider's texts must not show: the key of a call, and the headers that may be secrets.
    pub fn secrets<'s>(&'s self, key: Option<&'s ApiKey>) -> impl Iterator<Item = &'s ApiKey> + Clone {
        self.secrets.iter().chain(key)
    }

    /// Asks a model, and asks again without the parameters or roles that its server refuses. Returns when the model has
    /// begun to answer, at the latest at `deadline`. Dropping the returned answer closes the connection.
    pub async fn ask(
        &self,
        request: ModelRequest<'_>,
        key: Option<&ApiKey>,
        deadline: Instant,
    ) -> Result<AnswerStream, ModelError> {
        let known = self.learned.get(request.model);
        let mut model = known;
        loop {
            match self.ask_once(&request, model, key, deadline).await {
                Ok(answer) => {
                    self.loaded.note_answer(request.model);
                    // A server that refuses a client's own value may accept those of the settings and the personas.
                    let is_of_client = request.options.is_some_and(AnswerOptions::names_values);
                    if model != known && !is_of_client {
                        self.learned.update(request.model, |learned| {
                            learned.restrictions = learned.restrictions.union(model.restrictions);
                        });
                    }
                    return Ok(answer);
                }
                Err(FailedCall { error, retry_with: Some(adapted) }) => {
                    let reason = error.shown_reason(&self.secrets(key), request.texts());
                    let name = request.model;
                    tracing::info!(
                        model = name,
                        reason,
                        "the provider refuses a part of the request; asking without it"
                    );
                    model = adapted;
                }
                Err(FailedCall { error, retry_with: None }) => return Err(error),
            }
        }
    }

    /// Returns the address that is called.
    #[must_use]
    pub fn url(&self) -> &ServerUrl {
        &self.url
    }

    /// Returns what was learned of a model: the context window in tokens, if its server stated it in a refusal, and whether the
    /// model has been seen to reason.
    #[must_use]
    pub fn learned(&self, model: &str) -> (Option<u64>, bool) {
        let LearnedModel { window, reasons, .. } = self.learned.get(model);
        (window, reasons)
    }

    /// Records that a model reasons, so that later requests allow tokens for that.
    pub fn note_reasoning(&self, model: &str) {
        if !self.learned.get(model).reasons {
            self.learned.update(model, |learned| learned.reasons = true);
        }
    }

    /// Whether a model's server supports streaming, as far as is known.
    #[must_use]
    pub fn streams(&self, model: &str) -> bool {
        !self.learned.get(model).restrictions.no_stream
    }

    /// Whether the server is probably loading the model: loading can take long, and the model has not answered
    /// recently.
    #[must_use]
    pub fn is_loading(&self, model: &str) -> bool {
        self.loaded.is_loading(model)
    }

    async fn ask_once(
        &self,
        request: &ModelRequest<'_>,
        model: LearnedModel,
        key: Option<&ApiKey>,
        deadline: Instant,
    ) -> Result<AnswerStream, FailedCall> {
        let body = RequestBody::new(request, model, &self.fields);
        let sent = body.parameters();
        let failed = |error: &ProviderError, failure| self.failed_call(request.model, model, sent, error, failure);
        let response = self.send(&body, key, request.span, self.first_byte_deadline(sent.stream, deadline)).await?;
        let status = response.status();
        if !status.is_success() {
            let wait = retry_after::from_headers(response.headers());
            let body = read_body(response, self.limits.response, self.limits.idle_timeout).await;
            // The body of an error only explains the status, so a body that cannot be read is treated as empty.
            let error = ProviderError::parse(&body.unwrap_or_default());
            return Err(failed(&error, error.failure(status, wait)));
        }
        let deadline = self.first_byte_deadline(sent.stream, deadline);
        let answer = AnswerStream::open(response, self.limits, sent.stream, deadline).await;
        let answer = answer.map(|answer| answer.with_reasoning_allowance(request.reasons || model.reasons));
        answer.map_err(|error| match error {
            AnswerError::Provider(error) => failed(&error, error.failure_without_status()),
            AnswerError::Failed(error) => error.into(),
        })
    }

    /// Returns the deadline for the first byte. A whole answer has no byte before its end, so it has all the time left.
    fn first_byte_deadline(&self, stream: bool, deadline: Instant) -> Instant {
        let timeout = self.limits.first_byte_timeout;
        if stream { deadline.min(Instant::now() + timeout) } else { deadline }
    }

    /// Creates the failure of a call, and records the model's context window if the error states it.
    fn failed_call(
        &self,
        name: &str,
        model: LearnedModel,
        sent: Parameters,
        error: &ProviderError,
        failure: ModelFailure,
    ) -> FailedCall {
        if failure == ModelFailure::PromptTooLong
            && let Some(window) = error.window()
        {
            self.learned.update(name, |learned| learned.window = Some(window));
        }
        FailedCall::new(error, failure, sent, model)
    }

    async fn send(
        &self,
        body: &RequestBody<'_>,
        key: Option<&ApiKey>,
        span: Option<&SpanContext>,
        deadline: Instant,
    ) -> Result<reqwest::Response, ModelError> {
        let mut body = serde_json::to_vec(body).map_err(|_| ModelFailure::Unreadable)?;
        if body.pop() == Some(b'}') {
            body.extend_from_slice(self.end_of_body.expose_secret().as_bytes());
        }
        let body = Bytes::from(body);
        let mut headers = self.headers.clone();
        if let Some(span) = span {
            add_to_headers(&mut headers, span);
        }
        let request = |client: &reqwest::Client| {
            let request = client
                .post(Url::clone(&self.url))
                .headers(headers.clone())
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                // Compression would delay the pieces of a stream.
                .header(ACCEPT_ENCODING, HeaderValue::from_static("identity"))
                .body(body.clone());
            let Some(key) = key else { return request };
            let (name, value) = key.header(self.key_header.as_ref());
            request.header(name, value)
        };
        let sent = timeout_at(deadline, self.client.send(request)).await;
        sent.map_err(|_| ModelFailure::Timeout)?.map_err(|error| transport_error(&error))
    }
}
