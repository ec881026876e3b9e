//! One address of a hook, to which JSON is posted.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use opentelemetry::trace::SpanContext;
use reqwest::{
    StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde::Serialize;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};
use url::Url;

use super::{breaker::HookBreaker, failure::HookFailure, private_addresses::CheckedResolver};
use crate::{
    domain::breaker::{BreakerState, CallerHash},
    foundation::{
        config,
        http_client::{self, Client, ClientFailure, ReadFailure, read_rest},
        secret::{HookToken, ServerUrl},
        trace::add_to_headers,
    },
};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The settings of an endpoint.
#[derive(Clone, Debug)]
pub(super) struct HookSettings {
    /// The name of the hook in the diagnostics.
    pub(super) name: &'static str,
    /// The address that JSON is posted to.
    pub(super) url: ServerUrl,
    /// The token that is sent with it.
    pub(super) token: Option<HookToken>,
    /// The time for a whole call.
    pub(super) timeout: Duration,
    /// When calls stop after failures.
    pub(super) breaker: config::Breaker,
    /// Whether a public name may have a private address.
    pub(super) may_be_private: bool,
    /// The most calls at a time. Others wait, which counts as time of the call.
    pub(super) max_calls: usize,
}

/// An HTTP endpoint of the owner, with a client of its own.
#[derive(Debug)]
pub(super) struct HookEndpoint {
    url: ServerUrl,
    headers: HeaderMap,
    timeout: Duration,
    client: Client,
    calls: Semaphore,
    breaker: HookBreaker,
}

impl HookEndpoint {
    /// Creates an endpoint. `proxy` is for `https` addresses.
    pub(super) fn new(settings: HookSettings, proxy: &config::Proxy) -> Result<Self, ClientFailure> {
        let HookSettings { name, url, token, timeout, breaker, may_be_private, max_calls } = settings;
        let resolver = Arc::new(CheckedResolver::of(&url, may_be_private));
        let client = http_client::build_with_resolver(timeout, proxy, &resolver)?;
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, JSON), (ACCEPT, JSON)]);
        if let Some(token) = token {
            headers.insert(AUTHORIZATION, token.bearer());
        }
        let calls = Semaphore::new(max_calls.min(Semaphore::MAX_PERMITS));
        Ok(Self { url, headers, timeout, client, calls, breaker: HookBreaker::new(name, breaker) })
    }

    /// Returns the address.
    #[must_use]
    pub(super) fn url(&self) -> &ServerUrl {
        &self.url
    }

    /// Returns the state of the circuit breaker.
    pub(super) fn breaker_state(&self) -> BreakerState {
        self.breaker.state()
    }

    /// Posts a body as JSON on behalf of a caller, and returns what `read` makes of the answer, which has at most
    /// `max_bytes`. `read` returns `None` for an answer that is not in the hook's protocol. The hook gets `span` as the parent of
    /// its own.
    pub(super) async fn post<T>(
        &self,
        body: &impl Serialize,
        max_bytes: usize,
        caller: CallerHash,
        span: Option<&SpanContext>,
        read: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Result<T, HookFailure> {
        let deadline = Instant::now() + self.timeout;
        // Before the breaker's permit, since waiting for other calls says nothing about the hook. The semaphore is never closed.
        let waited = timeout_at(deadline, self.calls.acquire()).await;
        let _call = waited.map_err(|_| HookFailure::Busy(self.timeout))?;
        let permit = self.breaker.admit(caller)?;
        // All maps of these bodies have texts as keys, so that they can be encoded.
        let body = serde_json::to_vec(body).map(Bytes::from).map_err(|_| HookFailure::NotUnderstood)?;
        let answer = timeout_at(deadline, self.call(body, max_bytes, span)).await;
        let answer = answer.unwrap_or(Err(HookFailure::Timeout(self.timeout)));
        let outcome = answer.and_then(|answer| read(&answer).ok_or(HookFailure::NotUnderstood));
        permit.record(&outcome);
        outcome
    }

    async fn call(&self, body: Bytes, max_bytes: usize, span: Option<&SpanContext>) -> Result<Vec<u8>, HookFailure> {
        let mut headers = self.headers.clone();
        if let Some(span) = span {
            add_to_headers(&mut headers, span);
        }
        let request =
            |client: &reqwest::Client| client.post(Url::clone(&self.url)).headers(headers.clone()).body(body.clone());
        let response = self.client.send(request).await.map_err(|error| self.connection_failure(&error))?;
        if response.status() != StatusCode::OK {
            return Err(HookFailure::of_status(response.status()));
        }
        // The time of the whole call is limited.
        read_rest(Vec::new(), response, max_bytes, None).await.map_err(|failure| match failure {
            ReadFailure::TooLarge => HookFailure::TooLarge(max_bytes),
            ReadFailure::Idle => HookFailure::Timeout(self.timeout),
            ReadFailure::Lost(error) => self.connection_failure(&error),
        })
    }

    fn connection_failure(&self, error: &reqwest::Error) -> HookFailure {
        HookFailure::of_connection(error, self.timeout)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use reqwest::dns::{Name, Resolve, Resolving};
    use tokio::{net::TcpListener, select, time::sleep};

    use super::*;
    use crate::adapters::hooks::private_addresses::PrivateAddress;

    /// A resolver that refuses each name as one with a private address.
    struct Refusing;

    impl Resolve for Refusing {
        fn resolve(&self, _: Name) -> Resolving {
            Box::pin(async { Err(PrivateAddress.into()) })
        }
    }

    fn settings() -> HookSettings {
        HookSettings {
            name: "guard",
            url: Url::parse("http://guard.example/judge").unwrap().into(),
            token: None,
            timeout: Duration::from_secs(5),
            breaker: config::Breaker { failure_rate: 50, pause: Duration::from_secs(10) },
            may_be_private: false,
            max_calls: 10,
        }
    }

    #[tokio::test]
    async fn a_private_address_is_named_as_the_cause() {
        let mut endpoint = HookEndpoint::new(settings(), &config::Proxy::default()).unwrap();
        let (resolver, proxy) = (Arc::new(Refusing), config::Proxy::default());
        endpoint.client = http_client::build_with_resolver(endpoint.timeout, &proxy, &resolver).unwrap();
        let posted = endpoint.post(&"hello", 100, CallerHash::of(&1), None, |_| Some(())).await;
        assert_eq!(posted, Err(HookFailure::PrivateAddress));
    }

    #[tokio::test]
    async fn a_call_that_waits_for_others_all_the_time_is_not_made() {
        let timeout = Duration::from_millis(20);
        let settings = HookSettings { max_calls: 1, timeout, ..settings() };
        let endpoint = HookEndpoint::new(settings, &config::Proxy::default()).unwrap();
        let _other = endpoint.calls.acquire().await.unwrap();
        let failure = endpoint.post(&"hello", 100, CallerHash::of(&1), None, |_| Some(())).await.unwrap_err();
        assert_eq!(failure, HookFailure::Busy(timeout));
        assert!(!failure.has_reached_hook() && failure.says_nothing());
    }

    #[tokio::test]
    async fn further_calls_wait_for_the_end_of_others() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/judge", listener.local_addr().unwrap())).unwrap();
        let settings = HookSettings { url: url.into(), max_calls: 1, ..settings() };
        let endpoint = HookEndpoint::new(settings, &config::Proxy::default()).unwrap();
        let post = || endpoint.post(&"hello", 100, CallerHash::of(&1), None, |_| Some(()));
        let mut first = Box::pin(post());
        let mut second = pin!(post());
        let _held = select! {
            answered = &mut first => panic!("{answered:?}"),
            accepted = listener.accept() => accepted.unwrap(),
        };
        select! {
            answered = &mut second => panic!("{answered:?}"),
            _ = listener.accept() => panic!("the second call did not wait"),
            () = sleep(Duration::from_millis(50)) => {}
        }
        drop(first);
        select! {
            answered = &mut second => panic!("{answered:?}"),
            accepted = listener.accept() => drop(accepted.unwrap()),
        }
    }
}
