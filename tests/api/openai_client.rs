//! A server that asks in OpenAI's form, with an API key.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::{
    command_line::run,
    fakes::model::FakeModel,
    support::{
        client::{Client, HttpResponse},
        service::{Service, TestSetup},
    },
};

/// A client that sends an API key with each request.
#[derive(Clone, Debug)]
pub struct OpenAiClient {
    pub client: Client,
    pub key: String,
}

/// Starts a fake model and the service with these settings, and a client whose API key the service accepts.
pub async fn start_with_key(settings: &[(&str, &str)]) -> (FakeModel, TestSetup, Service, OpenAiClient) {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).with_all(settings);
    let (service, openai) = start_for(&setup, &[]).await;
    (model, setup, service, openai)
}

/// Starts the service, and a client whose API key was made with these further arguments.
pub async fn start_for(setup: &TestSetup, arguments: &[&str]) -> (Service, OpenAiClient) {
    let migrated = run(setup, &["migrate"]).await;
    assert_eq!(migrated.code, Some(0), "{migrated:?}");
    let made = run(setup, &[&["keys", "create", "shop"], arguments].concat()).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    let service = setup.start().await;
    let openai = OpenAiClient { client: service.client.clone(), key: made.out.trim_end().to_owned() };
    (service, openai)
}

/// Returns a request with one question.
pub fn question(text: &str) -> Value {
    json!({ "model": "gpt-4o-mini", "messages": [{ "role": "user", "content": text }] })
}

/// Returns a value with further fields.
pub fn with(mut value: Value, fields: &Value) -> Value {
    for (name, field) in fields.as_object().expect("an object") {
        value[name] = field.clone();
    }
    value
}

impl OpenAiClient {
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, path).bearer_auth(&self.key)
    }

    pub fn completion(&self, body: &Value) -> RequestBuilder {
        self.client.json_request("/v1/chat/completions", body).bearer_auth(&self.key)
    }

    pub async fn complete(&self, body: &Value) -> HttpResponse {
        self.client.send(self.completion(body)).await
    }

    pub async fn get(&self, path: &str) -> HttpResponse {
        self.client.send(self.request(Method::GET, path)).await
    }

    /// Sends a request for a stream, and returns the data of its events.
    pub async fn stream(&self, body: &Value) -> Vec<String> {
        let answer = self.complete(&with(body.clone(), &json!({ "stream": true }))).await;
        assert_eq!(answer.header("content-type"), "text/event-stream", "{}", answer.text);
        events(&answer.text)
    }
}

/// Returns the data of the events of a stream. Each is one line, and nothing else is there but comments.
pub fn events(text: &str) -> Vec<String> {
    let events = text.split_terminator("\n\n").filter(|event| !event.starts_with(':'));
    events.map(|event| event.strip_prefix("data: ").expect("data").to_owned()).collect()
}

/// Asserts that a response is an error in OpenAI's form. Returns the error.
#[track_caller]
pub fn assert_openai_error(answer: &HttpResponse, status: u16, kind: &str, code: &str) -> Value {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
    let body = answer.json();
    let error = &body["error"];
    assert_eq!((&error["type"], &error["code"]), (&json!(kind), &json!(code)), "{body}");
    assert!(!answer.header("x-request-id").is_empty());
    assert!(!answer.header("access-control-allow-origin").is_empty());
    error.clone()
}
