//! An HTTP client of the service. Each response is checked against the contract.

use std::{net::SocketAddr, time::Duration};

use reqwest::{Method, Response, StatusCode, header::HeaderMap};
use serde_json::{Value, json};

use crate::support::{contract_check::RequestLine, events::Events, service::wait_until};

/// An HTTP response with its whole body.
#[derive(Debug)]
pub struct HttpResponse {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl HttpResponse {
    /// Returns the body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{} is not JSON", self.text))
    }

    /// Returns a header's text; an empty one if the header is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a header in UTF-8"))
    }

    /// Asserts that the response is an error of the contract with this status and code. Returns its sentence.
    #[track_caller]
    pub fn assert_error(&self, status: u16, code: &str) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        let body = self.json();
        assert_eq!(body["code"], code, "{body}");
        assert_eq!(body["request_id"], self.header("x-request-id"), "{body}");
        assert!(self.header("content-type").starts_with("application/json"));
        assert!(
            !self.header("access-control-allow-origin").is_empty(),
            "a web page cannot read an error without CORS headers"
        );
        body["error"].as_str().expect("error is a string").to_owned()
    }

    /// Asserts that the response is an error with status 401 in the format of all clients.
    #[track_caller]
    pub fn assert_unauthorized(&self, code: &str) {
        let sentence = self.assert_error(401, code);
        assert_eq!(self.json()["msg"], sentence);
        assert_eq!(self.header("www-authenticate"), "Bearer");
    }

    /// Asserts that the status is 200. Returns the body.
    #[track_caller]
    pub fn assert_ok(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        self.json()
    }
}

/// A client of one server. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
}

impl Client {
    #[expect(clippy::disallowed_methods, reason = "a client of the tests, not of the service")]
    pub fn new(address: SocketAddr) -> Self {
        // A client needs a provider. The call fails if another test has installed one, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().no_gzip().timeout(Duration::from_secs(30));
        Self { http: http.build().expect("a client"), base: format!("http://{address}") }
    }

    /// Returns a request to be completed by the caller and sent with [`Client::send`].
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> HttpResponse {
        self.try_send(request).await.expect("the server answers")
    }

    pub async fn try_send(&self, request: reqwest::RequestBuilder) -> Result<HttpResponse, reqwest::Error> {
        let (request_line, response) = self.execute(request).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let answer = HttpResponse { status, headers, text: response.text().await? };
        request_line.assert_described(answer.status, &answer.headers, &answer.text);
        Ok(answer)
    }

    async fn execute(&self, request: reqwest::RequestBuilder) -> Result<(RequestLine, Response), reqwest::Error> {
        let request = request.build()?;
        Ok((RequestLine::of(&request), self.http.execute(request).await?))
    }

    pub async fn get(&self, path: &str) -> HttpResponse {
        self.send(self.request(Method::GET, path)).await
    }

    /// Waits until the service is ready (200), or is not (503). Fails if it does not answer.
    pub async fn wait_for_readiness(&self, status: u16) {
        wait_until("readiness", async || (self.get("/api/health/ready").await.status == status).then_some(())).await;
    }

    pub async fn post(&self, path: &str, body: &Value) -> HttpResponse {
        self.send(self.json_request(path, body)).await
    }

    pub fn json_request(&self, path: &str, body: &Value) -> reqwest::RequestBuilder {
        let request = self.request(Method::POST, path).header("content-type", "application/json");
        request.body(body.to_string())
    }

    /// Sends a message to `/api/chat`.
    pub async fn chat(&self, message: &str) -> HttpResponse {
        self.post("/api/chat", &json!({ "message": message })).await
    }

    /// Sends a request and returns its response as a stream of events.
    pub async fn open_stream(&self, request: reqwest::RequestBuilder) -> Events {
        self.open_stream_after(request, None).await
    }

    /// Sends a request that resumes a stream after the event `last_event_id`.
    pub async fn open_stream_after(&self, request: reqwest::RequestBuilder, last_event_id: Option<u64>) -> Events {
        let (request_line, response) = self.execute(request).await.expect("the server answers");
        Events::of(request_line, response, last_event_id)
    }

    /// Sends a message to `/api/chat` and returns the stream of the answer.
    pub async fn stream_chat(&self, message: &str) -> Events {
        self.open_stream(self.json_request("/api/chat", &json!({ "message": message, "stream": true }))).await
    }

    /// Reads the events of a turn from the start, or after the event `last_event_id`.
    pub async fn resume(&self, request_id: &str, last_event_id: Option<u64>) -> Events {
        let mut request = self.request(Method::GET, &format!("/api/chat/{request_id}/events"));
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        self.open_stream_after(request, last_event_id).await
    }
}
