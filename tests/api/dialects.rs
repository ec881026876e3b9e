//! Dialects of real model servers, and their effect on a turn. Each is played at the provider of the environment, and at a second
//! one of the configuration file.

mod bytes;
mod ends;
mod errors;
mod figures;
mod local;
mod parameters;
mod recorded;

use serde_json::{Value, json};

use crate::{
    config_file::with_file,
    fakes::scripted_model::{ScriptedModel, ScriptedResponse},
    support::service::{Service, TestSetup},
};

/// A scripted model server, and a service in front of it without retries and circuit breaker.
struct Dialect {
    model: ScriptedModel,
    setup: TestSetup,
    service: Service,
    second: SecondProvider,
}

/// The same with the model at a second provider.
struct SecondProvider {
    model: ScriptedModel,
    setup: TestSetup,
    service: Service,
}

/// The fields of a turn's log line that are the same at all providers.
const LOGGED: [&str; 9] = [
    "model",
    "response_model",
    "finish",
    "code",
    "prompt_tokens",
    "completion_tokens",
    "usage_source",
    "cost_usd",
    "attempts",
];

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

    /// Asserts that another provider leads to the same result.
    fn assert_same_at(&self, second: &Self) {
        let seen = |outcome: &Self| {
            let logged = LOGGED.map(|field| outcome.line[field].clone());
            (outcome.status, outcome.text.clone(), outcome.code().to_owned(), outcome.end.clone(), logged)
        };
        assert_eq!(seen(self), seen(second), "at the second provider");
        assert_eq!([&self.line["provider"], &second.line["provider"]], [&Value::Null, &json!("two")]);
    }
}

impl Dialect {
    async fn open(settings: &[(&str, &str)]) -> Self {
        let model = ScriptedModel::start().await;
        let with_all = |setup: TestSetup| {
            setup.with_all(&[("MODEL_RETRIES", "0"), ("BREAKER_FAILURE_RATE", "0")]).with_all(settings)
        };
        let setup = TestSetup::new().with("OPENAI_BASE_URL", &model.base_url()).with("OPENAI_API_KEY", "sk-local");
        let setup = with_all(setup);
        let service = setup.start().await;
        Self { model, setup, service, second: SecondProvider::open(with_all).await }
    }

    /// Runs a turn with a whole answer, for which the model sends these responses.
    async fn whole(&self, answers: &[ScriptedResponse]) -> Outcome {
        self.ask(answers, json!({"message": "hello"})).await
    }

    /// Runs a streamed turn, for which the model sends these responses.
    async fn stream(&self, answers: &[ScriptedResponse]) -> Outcome {
        self.ask(answers, json!({"message": "hello", "stream": true})).await
    }

    /// Runs a turn, and the same at the second provider, and returns the result of the first.
    async fn ask(&self, answers: &[ScriptedResponse], request: Value) -> Outcome {
        self.model.set_responses(answers);
        let outcome = outcome(&self.service, &self.setup, &request).await;
        let SecondProvider { model, setup, service } = &self.second;
        model.set_responses(answers);
        outcome.assert_same_at(&self::outcome(service, setup, &request).await);
        assert_eq!(self.model.requests(), model.requests(), "the requests to both providers");
        outcome
    }

    /// Returns the number of requests to the model in the last turn.
    fn calls(&self) -> usize {
        self.model.requests().len()
    }
}

impl SecondProvider {
    /// Starts a service whose provider of the environment is not there, and whose model is at another one.
    async fn open(with_all: impl Fn(TestSetup) -> TestSetup) -> Self {
        let model = ScriptedModel::start().await;
        let text = format!(
            "[[providers]]\nname = \"two\"\nbase_url = \"{}\"\nkey = {{ env = \"KEY_TWO\" }}\n\n[[models]]\nname = \"gpt-4o-mini\"\n\
             provider = \"two\"\n",
            model.base_url()
        );
        let setup = with_file(TestSetup::new(), &text).with("OPENAI_BASE_URL", "http://127.0.0.1:9/v1");
        let setup = with_all(setup.with("KEY_TWO", "sk-two"));
        let service = setup.start().await;
        Self { model, setup, service }
    }
}

/// Runs a turn, and returns its result.
async fn outcome(service: &Service, setup: &TestSetup, request: &Value) -> Outcome {
    let events = service.client.open_stream(service.client.json_request("/api/chat", request)).await;
    let status = events.status.as_u16();
    let is_stream = events.headers["content-type"].as_bytes().starts_with(b"text/event-stream");
    let (text, last, end) = if is_stream {
        let (text, end) = events.text_and_end().await;
        (text, end.data, Some(end.name))
    } else {
        let body = events.into_response().await.json();
        (body["message"].as_str().unwrap_or_default().to_owned(), body, None)
    };
    let lines = setup.log_lines("chat");
    let line = lines.into_iter().find(|line| line["request_id"] == last["request_id"]).expect("the turn's line");
    Outcome { status, text, last, line, end }
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
