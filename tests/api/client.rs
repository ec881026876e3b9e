//! What a chat window does: sends requests, reads answers. Each answer is held against the contract.

use std::{net::SocketAddr, time::Duration};

use reqwest::{Method, Response, StatusCode, header::HeaderMap};
use serde_json::{Value, json};

use crate::{document::Asked, events::Events};

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{} is not JSON", self.text))
    }

    /// A header's text; empty when it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a header of text"))
    }

    /// Fails unless this is an error as the contract has them, with this status and code. Returns its sentence.
    #[track_caller]
    pub fn assert_error(&self, status: u16, code: &str) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        let body = self.json();
        assert_eq!(body["code"], code, "{body}");
        assert_eq!(body["request_id"], self.header("x-request-id"), "{body}");
        assert!(self.header("content-type").starts_with("application/json"));
        assert!(!self.header("access-control-allow-origin").is_empty(), "an error without CORS cannot be read");
        body["error"].as_str().expect("error is a string").to_owned()
    }

    /// Fails unless this is a 200. Returns the body.
    #[track_caller]
    pub fn assert_ok(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        self.json()
    }
}

/// A client of one server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
}

impl Client {
    #[expect(clippy::disallowed_methods, reason = "the tests' own client")]
    pub fn new(address: SocketAddr) -> Self {
        // Without it there is no client; whoever came first has installed it for all.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().no_gzip().timeout(Duration::from_secs(30));
        Self { http: http.build().expect("a client"), base: format!("http://{address}") }
    }

    /// A request to be completed and sent by hand with [`Client::send`].
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        self.try_send(request).await.expect("the server answers")
    }

    pub async fn try_send(&self, request: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
        let (asked, response) = self.execute(request).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let answer = Answer { status, headers, text: response.text().await? };
        asked.assert_described(answer.status, &answer.headers, &answer.text);
        Ok(answer)
    }

    async fn execute(&self, request: reqwest::RequestBuilder) -> Result<(Asked, Response), reqwest::Error> {
        let request = request.build()?;
        Ok((Asked::of(&request), self.http.execute(request).await?))
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.json_request(path, body)).await
    }

    pub fn json_request(&self, path: &str, body: &Value) -> reqwest::RequestBuilder {
        let request = self.request(Method::POST, path).header("content-type", "application/json");
        request.body(body.to_string())
    }

    /// One turn with this message.
    pub async fn chat(&self, message: &str) -> Answer {
        self.post("/api/chat", &json!({ "message": message })).await
    }

    /// Sends a request whose answer is read as it comes.
    pub async fn open_stream(&self, request: reqwest::RequestBuilder) -> Events {
        self.open(request, None).await
    }

    /// Sends a request whose answer is read as it comes, from the event behind this one.
    pub async fn open(&self, request: reqwest::RequestBuilder, last_event_id: Option<u64>) -> Events {
        let (asked, response) = self.execute(request).await.expect("the server answers");
        Events::of(asked, response, last_event_id)
    }

    /// One turn with this message, streamed.
    pub async fn stream_chat(&self, message: &str) -> Events {
        self.open_stream(self.json_request("/api/chat", &json!({ "message": message, "stream": true }))).await
    }

    /// Reads a streamed turn from the start, or on from this event.
    pub async fn resume(&self, request_id: &str, last_event_id: Option<u64>) -> Events {
        let mut request = self.request(Method::GET, &format!("/api/chat/{request_id}/events"));
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        self.open(request, last_event_id).await
    }
}
