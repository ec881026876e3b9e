//! The client for the owner's receiver of events.

use std::{sync::Arc, time::Duration};

use reqwest::{
    StatusCode,
    header::{CONTENT_TYPE, HeaderValue},
};
use tokio::time::timeout;
use url::Url;

use crate::{
    adapters::hooks::{failure::HookFailure, private_addresses::CheckedResolver},
    foundation::{
        config,
        http_client::{self, Client, ClientFailure, read_rest, retry_after},
        secret::{ServerUrl, WebhookSecrets},
    },
};

/// The most bytes of an answer that are read, so that the connection can be used again. What they say does not matter.
const MAX_ANSWER: usize = 16 << 10;

/// The time for reading an answer.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// An event that the receiver has not accepted.
#[derive(Clone, Copy, Debug)]
pub struct EventFailure {
    /// The reason.
    pub failure: HookFailure,
    /// The `Retry-After` of an answer with status 429 or 503, as sent: it has no upper bound here. `None` without one.
    pub wait: Option<Duration>,
}

/// The owner's receiver of events. Cheap to clone.
#[derive(Clone, Debug)]
pub struct EventReceiver(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    url: ServerUrl,
    secrets: WebhookSecrets,
    timeout: Duration,
}

impl EventReceiver {
    /// Creates the client. `may_be_private`: whether a public name may have a private address; `proxy` is for `https`
    /// addresses.
    pub fn new(settings: &config::Events, may_be_private: bool, proxy: &config::Proxy) -> Result<Self, ClientFailure> {
        let config::Events { url, secrets, timeout, .. } = settings.clone();
        let resolver = Arc::new(CheckedResolver::of(&url, may_be_private));
        let client = http_client::build_with_resolver(timeout, proxy, &resolver)?;
        Ok(Self(Arc::new(Inner { client, url, secrets, timeout })))
    }

    /// Posts an event, signed at a time in seconds since 1970. A receiver that gets it twice recognizes it by its id. Any
    /// status of success shows that it has the event.
    pub async fn post(&self, id: &str, seconds: i64, body: &str) -> Result<(), EventFailure> {
        let limit = self.0.timeout;
        let sent = timeout(limit, self.send(id, seconds, body)).await;
        let response = sent.unwrap_or(Err(HookFailure::Timeout(limit).into()))?;
        // The event has arrived, whatever becomes of the rest.
        let _ = timeout(DRAIN_TIMEOUT, read_rest(Vec::new(), response, MAX_ANSWER, None)).await;
        Ok(())
    }

    /// Returns the head of an answer with a status of success.
    async fn send(&self, id: &str, seconds: i64, body: &str) -> Result<reqwest::Response, EventFailure> {
        let Inner { client, url, secrets, .. } = &*self.0;
        let signature = secrets.sign(id, seconds, body);
        let request = |client: &reqwest::Client| {
            client
                .post(Url::clone(url))
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .header("webhook-id", id)
                .header("webhook-timestamp", seconds)
                .header("webhook-signature", &signature)
                .body(body.to_owned())
        };
        let sent = client.send(request).await;
        let response = sent.map_err(|error| HookFailure::of_connection(&error, self.0.timeout))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let may_ask = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        let wait = if may_ask { retry_after(response.headers()) } else { None };
        Err(EventFailure { failure: HookFailure::of_status(status), wait })
    }
}

impl From<HookFailure> for EventFailure {
    fn from(failure: HookFailure) -> Self {
        Self { failure, wait: None }
    }
}
