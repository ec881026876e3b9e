//! A visitor of the portal: no account, identified by a cookie.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::{
    client::{Client, HttpResponse},
    events::Events,
    user::{list, text},
};

/// An HTTP client that sends the portal's cookie.
#[derive(Clone, Debug)]
pub struct Visitor {
    pub client: Client,
    pub token: String,
}

impl Visitor {
    /// Requests the history without a cookie and stores the cookie of the response.
    pub async fn first_visit(client: &Client) -> Self {
        let answer = client.get("/chat_history").await;
        assert_eq!(answer.assert_ok(), json!({ "history": [] }));
        Self { client: client.clone(), token: token(&answer) }
    }

    /// Returns a request with the cookie, to be completed and sent by the caller.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, path).header("cookie", format!("al_chat_visitor={}", self.token))
    }

    pub fn json_request(&self, path: &str, body: &Value) -> RequestBuilder {
        self.request(Method::POST, path).header("content-type", "application/json").body(body.to_string())
    }

    pub async fn call(&self, method: Method, path: &str) -> HttpResponse {
        self.client.send(self.request(method, path)).await
    }

    pub async fn post(&self, body: &Value) -> HttpResponse {
        self.client.send(self.json_request("/chat", body)).await
    }

    pub async fn send(&self, message: &str) -> HttpResponse {
        self.post(&json!({ "message": message })).await
    }

    /// Sends a message and returns the text of the answer, which must be a success.
    pub async fn ask(&self, message: &str) -> String {
        let answer = self.send(message).await;
        assert_eq!(token(&answer), self.token);
        let body = answer.assert_ok();
        assert_eq!(body, json!({ "response": body["response"], "success": true }));
        text(&body["response"])
    }

    pub async fn stream(&self, message: &str) -> Events {
        self.client.open_stream(self.json_request("/chat", &json!({ "message": message, "stream": true }))).await
    }

    /// Returns the texts of the visitor's history, with `> ` in front of a model's.
    pub async fn history(&self) -> Vec<String> {
        let answer = self.call(Method::GET, "/chat_history").await;
        assert_eq!(token(&answer), self.token);
        let body = answer.assert_ok();
        let line = |(position, entry): (usize, Value)| {
            assert_eq!(entry["timestamp"], position.to_string(), "{entry}");
            let arrow = match entry["role"].as_str() {
                Some("user") => "",
                Some("assistant") => "> ",
                other => panic!("{other:?} is not a role"),
            };
            format!("{arrow}{}", text(&entry["content"]))
        };
        list(&body["history"]).into_iter().enumerate().map(line).collect()
    }
}

/// Returns the `Set-Cookie` header, of which there is at most one; an empty text without it.
#[track_caller]
pub fn cookie(answer: &HttpResponse) -> String {
    let cookies = answer.headers.get_all("set-cookie").iter().map(|it| it.to_str().expect("a header in UTF-8"));
    let cookies = cookies.collect::<Vec<_>>();
    assert!(cookies.len() <= 1, "{cookies:?}");
    cookies.concat()
}

/// Returns the token in the response's portal cookie.
#[track_caller]
pub fn token(answer: &HttpResponse) -> String {
    let cookie = cookie(answer);
    let named = cookie.strip_prefix("__Host-").unwrap_or(&cookie);
    let value =
        named.strip_prefix("al_chat_visitor=").unwrap_or_else(|| panic!("{cookie:?} is not the portal's cookie"));
    value.split(';').next().expect("a value").to_owned()
}
