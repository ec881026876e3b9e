//! Asking Papita, the credential broker, for the key.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;
use url::Url;

use crate::foundation::{
    http_client::{Client, read_body},
    secret::{ApiKey, InvalidApiKey},
};

/// The largest answer read from Papita, in bytes.
const LIMIT: usize = 64 << 10;

/// Papita gave no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchFailure {
    /// Nobody listens at its address.
    #[error("Papita cannot be reached")]
    Unreachable,
    /// Somebody answers at its address, but not Papita.
    #[error("what answers at Papita's address is not Papita")]
    NotPapita,
    /// No answer in time.
    #[error("Papita did not answer in time")]
    Timeout,
    /// An answer with an error's status.
    #[error("Papita answered with status {code}")]
    Status {
        /// The status.
        code: u16,
        /// Whether the answer is a JSON object, as Papita's are. A website's own server sends pages and plain text.
        is_json: bool,
    },
    /// An answer without a key in it.
    #[error("Papita's answer holds no key")]
    NoKey,
    /// An answer with a placeholder of an example file where the key belongs.
    #[error("Papita's answer holds a placeholder, not a key")]
    Placeholder,
    /// The very key that the model's provider has just refused.
    #[error("Papita still has the key that the model's provider refuses")]
    RefusedKey,
}

impl FetchFailure {
    /// Whether this was Papita speaking: then there is one, and its silence later on will be an outage.
    pub(super) fn is_from_papita(self) -> bool {
        matches!(self, Self::NoKey | Self::Placeholder)
    }

    /// Whether, at an address where nobody said that Papita is, this means that it isn't: nobody listens, or it is a
    /// website's own server, which doesn't know what it is asked for, or a proxy in front of one. A server that fails in
    /// JSON, or hangs, may be a Papita in trouble.
    pub(super) fn may_be_somebody_else(self) -> bool {
        matches!(
            self,
            Self::Unreachable
                | Self::NotPapita
                | Self::Status { code: ..500 | 502 | 504, .. }
                | Self::Status { is_json: false, .. }
        )
    }

    /// Whether Papita may give a key a moment later. Otherwise somebody has to change something.
    #[must_use]
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Unreachable | Self::Timeout | Self::Status { code: 429 | 500.., .. })
    }
}

/// The broker's address and how to ask it.
#[derive(Clone, Debug)]
pub(super) struct Papita {
    client: Client,
    url: Url,
    timeout: Duration,
}

impl Papita {
    pub(super) fn new(client: Client, base: &Url, timeout: Duration) -> Self {
        let mut url = base.clone();
        url.set_path(&format!("{}/api/credentials/global/openai", base.path().trim_end_matches('/')));
        Self { client, url, timeout }
    }

    /// One call, at most as long as the time limit.
    pub(super) async fn fetch(&self) -> Result<ApiKey, FetchFailure> {
        tokio::time::timeout(self.timeout, self.ask()).await.unwrap_or(Err(FetchFailure::Timeout))
    }

    async fn ask(&self) -> Result<ApiKey, FetchFailure> {
        let response =
            self.client.send(|client| client.get(self.url.clone())).await.map_err(|_| FetchFailure::Unreachable)?;
        let status = response.status();
        let body = read_body(response, LIMIT, self.timeout).await.map_err(|_| FetchFailure::Unreachable)?;
        let answer = serde_json::from_slice::<Value>(&body).ok();
        if status != StatusCode::OK {
            let is_json = answer.is_some_and(|answer| answer.is_object());
            return Err(FetchFailure::Status { code: status.as_u16(), is_json });
        }
        let answer = answer.ok_or(FetchFailure::NotPapita)?;
        find_key(&answer).ok_or_else(|| without_key(&answer))
    }
}

/// What an answer in which no key was found is.
fn without_key(answer: &Value) -> FetchFailure {
    if texts(answer).any(|text| ApiKey::try_parse(text).err() == Some(InvalidApiKey::Placeholder)) {
        FetchFailure::Placeholder
    } else if answer.get("credentials").is_some() {
        FetchFailure::NoKey
    } else {
        FetchFailure::NotPapita
    }
}

/// The first usable key.
fn find_key(answer: &Value) -> Option<ApiKey> {
    texts(answer).find_map(ApiKey::parse)
}

/// The texts that stand where the versions of Papita put the key.
fn texts(answer: &Value) -> impl Iterator<Item = &str> {
    const PLACES: [&str; 5] =
        ["/credentials/credentials/api_key", "/credentials/api_key", "/api_key", "/value", "/credential_value"];
    PLACES.iter().filter_map(|place| answer.pointer(place)?.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_key_is_found_in_every_shape() {
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
