//! Turns that end, or lose time, while the context hook is asked.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    context::{found, start, start_with, two_pages},
    fakes::{
        hook::{FakeHook, HookBehaviour},
        model::Behaviour,
    },
    idempotency::keyed,
    support::{diagnostics::Diagnostics, user::User},
};

#[tokio::test]
async fn a_client_that_leaves_while_the_hook_is_asked_asks_no_model() {
    let settings = [("RESUME_GRACE", "0"), ("SESSION_LOG_CONTENT", "plain"), ("LIMIT_VISITOR", "2/minute")];
    let (hook, model, setup, service) = start(&settings).await;
    hook.behave(HookBehaviour::Silent);
    let client = &service.client;
    let request = client.json_request("/api/chat", &json!({ "message": "hello" }));
    tokio::select! {
        answer = client.send(request) => panic!("{answer:?}"),
        () = hook.wait_for_requests(1) => {}
    }
    hook.wait_for_disconnects(1).await;
    hook.behave(HookBehaviour::answer(two_pages));
    let line = setup.wait_for_log_lines("chat", 1).await.remove(0);
    assert_eq!((found(&line), &line["code"]), (json!(["failed", 0, 0]), &json!("client_gone")), "{line}");
    client.chat("another").await.assert_ok();
    client.chat("a third one").await.assert_error(429, "limit_reached");
    assert_eq!(model.call_count(), 1);
    let metrics = client.get("/metrics").await.text;
    for counted in ["calls_total{outcome=\"failed\"} 1\n", "calls_total{outcome=\"used\"} 1\n", "seconds_count 2\n"] {
        assert!(metrics.contains(&format!("al_chat_context_{counted}")), "{counted} in {metrics}");
    }
}

#[tokio::test]
async fn a_turn_that_is_stopped_while_the_hook_is_asked_asks_no_model() {
    let (hook, model, setup, service) = start(&[]).await;
    hook.behave(HookBehaviour::Silent);
    let client = &service.client;
    // A whole answer with a key can be stopped.
    let request = keyed(client, "key", &json!({ "message": "hello" }));
    let (answer, ()) = tokio::join!(client.send(request), async {
        hook.wait_for_requests(1).await;
        let id = running_turn(&hook);
        client.send(client.request(Method::POST, &format!("/api/chat/{id}/stop"))).await.assert_ok();
    });
    let answer = answer.assert_ok();
    assert_eq!((&answer["finish_reason"], &answer["message"]), (&json!("stopped"), &json!("")));
    let line = setup.wait_for_log_lines("chat", 1).await.remove(0);
    assert_eq!((&line["finish"], &line["total_tokens"]), (&json!("stopped"), &json!(0)), "{line}");
    assert_eq!(model.call_count(), 0);
}

/// Returns the id of the turn that the hook was asked for last.
fn running_turn(hook: &FakeHook) -> String {
    hook.requests().last().expect("a request")["request_id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn a_drained_turn_waits_for_the_hook() {
    let (hook, model, setup, service) =
        start(&[("RESUME_GRACE", "0"), ("ON_DISCONNECT", "drain"), ("CONTEXT_TIMEOUT", "300ms")]).await;
    hook.behave(HookBehaviour::Silent);
    let request = service.client.json_request("/api/chat", &json!({ "message": "hello" }));
    tokio::select! {
        answer = service.client.send(request) => panic!("{answer:?}"),
        () = hook.wait_for_requests(1) => {}
    }
    let line = setup.wait_for_log_lines("chat", 1).await.remove(0);
    assert_eq!((found(&line), &line["code"]), (json!(["failed", 0, 0]), &json!("client_gone")), "{line}");
    assert_eq!(model.call_count(), 1);
}

#[tokio::test]
async fn the_time_of_the_hook_is_a_part_of_the_turns_time() {
    let settings = [("CONTEXT_TIMEOUT", "300ms"), ("TURN_TIMEOUT", "400ms"), ("MODEL_RETRIES", "0")];
    let (hook, model, setup, service) = start(&settings).await;
    hook.behave(HookBehaviour::Silent);
    model.set_behaviour(Behaviour::Silent);
    service.client.chat("hello").await.assert_error(504, "model_timeout");
    let line = setup.wait_for_log_lines("chat", 1).await.remove(0);
    let [latency, waited] = ["latency_ms", "context_ms"].map(|field| line[field].as_f64().expect("a time"));
    assert!(waited >= 299.0 && latency < waited + 390.0, "{line}");
}

#[tokio::test]
async fn a_stop_while_the_hook_is_asked_ends_a_turn_of_a_chat() {
    let (hook, model, setup, service) = start(&[]).await;
    let ada = User::register(&service.client, "ada").await;
    let chat = ada.create_chat().await;
    hook.behave(HookBehaviour::Silent);
    let (answer, ()) = tokio::join!(ada.send_once(chat, "Which tea?", "key"), async {
        hook.wait_for_requests(1).await;
        ada.post(&format!("/api/chat/{}/stop", running_turn(&hook)), &json!({})).await.assert_ok();
    });
    answer.assert_ok();
    let line = setup.wait_for_log_lines("chat", 1).await.remove(0);
    assert_eq!((&line["finish"], &line["code"]), (&json!("stopped"), &Value::Null), "{line}");
    assert_eq!(model.call_count(), 0);
    let stored = ada.messages(chat).await.iter().map(|message| message["text"].clone()).collect::<Vec<_>>();
    assert_eq!(stored, ["Which tea?", ""]);
    hook.behave(HookBehaviour::answer(two_pages));
    ada.ask(chat, "And now?").await;
}

#[tokio::test]
async fn a_drained_turn_of_a_chat_waits_for_the_hook() {
    let (hook, model, _setup, service) =
        start(&[("RESUME_GRACE", "0"), ("ON_DISCONNECT", "drain"), ("CONTEXT_TIMEOUT", "300ms")]).await;
    let ada = User::register(&service.client, "ada").await;
    let chat = ada.create_chat().await;
    hook.behave(HookBehaviour::Silent);
    tokio::select! {
        answer = ada.send(chat, "Which tea?") => panic!("{answer:?}"),
        () = hook.wait_for_requests(1) => {}
    }
    ada.wait_for_transcript(chat, &["Which tea?", "> Hello from the fake model."]).await;
    assert_eq!(model.call_count(), 1);
}

#[tokio::test]
async fn no_model_is_asked_once_the_hooks_took_the_time() {
    let (guard, hook) = (FakeHook::start().await, FakeHook::start().await);
    for hook in [&guard, &hook] {
        hook.behave(HookBehaviour::Silent);
    }
    let times = [("GUARD_TIMEOUT", "200ms"), ("CONTEXT_TIMEOUT", "200ms"), ("TURN_TIMEOUT", "300ms")];
    let guard_url = guard.url();
    let settings = [&times[..], &[("GUARD_URL", guard_url.as_str()), ("GUARD_FAIL", "open")]].concat();
    let (model, setup, service) = start_with(&hook, &settings).await;
    service.client.chat("hello").await.assert_error(504, "model_timeout");
    let line = setup.wait_for_log_lines("chat", 1).await.remove(0);
    let outcomes = ["code", "attempts", "guard_question", "context", "total_tokens"].map(|field| line[field].clone());
    assert_eq!(json!(outcomes), json!(["model_timeout", 0, "failed", "failed", 0]), "{line}");
    assert_eq!((guard.requests().len(), hook.requests().len(), model.call_count()), (1, 1, 0));
}

#[tokio::test]
async fn turns_that_wait_for_other_calls_of_the_hook_go_on() {
    let settings = [("MAX_TURNS", "1"), ("CONTEXT_TIMEOUT", "100ms"), ("BREAKER_FAILURE_RATE", "0")];
    let (hook, model, setup, service) = start(&settings).await;
    hook.behave(HookBehaviour::Silent);
    let (client, diagnostics) = (&service.client, Diagnostics::collect());
    let (first, second, third) = tokio::join!(client.chat("one"), client.chat("two"), client.chat("three"));
    for answer in [first, second, third] {
        answer.assert_ok();
    }
    let lines = diagnostics.lines("the context hook gave no texts, and the turn goes on without");
    // Whether a call that has waited still gets its turn depends on fractions of a millisecond.
    let is_known = |line: &String| line.contains("it did not answer within") || line.contains("other calls of it took");
    assert!(lines.len() == 3 && lines.iter().all(is_known), "{lines:#?}");
    let logged = setup.wait_for_log_lines("chat", 3).await;
    assert!(logged.iter().all(|line| found(line) == json!(["failed", 0, 0])), "{logged:?}");
    assert_eq!(model.call_count(), 3);
}
