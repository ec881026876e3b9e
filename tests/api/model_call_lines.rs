//! What the line of a turn says about its calls to models and about their key.

use std::time::Instant;

use serde_json::{Value, json};

use crate::{
    breaker::{last_line, refusal},
    fakes::{
        model::{Behaviour, FakeModel},
        papita::FakePapita,
    },
    interrupted_streams::wait_for_records,
    support::service::{TestSetup, start_with},
};

/// Returns model and code of each call.
fn outcomes(line: &Value) -> Vec<(&str, Option<&str>)> {
    let calls = line["calls"].as_array().unwrap_or_else(|| panic!("{line} has no calls"));
    calls.iter().map(|call| (call["model"].as_str().unwrap(), call["code"].as_str())).collect()
}

fn number(line: &Value, field: &str) -> f64 {
    line[field].as_f64().unwrap_or_else(|| panic!("{field} of {line}"))
}

/// Asserts that waits and calls follow each other within the turn's time, and that there are as many as attempts.
#[track_caller]
fn assert_consistent(line: &Value) {
    let calls = line["calls"].as_array().unwrap();
    assert_eq!(line["attempts"], calls.len(), "{line}");
    let all = calls.iter().map(|call| number(call, "waited_ms") + number(call, "ms")).sum::<f64>();
    // Each is cut to whole microseconds.
    assert!(all <= number(line, "latency_ms") + 0.01, "{line}");
}

#[tokio::test]
async fn a_turn_with_one_answered_call_has_no_calls() {
    let (_model, setup, service) = start_with(&[]).await;
    service.client.chat("hello").await.assert_ok();
    let (_, end) = service.client.stream_chat("hello").await.text_and_end().await;
    assert_eq!(end.name, "done");
    for line in setup.log_lines("chat") {
        let line = line.as_object().unwrap();
        assert_eq!(line["attempts"], 1);
        let absent = ["calls", "key_lookup", "key_age_seconds"].map(|field| line.contains_key(field));
        assert_eq!(absent, [false; 3], "{line:?}");
    }
}

#[tokio::test]
async fn calls_have_their_model_outcome_and_times() {
    let (model, setup, service) = start_with(&[("MODEL_RETRIES", "1"), ("FALLBACK_MODELS", "spare")]).await;
    for status in [503, 429, 500] {
        model.behave_once(refusal(status));
    }
    service.client.chat("hello").await.assert_ok();
    let line = last_line(&setup);
    let codes = [("gpt-4o-mini", true), ("gpt-4o-mini", true), ("spare", true), ("spare", false)];
    let found = outcomes(&line).into_iter().map(|(model, code)| (model, code.is_some())).collect::<Vec<_>>();
    assert_eq!(found, codes, "{line}");
    assert_consistent(&line);
    // A retry waits at least 100 ms, and the call itself has none of it.
    for retry in [1, 3] {
        assert!(number(&line["calls"][retry], "waited_ms") >= 100.0, "{line}");
    }
    let waits = line["calls"].as_array().unwrap().iter().map(|call| number(call, "waited_ms")).sum::<f64>();
    assert!(number(&line, "latency_ms") >= waits, "{line}");
}

#[tokio::test]
async fn a_stand_in_is_not_charged_with_the_wait_before_it() {
    let settings = [("FALLBACK_MODELS", "spare"), ("TURN_TIMEOUT", "2s"), ("MODEL_RETRIES", "0")];
    let (model, setup, service) = start_with(&settings).await;
    model.behave_once(Behaviour::Silent);
    service.client.stream_chat("hello").await.text_and_end().await;
    let line = last_line(&setup);
    let calls = line["calls"].as_array().unwrap();
    assert_eq!((outcomes(&line)[0].0, outcomes(&line)[1]), ("gpt-4o-mini", ("spare", None)), "{line}");
    assert!(calls[0]["code"].is_string() && number(&calls[0], "ms") >= 900.0, "{line}");
    // The second call took what is left of the time to the first word.
    assert!(number(&calls[1], "ms") + number(&calls[0], "ms") <= number(&line, "latency_ms"), "{line}");
    assert!(number(&line, "first_word_ms") >= number(&calls[0], "ms"), "{line}");
    assert_consistent(&line);
}

#[tokio::test]
async fn a_call_that_the_turn_cuts_off_has_its_time() {
    let settings = [("TURN_TIMEOUT", "300ms"), ("MODEL_RETRIES", "1")];
    let (model, setup, service) = start_with(&settings).await;
    model.behave_once(Behaviour::Silent);
    let answer = service.client.chat("hello").await;
    let code = answer.json()["code"].clone();
    assert!(answer.status.as_u16() >= 500, "{}", answer.text);
    let line = last_line(&setup);
    assert_eq!(outcomes(&line), [("gpt-4o-mini", code.as_str())], "{line}");
    assert!(number(&line["calls"][0], "ms") >= 250.0, "{line}");
    assert_consistent(&line);

    service.stop().await;
}

#[tokio::test]
async fn a_stopped_call_after_a_retry_has_no_code() {
    let (model, setup, service) = start_with(&[]).await;
    model.behave_once(refusal(503));
    model.behave_once(Behaviour::Silent);
    let events = service.client.stream_chat("hello").await;
    model.wait_for_calls(2).await;
    let id = events.request_id();
    service.client.post(&format!("/api/chat/{id}/stop"), &json!({})).await;
    events.text_and_end().await;
    let line = last_line(&setup);
    assert_eq!((outcomes(&line).len(), outcomes(&line)[1].1), (2, None), "{line}");
    assert_eq!(line["finish"], "stopped");
    assert_consistent(&line);
}

#[tokio::test]
async fn an_interrupted_stream_has_its_calls() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).with("MODEL_RETRIES", "1");
    let mut process = setup.start_process().await;
    model.behave_once(refusal(503));
    model.behave_once(Behaviour::Silent);
    let events = process.client.stream_chat("hello").await;
    wait_for_records(&setup, 1, "attempts", 2).await;
    process.kill().await;
    drop(events);
    let _process = setup.start_process().await;
    let line = last_line(&setup);
    assert_eq!((&line["finish"], &line["attempts"]), (&json!("interrupted"), &json!(2)), "{line}");
    assert_eq!(outcomes(&line)[1], ("gpt-4o-mini", Some("turn_interrupted")), "{line}");
    assert!(outcomes(&line)[0].1.is_some(), "{line}");
    assert_consistent(&line);
}

#[tokio::test]
async fn lookups_of_papitas_key_are_in_the_line() {
    let (model, papita) = (FakeModel::start().await, FakePapita::start().await);
    papita.serve_key("sk-brokered");
    // The start fetches the key for the first turn.
    let setup = TestSetup::for_papita(&model, &papita).with("OPENAI_API_KEY", "sk-local");
    let (service, started) = (setup.start().await, Instant::now());
    service.client.chat("hello").await.assert_ok();
    let line = last_line(&setup);
    assert_eq!((&line["credential_source"], &line["key_lookup"]), (&json!("papita_api"), &json!("hit")), "{line}");
    let age = number(&line, "key_age_seconds");
    assert!(age <= started.elapsed().as_secs_f64() + 10.0, "{line}");
    service.client.chat("hello").await.assert_ok();
    assert!(number(&last_line(&setup), "key_age_seconds") >= age);

    // A refused key: the second call has a key that this turn has fetched.
    model.accept_only(&["sk-new"]);
    papita.serve_key("sk-new");
    service.client.chat("hello").await.assert_ok();
    let line = last_line(&setup);
    assert_eq!((&line["key_lookup"], &line["attempts"]), (&json!("fetched"), &json!(2)), "{line}");
    assert_eq!(outcomes(&line), [("gpt-4o-mini", Some("invalid_api_key")), ("gpt-4o-mini", None)], "{line}");
    assert!(number(&line, "key_age_seconds") < 10.0, "{line}");
    service.stop().await;
}

#[tokio::test]
async fn turns_that_wait_for_papita_have_fetched_or_failed() {
    let (model, papita) = (FakeModel::start().await, FakePapita::start().await);
    papita.serve_key("sk-brokered");
    let setup = TestSetup::for_papita(&model, &papita).with_all(&[
        ("CREDENTIAL_FRESH", "0.01ms"),
        ("CREDENTIAL_RETRY", "0.01ms"),
        ("OPENAI_API_KEY", "sk-local"),
    ]);
    let service = setup.start().await;
    service.client.chat("hello").await.assert_ok();
    let line = last_line(&setup);
    assert_eq!((&line["credential_source"], &line["key_lookup"]), (&json!("papita_api"), &json!("fetched")), "{line}");
    papita.serve_body(500, "{}".to_owned());
    service.client.chat("hello").await.assert_ok();
    let line = last_line(&setup);
    // The stale key.
    assert_eq!((&line["credential_source"], &line["key_lookup"]), (&json!("papita_api"), &json!("failed")), "{line}");
    assert!(number(&line, "key_age_seconds") >= 0.0, "{line}");
    // Papita is known to fail, so the turn does not wait for it.
    service.client.chat("hello").await.assert_ok();
    assert_eq!(last_line(&setup)["key_lookup"], "hit");
    service.stop().await;

    let setup = TestSetup::for_papita(&model, &papita).with("OPENAI_API_KEY", "sk-local");
    papita.hang();
    let service = setup.start().await;
    service.client.chat("hello").await.assert_ok();
    let line = last_line(&setup);
    assert_eq!((&line["credential_source"], &line["key_lookup"]), (&json!("local_env"), &json!("failed")), "{line}");
    assert!(line.get("key_age_seconds").is_none(), "{line}");
    assert!(number(&line, "latency_ms") >= 100.0, "the wait for Papita is in the turn's latency: {line}");
}
