//! Reservations of limits: how much is reserved for a running turn, and at what it is settled.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::{
    fakes::model::Behaviour,
    idempotency::{ask_stream, keyed},
    limits::left,
    support::{
        client::Client,
        service::{start_with, wait_until},
    },
};

/// The tokens of the question `hello` as they are reserved, without the answer.
const HELLO_TOKENS: u64 = 5;

/// Asks, and disconnects when the time is over.
async fn ask_and_leave(client: &Client, body: &serde_json::Value) {
    let hurried = client.json_request("/api/chat", body).timeout(Duration::from_millis(300));
    client.try_send(hurried).await.expect_err("the model is silent");
}

async fn wait_until_left(client: &Client, expected: u64) {
    let what = format!("{expected} to be left");
    wait_until(&what, async || (left(client).await == expected).then_some(())).await;
}

#[tokio::test]
async fn a_whole_answer_that_is_cut_off_counts_as_reserved() {
    let limits = [("LIMIT_VISITOR", "100000tokens/day"), ("MAX_ANSWER_TOKENS", "1000"), ("MODEL_RETRIES", "0")];
    let rest = 100_000 - HELLO_TOKENS - 1000;

    // The client leaves.
    let (model, setup, service) = start_with(&limits).await;
    model.set_behaviour(Behaviour::Silent);
    ask_and_leave(&service.client, &json!({ "message": "hello" })).await;
    wait_until_left(&service.client, rest).await;
    let line = setup.wait_for_log_lines("chat", 1).await.remove(0);
    assert_eq!((&line["completion_tokens"], &line["usage_source"]), (&json!(0), &json!("estimated")));
    assert!(line["prompt_tokens"].as_u64().unwrap() < 20, "{line}");

    // It is stopped, by another request for the same turn.
    model.set_behaviour(Behaviour::Silent);
    let (client, body) = (&service.client, json!({ "message": "hello" }));
    let (whole, ()) = tokio::join!(client.send(keyed(client, "key", &body)), async {
        model.wait_for_calls(2).await;
        let id = ask_stream(client, "key").await.request_id();
        client.send(client.request(Method::POST, &format!("/api/chat/{id}/stop"))).await.assert_ok();
    });
    whole.assert_ok();
    wait_until_left(client, rest - HELLO_TOKENS - 1000).await;

    // Its time is over.
    let (model, _setup, service) = start_with(&[&limits[..], &[("TURN_TIMEOUT", "300ms")]].concat()).await;
    model.set_behaviour(Behaviour::Silent);
    service.client.chat("hello").await.assert_error(504, "model_timeout");
    assert_eq!(left(&service.client).await, rest);
}
