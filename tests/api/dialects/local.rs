//! Local model servers: one slot, slow loads, long answers.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Dialect, answer, hello_world};
use crate::{
    fakes::{
        model::{Behaviour, Gate},
        scripted_model::ScriptedResponse,
    },
    support::{
        service::{start_with, wait_until},
        user::User,
    },
};

#[tokio::test]
async fn a_whole_answer_has_the_full_turn_timeout() {
    let settings = [("MODEL_FIRST_BYTE_TIMEOUT", "50ms"), ("MODEL_IDLE_TIMEOUT", "50ms"), ("MODEL_RETRIES", "0")];
    let (model, _setup, service) = start_with(&settings).await;
    let later = Duration::from_millis(300);
    model.behave_once(Behaviour::Delayed(later, Box::new(Behaviour::Echo)));
    assert_eq!(service.client.chat("hello").await.assert_ok()["message"], "hello");
}

#[tokio::test]
async fn a_whole_answer_can_be_requested_as_a_stream() {
    let dialect = Dialect::open(&[("MODEL_STREAM", "always")]).await;
    let whole = dialect.whole(&[ScriptedResponse::stream(hello_world())]).await;
    assert_eq!((whole.status, whole.text.as_str(), whole.finish()), (200, "Hello world", "complete"));
    assert_eq!(dialect.model.requests()[0]["stream"], true);
    assert_eq!(whole.line["stream"], false, "a stream in place of a whole answer");
    assert_eq!(dialect.whole(&[answer("hi")]).await.text, "hi", "a server without an answer");
}

/// Disconnects from a turn with a whole answer when the model has sent this many pieces. Returns its log line.
async fn abandon_whole_turn(stream: &str, behaviour: Behaviour, pieces: usize) -> Value {
    let (model, setup, service) = start_with(&[("MODEL_STREAM", stream)]).await;
    model.behave_once(behaviour);
    let far_enough = wait_until("the model's pieces", async || {
        let sent = model.sent();
        sent.first().is_some_and(|sent| sent.pieces >= pieces).then_some(())
    });
    tokio::select! {
        answer = service.client.chat("hello") => panic!("the turn cannot end: {}", answer.text),
        () = far_enough => {}
    }
    model.wait_for_disconnects(1).await;
    setup.wait_for_log_lines("chat", 1).await.pop().expect("a line")
}

#[tokio::test]
async fn the_tokens_of_an_abandoned_whole_answer_are_counted() {
    let line = abandon_whole_turn("auto", Behaviour::Silent, 0).await;
    assert_eq!((&line["finish"], &line["usage_source"]), (&json!("client_gone"), &json!("estimated")), "{line}");
    assert_eq!((&line["prompt_tokens"], &line["completion_tokens"]), (&json!(8), &json!(0)), "{line}");
    // More pieces than the buffers on the way can hold, so that some were read.
    let line = abandon_whole_turn("always", Behaviour::Endless("word ".to_owned()), 50_000).await;
    assert_eq!((&line["finish"], &line["prompt_tokens"]), (&json!("client_gone"), &json!(8)), "{line}");
    assert!(line["completion_tokens"].as_u64().expect("a figure") > 0, "{line}");
}

#[tokio::test]
async fn a_context_size_in_an_error_is_remembered() {
    let dialect = Dialect::open(&[("MODEL_WINDOWS", "gpt-4o-mini=100000")]).await;
    let too_long = json!({"error": {"type": "exceed_context_size_error", "message": "too long", "n_ctx": 600}});
    let refusal = ScriptedResponse::error(400, &too_long.to_string());
    let ada = User::register(&dialect.service.client, "ada").await;
    let chat = ada.create_chat().await;
    dialect.model.set_responses(&[answer(&"word ".repeat(300))]);
    ada.ask(chat, "first").await;
    ada.ask(chat, "second").await;
    assert_eq!(dialect.model.requests()[1]["messages"].as_array().unwrap().len(), 3);
    dialect.model.set_responses(&[refusal, answer("hi")]);
    ada.ask(chat, "third").await;
    let last_request = dialect.model.requests().pop().expect("a request");
    dialect.model.set_responses(&[answer("hi")]);
    ada.ask(chat, "fourth").await;
    let requests = dialect.model.requests();
    assert_eq!(requests.len(), 1, "a conversation is fitted to what was learned: {last_request}");
    assert!(requests[0].to_string().len() < 4000, "{}", requests[0]);
}

#[tokio::test]
async fn a_model_load_continues_after_its_client_disconnects() {
    let settings = [("MODEL_FIRST_BYTE_TIMEOUT", "5m"), ("TURN_TIMEOUT", "5m"), ("RESUME_GRACE", "0")];
    let (model, setup, service) = start_with(&settings).await;
    let gate = Gate::new();
    model.behave_once(Behaviour::Held(gate.clone()));
    let leaving = service.client.json_request("/api/chat", &json!({"message": "hello", "stream": true}));
    let events = service.client.open_stream(leaving).await;
    model.wait_for_calls(1).await;
    drop(events);
    let other = service.client.json_request("/api/chat", &json!({"message": "other", "stream": true}));
    model.behave_once(Behaviour::Echo);
    let (text, _) = service.client.open_stream(other).await.text_and_end().await;
    assert_eq!((text.as_str(), model.disconnects()), ("other", 0), "the model load was interrupted");
    gate.open();
    let lines = setup.wait_for_log_lines("chat", 2).await;
    assert!(lines.iter().any(|line| line["finish"] == "client_gone" && line["prompt_tokens"] == 8), "{lines:?}");
    // A model that has answered recently is loaded, so that the call ends immediately.
    model.behave_once(Behaviour::Silent);
    let events = service.client.stream_chat("hello").await;
    model.wait_for_calls(3).await;
    drop(events);
    setup.wait_for_log_lines("chat", 3).await;
    model.wait_for_disconnects(1).await;
}
