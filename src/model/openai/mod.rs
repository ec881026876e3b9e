//! A client of OpenAI's chat completions as everybody speaks them: OpenAI, Azure-style proxies, Ollama, vLLM,
//! llama.cpp, the Transformers server.
//!
//! The types read are lenient: unknown fields pass, and what is missing is made up for where that is honest.

mod request;
mod sse;
mod streamed;
mod whole;

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use tokio::time::{Instant, timeout_at};
use url::Url;

use self::{request::Request, streamed::Streamed};
use super::{ModelFailure, Question, refusal};
use crate::{
    chat::Finish,
    config,
    cost::TokenUsage,
    http_client::{ReadFailure, read_body},
    secret::ApiKey,
};

/// The model behind an OpenAI-compatible endpoint. Cheap to clone.
#[derive(Clone, Debug)]
pub struct OpenAi {
    client: reqwest::Client,
    url: Url,
    limits: Limits,
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
    pub fn new(settings: &config::Model, client: reqwest::Client) -> Self {
        let mut url = settings.base_url.clone();
        url.set_path(&format!("{}/chat/completions", url.path().trim_end_matches('/')));
        let limits = Limits {
            first_byte_timeout: settings.first_byte_timeout,
            idle_timeout: settings.idle_timeout,
            response: settings.response_limit,
        };
        Self { client, url, limits }
    }

    /// Asks once. Returns when the model has begun to answer, for which it has until `deadline` at the most; dropping
    /// what is returned closes its connection.
    pub async fn ask(
        &self,
        question: Question<'_>,
        key: Option<&ApiKey>,
        deadline: Instant,
    ) -> Result<Answering, ModelFailure> {
        let response = self.send(question, key, deadline).await?;
        let status = response.status();
        if !status.is_success() {
            let retry_after = refusal::retry_after(response.headers());
            let body = read_body(response, self.limits.response, self.limits.idle_timeout).await;
            // An error's body only helps to understand the status; without it the status speaks for itself.
            return Err(refusal::meaning(status, retry_after, &body.unwrap_or_default()));
        }
        // Some servers answer as a whole whatever they are asked for.
        let is_stream = is_event_stream(&response);
        let source = if is_stream { Source::Stream(Streamed::new(response)) } else { Source::Whole(response) };
        Ok(Answering { source: Some(source), limits: self.limits, usage: None, finish: Finish::Complete })
    }

    async fn send(
        &self,
        question: Question<'_>,
        key: Option<&ApiKey>,
        deadline: Instant,
    ) -> Result<reqwest::Response, ModelFailure> {
        let body = serde_json::to_vec(&Request::from(question)).map_err(|_| ModelFailure::Unreadable)?;
        let mut request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(body);
        if let Some(key) = key {
            request = request.header(AUTHORIZATION, key.bearer());
        }
        let deadline = deadline.min(Instant::now() + self.limits.first_byte_timeout);
        let sent = timeout_at(deadline, request.send()).await;
        sent.map_err(|_| ModelFailure::Timeout)?.map_err(|error| {
            // The connect timeout is part of not being reachable.
            if error.is_connect() {
                ModelFailure::Unreachable
            } else if error.is_timeout() {
                ModelFailure::Timeout
            } else {
                ModelFailure::ConnectionLost
            }
        })
    }
}

fn is_event_stream(response: &reqwest::Response) -> bool {
    let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    media_type.is_some_and(|it| it.trim_start().to_ascii_lowercase().starts_with("text/event-stream"))
}

/// An answer on its way.
#[derive(Debug)]
pub struct Answering {
    /// Where it comes from; none once it is over.
    source: Option<Source>,
    limits: Limits,
    usage: Option<TokenUsage>,
    finish: Finish,
}

#[derive(Debug)]
enum Source {
    Whole(reqwest::Response),
    Stream(Streamed),
}

impl Answering {
    /// The next piece of text, never an empty one; `None` when the answer is complete.
    pub async fn next(&mut self) -> Result<Option<String>, ModelFailure> {
        match self.source.take() {
            None => Ok(None),
            Some(Source::Whole(response)) => {
                let body = read_body(response, self.limits.response, self.limits.idle_timeout).await?;
                let answer = whole::read_answer(&body)?;
                (self.usage, self.finish) = (answer.usage, answer.finish);
                Ok(Some(answer.text).filter(|text| !text.is_empty()))
            }
            Some(Source::Stream(mut stream)) => {
                let text = stream.next(self.limits).await?;
                if text.is_none() {
                    (self.usage, self.finish) = stream.ending()?;
                }
                self.source = Some(Source::Stream(stream));
                Ok(text)
            }
        }
    }

    /// Lets the connection of a complete answer be used for the next question.
    pub async fn read_out(self) {
        if let Some(Source::Stream(stream)) = self.source {
            stream.read_out().await;
        }
    }

    /// The tokens it took, if the model told; known when the answer is complete.
    #[must_use]
    pub fn usage(&self) -> Option<TokenUsage> {
        self.usage
    }

    /// How it ended; known when the answer is complete.
    #[must_use]
    pub fn finish(&self) -> Finish {
        self.finish
    }
}

impl From<ReadFailure> for ModelFailure {
    fn from(failure: ReadFailure) -> Self {
        match failure {
            ReadFailure::TooLarge => Self::TooLarge,
            ReadFailure::Idle => Self::Timeout,
            ReadFailure::Lost(_) => Self::ConnectionLost,
        }
    }
}
