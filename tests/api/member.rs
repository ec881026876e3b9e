//! Somebody with an account: signed in, with chats of their own.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::{
    client::{Answer, Client},
    events::Events,
    fakes::model::FakeModel,
    house::{House, Service, open_with, wait_until},
};

const PASSWORD: &str = "Correct-Horse-77";

/// A client with a token.
#[derive(Clone, Debug)]
pub struct Member {
    pub client: Client,
    pub token: String,
}

/// A model, a service in this process that asks it, and ada, who has an account there.
pub async fn with_ada(settings: &[(&str, &str)]) -> (FakeModel, House, Service, Member) {
    let (model, house, service) = open_with(settings).await;
    let ada = Member::join(&service.client, "ada").await;
    (model, house, service, ada)
}

impl Member {
    /// Registers somebody of this name, and logs in.
    pub async fn join(client: &Client, name: &str) -> Self {
        let account = json!({ "username": name, "email": format!("{name}@example.org"), "password": PASSWORD });
        let answer = client.post("/api/auth/register", &account).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let body = client.post("/api/auth/login", &account).await.assert_ok();
        Self { client: client.clone(), token: text(&body["access_token"]) }
    }

    /// The same one at a service that was started again.
    pub fn at(&self, client: &Client) -> Self {
        Self { client: client.clone(), token: self.token.clone() }
    }

    /// A request to be completed and sent by hand.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, path).bearer_auth(&self.token)
    }

    pub fn json_request(&self, method: Method, path: &str, body: &Value) -> RequestBuilder {
        self.request(method, path).header("content-type", "application/json").body(body.to_string())
    }

    pub async fn call(&self, method: Method, path: &str) -> Answer {
        self.client.send(self.request(method, path)).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.client.send(self.json_request(Method::POST, path, body)).await
    }

    /// Begins a chat without a title. Returns its number.
    pub async fn begin(&self) -> i64 {
        let answer = self.call(Method::POST, "/api/chat/create").await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        number(&answer.json()["id"])
    }

    /// Begins a chat of this title. Returns its number.
    pub async fn begin_titled(&self, title: &str) -> i64 {
        let answer = self.post("/api/chat/create", &json!({ "title": title })).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        number(&answer.json()["id"])
    }

    pub async fn rename(&self, chat: i64, title: &str) -> Answer {
        let body = json!({ "title": title });
        self.client.send(self.json_request(Method::PATCH, &format!("/api/chat/{chat}"), &body)).await
    }

    pub async fn clear(&self, chat: i64) {
        self.call(Method::POST, &format!("/api/chat/{chat}/clear")).await.assert_ok();
    }

    pub async fn delete_chat(&self, chat: i64) {
        self.delete(&format!("/api/chat/{chat}/delete")).await.assert_ok();
    }

    /// The chat as it is read.
    pub async fn chat(&self, chat: i64) -> Value {
        self.get(&format!("/api/chat/{chat}")).await.assert_ok()
    }

    /// All chats as they are listed.
    pub async fn histories(&self) -> Vec<Value> {
        list(&self.get("/api/chat/histories").await.assert_ok())
    }

    /// A request that says this in a chat.
    pub fn sending(&self, chat: i64, body: &Value) -> RequestBuilder {
        self.json_request(Method::POST, &format!("/api/messages/{chat}/send"), body)
    }

    pub async fn send(&self, chat: i64, text: &str) -> Answer {
        self.client.send(self.sending(chat, &json!({ "text": text }))).await
    }

    /// Says this in a chat, and is answered.
    pub async fn say(&self, chat: i64, text: &str) -> Value {
        self.send(chat, text).await.assert_ok()
    }

    pub async fn send_once(&self, chat: i64, text: &str, key: &str) -> Answer {
        self.client.send(self.sending(chat, &json!({ "text": text })).header("idempotency-key", key)).await
    }

    /// Says this in a chat, to be answered in a stream.
    pub async fn stream(&self, chat: i64, text: &str) -> Events {
        self.client.open_stream(self.sending(chat, &json!({ "text": text, "stream": true }))).await
    }

    pub async fn retry(&self, message: i64) -> Answer {
        self.call(Method::POST, &format!("/api/messages/{message}/retry")).await
    }

    /// All messages of a chat, of which there is the right number.
    pub async fn messages(&self, chat: i64) -> Vec<Value> {
        list(&self.get(&format!("/api/messages/{chat}/messages")).await.assert_ok())
    }

    /// The texts of a chat in their order, each with its status unless it is complete; a bot's with an arrow in front.
    /// Fails where the numbers of messages don't agree.
    pub async fn talk(&self, chat: i64) -> Vec<String> {
        let messages = self.messages(chat).await;
        let whole = self.chat(chat).await;
        assert_eq!(whole["messages"], json!(messages));
        assert_eq!(whole["message_count"], messages.len(), "{whole}");
        messages.iter().map(told).collect()
    }

    /// Waits until the first message has failed, or has otherwise become this.
    pub async fn wait_for_talk(&self, chat: i64, expected: &[&str]) {
        wait_until(&format!("{expected:?}"), async || {
            let messages = self.messages(chat).await;
            (messages.iter().map(told).collect::<Vec<_>>() == expected).then_some(())
        })
        .await;
        self.talk(chat).await;
    }

    /// The texts of the messages that a search finds.
    pub async fn find(&self, words: &str) -> Vec<String> {
        let answer = self.get(&format!("/api/chat/search?{}", query("q", words))).await;
        list(&answer.assert_ok()).iter().map(|found| text(&found["message"]["text"])).collect()
    }

    /// A list page by page, as its links lead.
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

fn told(message: &Value) -> String {
    let arrow = if message["sender"] == "bot" { "> " } else { "" };
    let status = if message["status"] == "complete" { "" } else { message["status"].as_str().expect("a status") };
    let gap = if status.is_empty() { "" } else { " " };
    format!("{arrow}{}{gap}{status}", message["text"].as_str().expect("a text"))
}

/// A parameter of a query.
pub fn query(name: &str, value: &str) -> String {
    form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish()
}

/// Where the `Link` header says that the list goes on.
pub fn next_page(answer: &Answer) -> Option<String> {
    let link = answer.headers.get("link")?.to_str().expect("a header of text");
    let (path, relation) = link.strip_prefix('<').and_then(|link| link.split_once('>')).expect("a link");
    assert_eq!(relation, "; rel=\"next\"");
    Some(path.to_owned())
}

#[track_caller]
pub fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[track_caller]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

#[track_caller]
pub fn list(value: &Value) -> Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list")).clone()
}

/// The messages that a model was asked with.
#[track_caller]
pub fn asked(model: &FakeModel, call: usize) -> Vec<Value> {
    list(&model.calls()[call].body["messages"])
}

/// What a model was told, each line with its role's first letter in front.
#[track_caller]
pub fn told_to(model: &FakeModel, call: usize) -> Vec<String> {
    let lines = asked(model, call);
    lines.iter().map(|line| format!("{}: {}", &text(&line["role"])[..1], text(&line["content"]))).collect()
}
