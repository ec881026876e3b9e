//! `GET /api/openai/test`, which runs an ordinary turn.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    fakes::{
        model::{Behaviour, FakeModel, Gate, Reply},
        papita::FakePapita,
    },
    support::{
        client::{Client, HttpResponse},
        service::{TestSetup, start_with, wait_until},
    },
};

const TEST: &str = "/api/openai/test";

fn start_test(tests: &mut JoinSet<HttpResponse>, client: &Client) {
    let client = client.clone();
    tests.spawn(async move { client.get(TEST).await });
}

async fn wait_for_running_turn(client: &Client) {
    let is_running = async || {
        let metrics = client.get("/metrics").await.text;
        metrics.contains("al_chat_turns_running 1\n").then_some(())
    };
    wait_until("a running turn", is_running).await;
}

#[tokio::test]
async fn a_model_test_is_logged_counted_and_recorded_once() {
    let (model, papita) = (FakeModel::start().await, FakePapita::start().await);
    let setup = TestSetup::for_papita(&model, &papita).with("OPENAI_API_KEY", "sk-local");
    let service = setup.start().await;
    model.behave_once(Behaviour::Answer(Reply { text: "OK".to_owned(), ..Reply::default() }));
    let answer = service.client.get(TEST).await;
    assert_eq!(answer.assert_ok()["status"], "success");
    let lines = setup.log_lines("chat");
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!(line["request_id"], answer.header("x-request-id"));
    assert_eq!(
        (&line["username"], &line["is_guest"], &line["session_id"]),
        (&json!("guest"), &json!(true), &Value::Null)
    );
    assert_eq!(
        (&line["total_tokens"], &line["status"], &line["finish"]),
        (&json!(18), &json!(200), &json!("complete"))
    );
    let totals = service.client.get("/api/openai/usage").await.assert_ok();
    assert_eq!((&totals["request_count"], &totals["total_tokens"]), (&json!(1), &json!(18)));
    papita.wait_for_usage(1).await;
    let record = papita.usage().remove(0);
    assert_eq!(
        (&record["username"], &record["sessionId"], &record["totalTokens"]),
        (&json!("guest"), &Value::Null, &json!(18))
    );
    let metrics = service.client.get("/metrics").await.text;
    assert!(metrics.contains("al_chat_turns_total{model=\"gpt-4o-mini\",finish=\"complete\"} 1\n"), "{metrics}");
    service.stop().await;
    let service = setup.start().await;
    let totals = service.client.get("/api/openai/usage").await.assert_ok();
    assert_eq!((&totals["request_count"], &papita.usage().len()), (&json!(1), &1));
}

#[tokio::test]
async fn a_failed_model_test_is_logged_and_not_counted() {
    let (model, setup, service) = start_with(&[("MODEL_RETRIES", "0")]).await;
    model.behave_once(Behaviour::CloseImmediately);
    let result = service.client.get(TEST).await.assert_ok();
    assert_eq!(result["status"], "error");
    let line = setup.log_lines("chat").remove(0);
    assert_eq!((&line["status"], &line["code"]), (&json!(502), &json!("model_connection_lost")));
    assert_eq!(service.client.get("/api/openai/usage").await.assert_ok()["request_count"], 0);
    // The next test runs a new turn.
    assert_eq!(service.client.get(TEST).await.assert_ok()["status"], "success");
    assert_eq!(model.call_count(), 2);
}

#[tokio::test]
async fn concurrent_model_tests_share_one_turn() {
    let (model, setup, service) = start_with(&[]).await;
    let gate = Gate::new();
    model.set_behaviour(Behaviour::Held(gate.clone()));
    let mut tests = JoinSet::new();
    for _ in 0..8 {
        start_test(&mut tests, &service.client);
    }
    model.wait_for_calls(1).await;
    // A client that disconnects does not affect the others.
    let hurried = service.client.request(reqwest::Method::GET, TEST).timeout(Duration::from_millis(50));
    service.client.try_send(hurried).await.expect_err("the model is held");
    gate.open();
    for answer in tests.join_all().await {
        assert_eq!(answer.assert_ok()["status"], "success");
    }
    assert_eq!((model.call_count(), setup.log_lines("chat").len()), (1, 1));
}

#[tokio::test]
async fn a_model_test_ends_when_its_client_disconnects() {
    let (model, setup, service) = start_with(&[]).await;
    model.behave_once(Behaviour::Silent);
    let hurried = service.client.request(reqwest::Method::GET, TEST).timeout(Duration::from_millis(200));
    service.client.try_send(hurried).await.expect_err("the model is silent");
    let line = setup.wait_for_log_lines("chat", 1).await.remove(0);
    assert_eq!((&line["status"], &line["finish"]), (&json!(499), &json!("client_gone")));
    model.wait_for_disconnects(1).await;
    assert_eq!(service.client.get(TEST).await.assert_ok()["status"], "success");
}

#[tokio::test]
async fn a_model_test_needs_a_permit() {
    let (model, setup, service) = start_with(&[("MAX_TURNS", "1"), ("TURN_QUEUE", "0")]).await;
    let gate = Gate::new();
    model.set_behaviour(Behaviour::Held(gate.clone()));
    let mut tests = JoinSet::new();
    start_test(&mut tests, &service.client);
    wait_for_running_turn(&service.client).await;
    service.client.chat("hello").await.assert_error(503, "too_busy");
    gate.open();
    assert_eq!(tests.join_all().await[0].assert_ok()["status"], "success");

    let gate = Gate::new();
    model.set_behaviour(Behaviour::Held(gate.clone()));
    let client = service.client.clone();
    let mut turns = JoinSet::new();
    turns.spawn(async move { client.chat("hello").await });
    wait_for_running_turn(&service.client).await;
    let result = service.client.get(TEST).await.assert_ok();
    assert_eq!(result["status"], "error");
    assert!(result["message"].as_str().expect("a sentence").contains("Too many questions"), "{result}");
    gate.open();
    turns.join_all().await[0].assert_ok();
    assert_eq!((model.call_count(), setup.log_lines("chat").len()), (2, 2));
}
