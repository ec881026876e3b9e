//! The client of Papita, the credential broker.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;
use url::Url;

use crate::foundation::{
    http_client::{Cause, Client, cause, read_body, url_below},
    secret::{ApiKey, InvalidApiKey, ServerUrl},
};

/// The largest response that is read from Papita, in bytes.
const MAX_RESPONSE: usize = 64 << 10;

/// The reason why a call to Papita returned no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchFailure {
    /// No connection to Papita's address, or the connection was lost.
    #[error("Papita cannot be reached")]
    Unreachable,
    /// This process has no file descriptor left for a connection, so Papita was not asked.
    #[error("no file descriptor is left for a connection to Papita")]
    NoDescriptors,
    /// Another server answers at Papita's address.
    #[error("what answers at Papita's address is not Papita")]
    NotPapita,
    /// Papita did not answer within `PAPITA_TIMEOUT`.
    #[error("Papita did not answer in time")]
    Timeout,
    /// A response with an error status.
    #[error("Papita answered with status {code}")]
    Status {
        /// The HTTP status.
        code: u16,
        /// Whether the response is a JSON object, as Papita's are. Web servers send pages and plain text.
        is_json: bool,
    },
    /// A response without a key.
    #[error("Papita's answer holds no key")]
    NoKey,
    /// A response with the placeholder of an example file in the place of the key.
    #[error("Papita's answer holds a placeholder, not a key")]
    Placeholder,
    /// The key that the model's provider has just refused.
    #[error("Papita still has the key that the model's provider refuses")]
    RefusedKey,
}

impl FetchFailure {
    /// Whether the response certainly came from Papita. Then Papita exists, and later failures are outages.
    pub(super) fn is_from_papita(self) -> bool {
        matches!(self, Self::NoKey | Self::Placeholder)
    }

    /// Whether the failure may mean that Papita does not exist at a default address: no server answers, or a web server
    /// or a proxy answers that does not know the path. A server that fails with JSON, or hangs, may be a failing
    /// Papita.
    pub(super) fn may_be_another_server(self) -> bool {
        matches!(
            self,
            Self::Unreachable
                | Self::NotPapita
                | Self::Status { code: ..500 | 502 | 504, .. }
                | Self::Status { is_json: false, .. }
        )
    }

    /// Whether a later call may succeed without a change by the operator.
    #[must_use]
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Unreachable | Self::NoDescriptors | Self::Timeout | Self::Status { code: 429 | 500.., .. })
    }
}

/// A client of Papita at one address.
#[derive(Clone, Debug)]
pub(super) struct Papita {
    client: Client,
    url: ServerUrl,
    timeout: Duration,
}

impl Papita {
    /// `name` is that of the key in Papita.
    pub(super) fn new(client: Client, base: &Url, timeout: Duration, name: &str) -> Self {
        let url = url_below(base, &format!("api/credentials/global/{name}")).into();
        Self { client, url, timeout }
    }

    /// Calls Papita once, within the time limit.
    pub(super) async fn fetch(&self) -> Result<ApiKey, FetchFailure> {
        tokio::time::timeout(self.timeout, self.ask()).await.unwrap_or(Err(FetchFailure::Timeout))
    }

    async fn ask(&self) -> Result<ApiKey, FetchFailure> {
        let sent = self.client.send(|client| client.get(Url::clone(&self.url))).await;
        let response = sent.map_err(|error| match cause(&error) {
            Cause::NoDescriptors => FetchFailure::NoDescriptors,
            _ => FetchFailure::Unreachable,
        })?;
        let status = response.status();
        let body = read_body(response, MAX_RESPONSE, self.timeout).await.map_err(|_| FetchFailure::Unreachable)?;
        let answer = serde_json::from_slice::<Value>(&body).ok();
        if status != StatusCode::OK {
            let is_json = answer.is_some_and(|answer| answer.is_object());
            return Err(FetchFailure::Status { code: status.as_u16(), is_json });
        }
        let answer = answer.ok_or(FetchFailure::NotPapita)?;
        find_key(&answer).ok_or_else(|| failure_without_key(&answer))
    }
}

/// Returns the failure for a response in which no key was found.
fn failure_without_key(answer: &Value) -> FetchFailure {
    if key_fields(answer).any(|text| ApiKey::try_parse(text).err() == Some(InvalidApiKey::Placeholder)) {
        FetchFailure::Placeholder
    } else if answer.get("credentials").is_some() {
        FetchFailure::NoKey
    } else {
        FetchFailure::NotPapita
    }
}

/// Returns the first usable key in a response.
fn find_key(answer: &Value) -> Option<ApiKey> {
    key_fields(answer).find_map(ApiKey::parse)
}

/// Returns the strings in the fields where the versions of Papita put the key.
fn key_fields(answer: &Value) -> impl Iterator<Item = &str> {
    const FIELDS: [&str; 5] =
        ["/credentials/credentials/api_key", "/credentials/api_key", "/api_key", "/value", "/credential_value"];
    FIELDS.iter().filter_map(|field| answer.pointer(field)?.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_key_is_found_in_every_format() {
        let expected = ApiKey::parse("sk-right").unwrap();
        for answer in [
            json!({"credentials": {"credentials": {"api_key": "sk-right"}, "api_key": "sk-wrong"}}),
            json!({"credentials": {"credentials": {"api_key": "  "}, "api_key": "sk-right"}}),
            json!({"credentials": "malformed", "api_key": "sk-right"}),
            json!({"credentials": [1, 2], "api_key": 5, "value": "sk-right"}),
            json!({"credentials": null, "credential_value": " sk-right "}),
        ] {
            assert_eq!(find_key(&answer), Some(expected.clone()), "{answer}");
        }
        assert_eq!(find_key(&json!({"credentials": {"key": "sk-right"}})), None);
        assert_eq!(find_key(&json!({"api_key": "your_openai_api_key_here"})), None);
    }
}
