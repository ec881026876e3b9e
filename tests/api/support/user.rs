//! A client with an account, logged in.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::{
    fakes::model::FakeModel,
    support::{
        client::{Client, HttpResponse},
        events::Events,
        service::{Service, TestSetup, start_with, wait_until},
    },
};

const PASSWORD: &str = "Correct-Horse-77";

/// An HTTP client that sends the bearer token of one account.
#[derive(Clone, Debug)]
pub struct User {
    pub client: Client,
    pub token: String,
}

/// Starts a fake model and a service in this process, and registers the user `ada`.
pub async fn start_with_ada(settings: &[(&str, &str)]) -> (FakeModel, TestSetup, Service, User) {
    let (model, setup, service) = start_with(settings).await;
    let ada = User::register(&service.client, "ada").await;
    (model, setup, service, ada)
}

impl User {
    /// Registers an account with this name and logs in.
    pub async fn register(client: &Client, name: &str) -> Self {
        let account = json!({ "username": name, "email": format!("{name}@example.org"), "password": PASSWORD });
        let answer = client.post("/api/auth/register", &account).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let body = client.post("/api/auth/login", &account).await.assert_ok();
        Self { client: client.clone(), token: text(&body["access_token"]) }
    }

    /// Returns the same user with a client of another server, such as one started again.
    pub fn with_client(&self, client: &Client) -> Self {
        Self { client: client.clone(), token: self.token.clone() }
    }

    /// Returns a request with the token, to be completed and sent by the caller.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, path).bearer_auth(&self.token)
    }

    pub fn json_request(&self, method: Method, path: &str, body: &Value) -> RequestBuilder {
        self.request(method, path).header("content-type", "application/json").body(body.to_string())
    }

    pub async fn call(&self, method: Method, path: &str) -> HttpResponse {
        self.client.send(self.request(method, path)).await
    }

    pub async fn get(&self, path: &str) -> HttpResponse {
        self.call(Method::GET, path).await
    }

    pub async fn delete(&self, path: &str) -> HttpResponse {
        self.call(Method::DELETE, path).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> HttpResponse {
        self.client.send(self.json_request(Method::POST, path, body)).await
    }

    /// Creates a chat without a title and returns its ID.
    pub async fn create_chat(&self) -> i64 {
        let answer = self.call(Method::POST, "/api/chat/create").await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        number(&answer.json()["id"])
    }

    /// Creates a chat with this title and returns its ID.
    pub async fn create_titled_chat(&self, title: &str) -> i64 {
        let answer = self.post("/api/chat/create", &json!({ "title": title })).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        number(&answer.json()["id"])
    }

    pub async fn rename(&self, chat: i64, title: &str) -> HttpResponse {
        let body = json!({ "title": title });
        self.client.send(self.json_request(Method::PATCH, &format!("/api/chat/{chat}"), &body)).await
    }

    pub async fn clear(&self, chat: i64) {
        self.call(Method::POST, &format!("/api/chat/{chat}/clear")).await.assert_ok();
    }

    pub async fn delete_chat(&self, chat: i64) {
        self.delete(&format!("/api/chat/{chat}/delete")).await.assert_ok();
    }

    /// Returns the JSON of a chat.
    pub async fn chat(&self, chat: i64) -> Value {
        self.get(&format!("/api/chat/{chat}")).await.assert_ok()
    }

    /// Returns the list of all chats of the user.
    pub async fn list_chats(&self) -> Vec<Value> {
        list(&self.get("/api/chat/histories").await.assert_ok())
    }

    /// Returns a request that sends a message with this body to a chat.
    pub fn send_request(&self, chat: i64, body: &Value) -> RequestBuilder {
        self.json_request(Method::POST, &format!("/api/messages/{chat}/send"), body)
    }

    pub async fn send(&self, chat: i64, text: &str) -> HttpResponse {
        self.client.send(self.send_request(chat, &json!({ "text": text }))).await
    }

    /// Sends a message to a chat and returns the body of the answer, which must be a 200.
    pub async fn ask(&self, chat: i64, text: &str) -> Value {
        self.send(chat, text).await.assert_ok()
    }

    /// Sends a message to a chat with an idempotency key.
    pub async fn send_once(&self, chat: i64, text: &str, key: &str) -> HttpResponse {
        self.client.send(self.send_request(chat, &json!({ "text": text })).header("idempotency-key", key)).await
    }

    /// Sends a message to a chat and returns the stream of the answer.
    pub async fn stream(&self, chat: i64, text: &str) -> Events {
        self.client.open_stream(self.send_request(chat, &json!({ "text": text, "stream": true }))).await
    }

    pub async fn retry(&self, message: i64) -> HttpResponse {
        self.call(Method::POST, &format!("/api/messages/{message}/retry")).await
    }

    /// Returns all messages of a chat.
    pub async fn messages(&self, chat: i64) -> Vec<Value> {
        list(&self.get(&format!("/api/messages/{chat}/messages")).await.assert_ok())
    }

    /// Returns the messages of a chat in order, each as `text status`: without the status if it is `complete`, and with
    /// `> ` in front of a bot's. Fails if the chat and the list of messages differ.
    pub async fn transcript(&self, chat: i64) -> Vec<String> {
        let messages = self.messages(chat).await;
        let whole = self.chat(chat).await;
        assert_eq!(whole["messages"], json!(messages));
        assert_eq!(whole["message_count"], messages.len(), "{whole}");
        messages.iter().map(transcript_line).collect()
    }

    /// Waits until the transcript of a chat is the expected one.
    pub async fn wait_for_transcript(&self, chat: i64, expected: &[&str]) {
        wait_until(&format!("{expected:?}"), async || {
            let messages = self.messages(chat).await;
            (messages.iter().map(transcript_line).collect::<Vec<_>>() == expected).then_some(())
        })
        .await;
        self.transcript(chat).await;
    }

    /// Returns the texts of the messages that a search finds.
    pub async fn search(&self, words: &str) -> Vec<String> {
        let answer = self.get(&format!("/api/chat/search?{}", query("q", words))).await;
        list(&answer.assert_ok()).iter().map(|found| text(&found["message"]["text"])).collect()
    }

    /// Returns the pages of a list, following the `Link` headers.
    pub async fn pages(&self, path: &str) -> Vec<Vec<Value>> {
        let (mut pages, mut next) = (Vec::new(), Some(path.to_owned()));
        while let Some(path) = next {
            let answer = self.get(&path).await;
            pages.push(list(&answer.assert_ok()));
            next = next_page(&answer);
            assert!(pages.len() < 1000, "the pages of {path} never end");
        }
        pages
    }
}

fn transcript_line(message: &Value) -> String {
    let arrow = if message["sender"] == "bot" { "> " } else { "" };
    let status = if message["status"] == "complete" { "" } else { message["status"].as_str().expect("a status") };
    let gap = if status.is_empty() { "" } else { " " };
    format!("{arrow}{}{gap}{status}", message["text"].as_str().expect("a text"))
}

/// Returns a query string with one parameter, percent-encoded.
pub fn query(name: &str, value: &str) -> String {
    form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish()
}

/// Returns the path of the next page from the `Link` header; `None` on the last page.
pub fn next_page(answer: &HttpResponse) -> Option<String> {
    let link = answer.headers.get("link")?.to_str().expect("a header in UTF-8");
    let (path, relation) = link.strip_prefix('<').and_then(|link| link.split_once('>')).expect("a link");
    assert_eq!(relation, "; rel=\"next\"");
    Some(path.to_owned())
}

#[track_caller]
pub fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("{value} is not a number"))
}

#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is not a string")).to_owned()
}

#[track_caller]
pub fn list(value: &Value) -> Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("{value} is not a list")).clone()
}

/// Returns the messages in the request of this call to the model.
#[track_caller]
pub fn prompt_messages(model: &FakeModel, call: usize) -> Vec<Value> {
    list(&model.calls()[call].body["messages"])
}

/// Returns the messages in the request of this call to the model, each as `r: content` with its role's first letter.
#[track_caller]
pub fn prompt_lines(model: &FakeModel, call: usize) -> Vec<String> {
    let lines = prompt_messages(model, call);
    lines.iter().map(|line| format!("{}: {}", &text(&line["role"])[..1], text(&line["content"]))).collect()
}
