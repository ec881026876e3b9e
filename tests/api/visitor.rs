//! Somebody at the portal: without an account, known by a cookie.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::{
    client::{Answer, Client},
    events::Events,
    member::{list, text},
};

/// A browser with the portal's cookie.
#[derive(Clone, Debug)]
pub struct Visitor {
    pub client: Client,
    pub token: String,
}

impl Visitor {
    /// Comes for the first time.
    pub async fn come(client: &Client) -> Self {
        let answer = client.get("/chat_history").await;
        assert_eq!(answer.assert_ok(), json!({ "history": [] }));
        Self { client: client.clone(), token: token(&answer) }
    }

    /// A request to be completed and sent by hand.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, path).header("cookie", format!("al_chat_visitor={}", self.token))
    }

    pub fn json_request(&self, path: &str, body: &Value) -> RequestBuilder {
        self.request(Method::POST, path).header("content-type", "application/json").body(body.to_string())
    }

    pub async fn call(&self, method: Method, path: &str) -> Answer {
        self.client.send(self.request(method, path)).await
    }

    pub async fn post(&self, body: &Value) -> Answer {
        self.client.send(self.json_request("/chat", body)).await
    }

    pub async fn send(&self, message: &str) -> Answer {
        self.post(&json!({ "message": message })).await
    }

    /// Says this, and is answered.
    pub async fn say(&self, message: &str) -> String {
        let answer = self.send(message).await;
        assert_eq!(token(&answer), self.token);
        let body = answer.assert_ok();
        assert_eq!(body, json!({ "response": body["response"], "success": true }));
        text(&body["response"])
    }

    pub async fn stream(&self, message: &str) -> Events {
        self.client.open_stream(self.json_request("/chat", &json!({ "message": message, "stream": true }))).await
    }

    /// What was said so far, a model's words with an arrow in front.
    pub async fn history(&self) -> Vec<String> {
        let answer = self.call(Method::GET, "/chat_history").await;
        assert_eq!(token(&answer), self.token);
        let body = answer.assert_ok();
        let told = |(place, entry): (usize, Value)| {
            assert_eq!(entry["timestamp"], place.to_string(), "{entry}");
            let arrow = match entry["role"].as_str() {
                Some("user") => "",
                Some("assistant") => "> ",
                other => panic!("{other:?} is no role"),
            };
            format!("{arrow}{}", text(&entry["content"]))
        };
        list(&body["history"]).into_iter().enumerate().map(told).collect()
    }
}

/// The portal's cookie, of which there is one; empty without it.
#[track_caller]
pub fn cookie(answer: &Answer) -> String {
    let cookies = answer.headers.get_all("set-cookie").iter().map(|it| it.to_str().expect("a header of text"));
    let cookies = cookies.collect::<Vec<_>>();
    assert!(cookies.len() <= 1, "{cookies:?}");
    cookies.concat()
}

/// The token in the portal's cookie.
#[track_caller]
pub fn token(answer: &Answer) -> String {
    let cookie = cookie(answer);
    let named = cookie.strip_prefix("__Host-").unwrap_or(&cookie);
    let value = named.strip_prefix("al_chat_visitor=").unwrap_or_else(|| panic!("{cookie:?} is not the cookie"));
    value.split(';').next().expect("a value").to_owned()
}
