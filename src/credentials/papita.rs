//! Asking Papita, the credential broker, for the key.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;
use url::Url;

use crate::{http_client::read_body, secret::ApiKey};

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
    #[error("Papita answered with status {0}")]
    Status(u16),
    /// An answer without a key in it.
    #[error("Papita's answer holds no key")]
    NoKey,
    /// The very key that the model's provider has just refused.
    #[error("Papita still has the key that the model's provider refuses")]
    RefusedKey,
}

impl FetchFailure {
    /// Whether this was Papita speaking: then there is one, and its silence later on will be an outage.
    pub(super) fn is_from_papita(self) -> bool {
        self == Self::NoKey
    }

    /// Whether, at an address where nobody said that Papita is, this means that it isn't: nobody listens, or it is a
    /// website's own server, which doesn't know what it is asked for. A server that fails or hangs may be a Papita in
    /// trouble.
    pub(super) fn may_be_somebody_else(self) -> bool {
        matches!(self, Self::Unreachable | Self::NotPapita | Self::Status(..500))
    }
}

/// The broker's address and how to ask it.
#[derive(Clone, Debug)]
pub(super) struct Papita {
    client: reqwest::Client,
    url: Url,
    timeout: Duration,
}

impl Papita {
    pub(super) fn new(client: reqwest::Client, base: &Url, timeout: Duration) -> Self {
        let mut url = base.clone();
        url.set_path(&format!("{}/api/credentials/global/openai", base.path().trim_end_matches('/')));
        Self { client, url, timeout }
    }

    /// One call, at most as long as the time limit.
    pub(super) async fn fetch(&self) -> Result<ApiKey, FetchFailure> {
        tokio::time::timeout(self.timeout, self.ask()).await.unwrap_or(Err(FetchFailure::Timeout))
    }

    async fn ask(&self) -> Result<ApiKey, FetchFailure> {
        let response = self.client.get(self.url.clone()).send().await.map_err(|_| FetchFailure::Unreachable)?;
        let status = response.status();
        let body = read_body(response, LIMIT, self.timeout).await.map_err(|_| FetchFailure::Unreachable)?;
        if status != StatusCode::OK {
            return Err(FetchFailure::Status(status.as_u16()));
        }
        let answer: Value = serde_json::from_slice(&body).map_err(|_| FetchFailure::NotPapita)?;
        let without_key =
            if answer.get("credentials").is_some() { FetchFailure::NoKey } else { FetchFailure::NotPapita };
        find_key(&answer).ok_or(without_key)
    }
}

/// The first usable key in the places where the versions of Papita put it.
fn find_key(answer: &Value) -> Option<ApiKey> {
    const PLACES: [&str; 5] =
        ["/credentials/credentials/api_key", "/credentials/api_key", "/api_key", "/value", "/credential_value"];
    PLACES.iter().find_map(|place| ApiKey::parse(answer.pointer(place)?.as_str()?))
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
