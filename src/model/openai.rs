//! A client of OpenAI's chat completions as everybody speaks them: OpenAI, Azure-style proxies, Ollama, vLLM,
//! llama.cpp, the Transformers server.
//!
//! The types read are lenient: unknown fields pass, and what is missing is made up for where that is honest.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::{Answer, ModelFailure, Question, refusal};
use crate::{
    chat::{Finish, Message},
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
    first_byte_timeout: Duration,
    idle_timeout: Duration,
    response_limit: usize,
}

impl OpenAi {
    /// A query in the base URL, such as Azure's `api-version`, is kept.
    #[must_use]
    pub fn new(settings: &config::Model, client: reqwest::Client) -> Self {
        let mut url = settings.base_url.clone();
        url.set_path(&format!("{}/chat/completions", url.path().trim_end_matches('/')));
        Self {
            client,
            url,
            first_byte_timeout: settings.first_byte_timeout,
            idle_timeout: settings.idle_timeout,
            response_limit: settings.response_limit,
        }
    }

    /// Asks once.
    pub async fn ask(&self, question: Question<'_>, key: Option<&ApiKey>) -> Result<Answer, ModelFailure> {
        let response = self.send(question, key).await?;
        let status = response.status();
        let retry_after = refusal::retry_after(response.headers());
        let body = read_body(response, self.response_limit, self.idle_timeout).await;
        if !status.is_success() {
            // An error's body only helps to understand the status; without it the status speaks for itself.
            return Err(refusal::meaning(status, retry_after, &body.unwrap_or_default()));
        }
        let body = body.map_err(|failure| match failure {
            ReadFailure::TooLarge => ModelFailure::TooLarge,
            ReadFailure::Idle => ModelFailure::Timeout,
            ReadFailure::Lost(_) => ModelFailure::ConnectionLost,
        })?;
        read_answer(&body)
    }

    async fn send(&self, question: Question<'_>, key: Option<&ApiKey>) -> Result<reqwest::Response, ModelFailure> {
        let body = serde_json::to_vec(&Request::from(question)).map_err(|_| ModelFailure::Unreadable)?;
        let mut request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(body);
        if let Some(key) = key {
            request = request.header(AUTHORIZATION, key.bearer());
        }
        let sent = tokio::time::timeout(self.first_byte_timeout, request.send()).await;
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

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    messages: &'a [Message],
}

impl<'a> From<Question<'a>> for Request<'a> {
    fn from(question: Question<'a>) -> Self {
        Self { model: question.model, messages: question.messages }
    }
}

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
    usage: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    message: Said,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Said {
    content: Option<Content>,
    refusal: Option<String>,
}

/// Text, or the list of parts that some servers send.
#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    text: Option<String>,
}

/// No turn takes more; a larger figure is a fault, not a figure.
const MOST_TOKENS: u64 = 1_000_000_000;

/// The figures of an answer's `usage`; none rather than wrong ones when they don't make sense.
fn read_usage(usage: &Value) -> Option<TokenUsage> {
    let told = |name| usage.get(name).filter(|figure| !figure.is_null());
    let figure = |figure: Option<&Value>| match figure {
        None => Some(0),
        Some(figure) => figure.as_u64().filter(|tokens| *tokens <= MOST_TOKENS),
    };
    let (prompt, completion) = (told("prompt_tokens"), told("completion_tokens"));
    prompt.or(completion)?;
    Some(TokenUsage { prompt: figure(prompt)?, completion: figure(completion)? })
}

fn read_answer(body: &[u8]) -> Result<Answer, ModelFailure> {
    let completion: Completion = serde_json::from_slice(body).map_err(|_| ModelFailure::Unreadable)?;
    let choice = completion.choices.into_iter().next().ok_or(ModelFailure::Unreadable)?;
    let text = match choice.message.content {
        Some(Content::Text(text)) => text,
        Some(Content::Parts(parts)) => parts.into_iter().filter_map(|part| part.text).collect(),
        None => String::new(),
    };
    let text = if text.is_empty() { choice.message.refusal.unwrap_or_default() } else { text };
    let finish = match choice.finish_reason.as_deref() {
        // What the limit cut off may be empty: a model that thinks can use it up before the first word.
        Some("length") => Finish::Length,
        Some("content_filter") if text.is_empty() => return Err(ModelFailure::Withheld),
        _ if text.is_empty() => return Err(ModelFailure::Unreadable),
        _ => Finish::Complete,
    };
    Ok(Answer { text, usage: completion.usage.as_ref().and_then(read_usage), finish })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Answer, ModelFailure> {
        read_answer(body.as_bytes())
    }

    #[test]
    fn answers_of_different_servers_are_understood() {
        let plain = read(r#"{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}"#).unwrap();
        assert_eq!((plain.text.as_str(), plain.usage, plain.finish), ("hi", None, Finish::Complete));
        let parts = read(r#"{"choices":[{"message":{"content":[{"type":"text","text":"a"},{"text":"b"}]}}]}"#).unwrap();
        assert_eq!(parts.text, "ab");
        let refusal = read(r#"{"choices":[{"message":{"content":null,"refusal":"No."}}],"usage":{"prompt_tokens":3}}"#);
        let usage = TokenUsage { prompt: 3, completion: 0 };
        assert_eq!(refusal.map(|answer| (answer.text, answer.usage)), Ok(("No.".into(), Some(usage))));
        let cut = read(r#"{"choices":[{"message":{"content":""},"finish_reason":"length"}]}"#).unwrap();
        assert_eq!(cut.finish, Finish::Length);
    }

    #[test]
    fn what_is_not_an_answer_is_not_made_one() {
        for body in ["", "<html>", "{}", r#"{"choices":[]}"#, r#"{"error":{"message":"x"}}"#, "[1]"] {
            assert_eq!(read(body), Err(ModelFailure::Unreadable), "{body}");
        }
        let empty = |finish: &str| read(&format!(r#"{{"choices":[{{"message":{{}},"finish_reason":"{finish}"}}]}}"#));
        assert_eq!(empty("stop"), Err(ModelFailure::Unreadable));
        assert_eq!(empty("content_filter"), Err(ModelFailure::Withheld));
    }

    #[test]
    fn figures_that_make_no_sense_are_none() {
        let usage = |figures: &str| {
            let body = format!(r#"{{"choices":[{{"message":{{"content":"hi"}}}}],"usage":{figures}}}"#);
            read(&body).unwrap().usage
        };
        assert_eq!(
            usage(r#"{"prompt_tokens":1,"completion_tokens":2}"#),
            Some(TokenUsage { prompt: 1, completion: 2 })
        );
        for figures in
            ["null", "[]", "{}", r#"{"prompt_tokens":-1}"#, r#"{"prompt_tokens":"9"}"#, r#"{"prompt_tokens":9e18}"#]
        {
            assert_eq!(usage(figures), None, "{figures}");
        }
    }
}
