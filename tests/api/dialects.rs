//! Dialects of real model servers, and their effect on a turn.

mod bytes;
mod ends;
mod errors;
mod figures;
mod local;
mod parameters;
mod recorded;

use serde_json::{Value, json};

use crate::{
    fakes::scripted_model::{ScriptedModel, ScriptedResponse},
    support::service::{Service, TestSetup},
};

/// A scripted model server, and a service in front of it without retries and circuit breaker.
struct Dialect {
    model: ScriptedModel,
    setup: TestSetup,
    service: Service,
}

/// The result of a turn, from its response and its log line.
struct Outcome {
    status: u16,
    /// The text of the answer, or of the deltas before an error.
    text: String,
    /// The body of the answer or error, or the data of the last event.
    last: Value,
    /// The turn's line in the session log.
    line: Value,
    /// The name of a stream's last event.
    end: Option<String>,
}

impl Outcome {
    fn code(&self) -> &str {
        self.last["code"].as_str().unwrap_or_default()
    }

    fn finish(&self) -> &str {
        self.last["finish_reason"].as_str().unwrap_or_default()
    }

    /// Returns the prompt tokens, the completion tokens and the usage source in the log.
    fn usage(&self) -> (u64, u64, &str) {
        let figure = |name: &str| self.line[name].as_u64().expect("a figure");
        let source = self.line["usage_source"].as_str().expect("a source");
        (figure("prompt_tokens"), figure("completion_tokens"), source)
    }
}

impl Dialect {
    async fn open(settings: &[(&str, &str)]) -> Self {
        let model = ScriptedModel::start().await;
        let mut setup = TestSetup::new().with("OPENAI_BASE_URL", &model.base_url()).with("OPENAI_API_KEY", "sk-local");
        for (name, value) in [("MODEL_RETRIES", "0"), ("BREAKER_FAILURE_RATE", "0")].iter().chain(settings) {
            setup = setup.with(name, value);
        }
        let service = setup.start().await;
        Self { model, setup, service }
    }

    /// Runs a turn with a whole answer, for which the model sends these responses.
    async fn whole(&self, answers: &[ScriptedResponse]) -> Outcome {
        self.ask(answers, json!({"message": "hello"})).await
    }

    /// Runs a streamed turn, for which the model sends these responses.
    async fn stream(&self, answers: &[ScriptedResponse]) -> Outcome {
        self.ask(answers, json!({"message": "hello", "stream": true})).await
    }

    async fn ask(&self, answers: &[ScriptedResponse], request: Value) -> Outcome {
        self.model.set_responses(answers);
        let events = self.service.client.open_stream(self.service.client.json_request("/api/chat", &request)).await;
        let status = events.status.as_u16();
        let is_stream = events.headers["content-type"].as_bytes().starts_with(b"text/event-stream");
        let (text, last, end) = if is_stream {
            let (text, end) = events.text_and_end().await;
            (text, end.data, Some(end.name))
        } else {
            let body = events.into_response().await.json();
            (body["message"].as_str().unwrap_or_default().to_owned(), body, None)
        };
        let lines = self.setup.log_lines("chat");
        let line = lines.into_iter().find(|line| line["request_id"] == last["request_id"]).expect("the turn's line");
        Outcome { status, text, last, line, end }
    }

    /// Returns the number of requests to the model in the last turn.
    fn calls(&self) -> usize {
        self.model.requests().len()
    }
}

/// Returns a model response with a whole answer.
fn answer(text: &str) -> ScriptedResponse {
    let choice = json!({"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"});
    let usage = json!({"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10});
    ScriptedResponse::whole(json!({"id": "c", "model": "m-1", "choices": [choice], "usage": usage}).to_string())
}

/// Returns an event of the model's stream.
fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

/// Returns the event of a piece of text with a finish reason.
fn piece(text: &str, finish_reason: impl Into<Value>) -> String {
    let finish_reason = finish_reason.into();
    let choice = json!({"index": 0, "delta": {"content": text}, "finish_reason": finish_reason});
    event(&json!({"id": "c", "object": "chat.completion.chunk", "model": "m-1", "choices": [choice]}))
}

const DONE: &str = "data: [DONE]\n\n";

/// Returns the events of a stream of "Hello world".
fn hello_world() -> [String; 4] {
    [piece("Hello", Value::Null), piece(" world", Value::Null), piece("", "stop"), DONE.to_owned()]
}
