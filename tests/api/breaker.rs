//! What is done about a model that fails: it is asked again, left alone, and others stand in for it.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    fakes::model::{Behaviour, Ending, FakeModel, Gate, Pace, PieceGate, Reply, Script},
    support::{
        client::{Client, HttpResponse},
        service::{Service, TestSetup, start_with, wait_until},
    },
};

const MODEL: &str = "gpt-4o-mini";

fn refusal(status: u16) -> Behaviour {
    Behaviour::Respond { status, headers: vec![], body: "{}".to_owned() }
}

fn refusal_for(status: u16, retry_after: &str) -> Behaviour {
    Behaviour::Respond { status, headers: vec![("retry-after", retry_after.to_owned())], body: "{}".to_owned() }
}

fn refusal_with(status: u16, code: &str) -> Behaviour {
    let body = json!({ "error": { "message": "no", "code": code } }).to_string();
    Behaviour::Respond { status, headers: vec![], body }
}

/// The model of each call, in order.
fn asked(model: &FakeModel) -> Vec<String> {
    let name = |body: &Value| body["model"].as_str().expect("a model").to_owned();
    model.calls().iter().map(|call| name(&call.body)).collect()
}

fn last_line(setup: &TestSetup) -> Value {
    setup.log_lines("chat").pop().expect("a chat line")
}

/// A stream, whether it began or not: what was refused, or the data of its last event.
async fn stream_end(client: &Client) -> (String, Value) {
    let events = client.stream_chat("hello").await;
    if events.status == 200 {
        let (_, end) = events.text_and_end().await;
        (end.name, end.data)
    } else {
        ("refused".to_owned(), events.into_response().await.json())
    }
}

#[tokio::test]
async fn what_may_pass_is_asked_again_and_then_answered() {
    let passing = [Behaviour::Truncated, refusal(429), refusal(500), refusal(502), refusal(503), refusal(504)];
    let (model, setup, service) = start_with(&[]).await;
    for (turn, behaviour) in passing.into_iter().enumerate() {
        for stream in [false, true] {
            model.behave_once(behaviour.clone());
            if stream {
                assert_eq!(stream_end(&service.client).await.0, "done", "{turn}");
            } else {
                service.client.chat("hello").await.assert_ok();
            }
            let line = last_line(&setup);
            assert_eq!((&line["attempts"], &line["status"]), (&json!(2), &json!(200)), "{turn}");
            assert_eq!((&line["finish"], &line["total_tokens"]), (&json!("complete"), &json!(18)));
            let turns = 2 * turn + 1 + usize::from(stream);
            assert_eq!((model.call_count(), setup.log_lines("chat").len()), (2 * turns, turns));
        }
    }
}

#[tokio::test]
async fn a_model_that_is_away_for_a_moment_is_asked_again() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).with("MODEL_RETRIES", "10").with("LOG_LEVEL", "info,al_chat=debug");
    let mut process = setup.start_process().await;
    model.stop().await;
    // Nobody but the program itself can tell of a call that found nobody.
    let back = async {
        while let Some(line) = process.diagnostics.recv().await {
            if line.contains("asked again") {
                return model.restart().await;
            }
        }
        panic!("the program does not say that the model is asked again");
    };
    let (answer, ()) = tokio::join!(process.client.chat("hello"), back);
    answer.assert_ok();
    let line = last_line(&setup);
    assert!(line["attempts"].as_u64().unwrap() >= 2, "{line}");
    assert_eq!((model.call_count(), setup.log_lines("chat").len()), (1, 1));
}

#[tokio::test]
async fn what_will_not_pass_is_not_asked_again() {
    let (model, setup, service) = start_with(&[]).await;
    let rows = [
        (refusal(400), 400, "request_refused"),
        (refusal(401), 401, "invalid_api_key"),
        (refusal(403), 502, "model_forbidden"),
        (refusal(404), 502, "model_failed"),
        (refusal(413), 400, "prompt_too_long"),
        (refusal_with(404, "model_not_found"), 400, "model_not_found"),
        (refusal_with(429, "insufficient_quota"), 429, "quota_exhausted"),
        (Behaviour::Html("<html>".to_owned()), 502, "model_answer_unreadable"),
    ];
    for (number, (behaviour, status, code)) in rows.into_iter().enumerate() {
        model.behave_once(behaviour);
        service.client.chat("hello").await.assert_error(status, code);
        assert_eq!(model.call_count(), number + 1, "{code}");
        assert_eq!(last_line(&setup)["attempts"], 1, "{code}");
    }
}

#[tokio::test]
async fn a_stream_that_has_begun_to_tell_is_not_begun_again() {
    let (model, setup, service) = start_with(&[("FALLBACK_MODELS", "spare")]).await;
    let server_error = json!({ "message": "boom", "type": "server_error" });
    for (turn, ending) in [Ending::CutOff, Ending::EndOfBody, Ending::Error(server_error)].into_iter().enumerate() {
        model.behave_once(Behaviour::Stream(Script { ending, ..Script::default() }));
        let (text, end) = service.client.stream_chat("hello").await.text_and_end().await;
        assert_eq!((text, end.name.as_str()), (Script::default().text(), "error"));
        assert_eq!((asked(&model).len(), last_line(&setup)["attempts"].clone()), (turn + 1, json!(1)));
    }
    assert_eq!(setup.log_lines("chat").len(), 3);
}

#[tokio::test]
async fn a_stream_that_broke_before_its_first_word_is_begun_again() {
    let (model, setup, service) = start_with(&[]).await;
    model.behave_once(Behaviour::Stream(Script { pieces: vec![], ending: Ending::CutOff, ..Script::default() }));
    let events = service.client.stream_chat("hello").await.remaining().await;
    let names = events.iter().map(|event| event.name.as_str()).collect::<Vec<_>>();
    assert_eq!((names.first(), names.last()), (Some(&"start"), Some(&"done")), "{names:?}");
    assert_eq!(names.iter().filter(|name| **name == "start").count(), 1, "{names:?}");
    assert_eq!((model.call_count(), last_line(&setup)["attempts"].clone()), (2, json!(2)));
}

#[tokio::test]
async fn a_model_is_asked_again_no_more_often_than_set() {
    for (retries, calls) in [("0", 1), ("1", 2), ("2", 3)] {
        let (model, setup, service) = start_with(&[("MODEL_RETRIES", retries)]).await;
        model.set_behaviour(refusal(500));
        service.client.chat("hello").await.assert_error(502, "model_failed");
        assert_eq!((model.call_count(), last_line(&setup)["attempts"].clone()), (calls, json!(calls)));
        assert_eq!(setup.log_lines("chat").len(), 1);
        let (name, error) = stream_end(&service.client).await;
        assert!(matches!(name.as_str(), "refused" | "error"), "{name}");
        assert_eq!((&error["code"], model.call_count()), (&json!("model_failed"), 2 * calls));
    }
}

#[tokio::test]
async fn each_further_attempt_waits_longer() {
    let (model, _house, service) = start_with(&[("MODEL_RETRIES", "2")]).await;
    model.set_behaviour(refusal(500));
    let begun = Instant::now();
    service.client.chat("hello").await.assert_error(502, "model_failed");
    assert_eq!(model.call_count(), 3);
    // 100 and 200 ms, and some by chance.
    assert!(begun.elapsed() >= Duration::from_millis(300), "only {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_model_is_asked_again_as_late_as_it_wants() {
    let (model, setup, service) = start_with(&[]).await;
    model.behave_once(refusal_for(503, "1"));
    let begun = Instant::now();
    service.client.chat("hello").await.assert_ok();
    assert!(begun.elapsed() >= Duration::from_secs(1), "asked again after {:?}", begun.elapsed());
    assert_eq!((model.call_count(), last_line(&setup)["attempts"].clone()), (2, json!(2)));
}

#[tokio::test]
async fn a_model_that_wants_to_be_asked_later_than_the_turn_may_last_is_not_waited_for() {
    let (model, setup, service) = start_with(&[("TURN_TIMEOUT", "10s")]).await;
    for (behaviour, status, code) in
        [(refusal_for(429, "10"), 429, "rate_limited"), (refusal_for(503, "3600"), 503, "model_overloaded")]
    {
        let begun = Instant::now();
        let calls = model.call_count();
        model.behave_once(behaviour);
        let answer = service.client.chat("hello").await;
        answer.assert_error(status, code);
        assert_eq!(answer.header("retry-after"), if status == 429 { "10" } else { "3600" });
        assert!(begun.elapsed() < Duration::from_secs(5), "told after {:?}", begun.elapsed());
        assert_eq!((model.call_count(), last_line(&setup)["attempts"].clone()), (calls + 1, json!(1)));
    }
}

#[tokio::test]
async fn a_client_that_leaves_between_two_attempts_is_not_asked_for_any_more() {
    let (model, setup, service) = start_with(&[]).await;
    model.behave_once(refusal_for(503, "5"));
    tokio::select! {
        answer = service.client.chat("hello") => panic!("{answer:?} came before its time"),
        () = model.wait_for_calls(1) => {}
    }
    let line = setup.wait_for_log_lines("chat", 1).await.remove(0);
    assert_eq!((&line["finish"], &line["attempts"]), (&json!("client_gone"), &json!(1)));
    assert_eq!(model.call_count(), 1);
}

/// What `/metrics` says of this model: 0 asked, 1 tried, 2 left alone.
async fn breaker(client: &Client, model: &str) -> u32 {
    let text = client.get("/metrics").await.text;
    let name = format!("al_chat_model_breaker{{model=\"{model}\"}} ");
    let value = text.lines().find_map(|line| line.strip_prefix(&name)).expect("the breaker's state");
    value.parse().expect("a state")
}

/// Readiness must hold; returns what it says of the models.
async fn model_part(client: &Client) -> String {
    let ready = client.get("/api/health/ready").await.assert_ok();
    ready["parts"]["model"].as_str().expect("a text").to_owned()
}

/// One turn of a session of this number.
async fn chat_in(client: &Client, session: usize) -> HttpResponse {
    client.post("/api/chat", &json!({ "message": "hello", "session_id": format!("session-{session}") })).await
}

/// A model that is left alone after ten turns of different sessions failed: at first for an eighth of this pause, for
/// no other model can be asked. It has the behaviours of the test from then on.
async fn open_left_alone(pause: &str, settings: &[(&str, &str)]) -> (FakeModel, TestSetup, Service) {
    let mut all = vec![("MODEL_RETRIES", "0"), ("BREAKER_PAUSE", pause)];
    all.extend_from_slice(settings);
    let (model, setup, service) = start_with(&all).await;
    for _ in 0..10 {
        model.behave_once(refusal(500));
    }
    join_all((0..10).map(|session| chat_in(&service.client, session))).await;
    assert_eq!(model.call_count(), 10);
    (model, setup, service)
}

/// Waits until the breaker is in this state.
async fn wait_for_breaker(client: &Client, state: u32) {
    wait_until(&format!("the breaker's state {state}"), async || (breaker(client, MODEL).await == state).then_some(()))
        .await;
}

#[track_caller]
fn check_left_alone(answer: &HttpResponse, longest: u64) {
    answer.assert_error(503, "model_unavailable");
    let wait: u64 = answer.header("retry-after").parse().expect("seconds");
    assert!((1..=longest).contains(&wait), "Retry-After: {wait}");
}

#[tokio::test]
async fn a_model_that_failed_turns_of_several_callers_is_left_alone() {
    let (model, setup, service) = start_with(&[("MODEL_RETRIES", "0"), ("BREAKER_PAUSE", "80s")]).await;
    let client = &service.client;
    model.set_behaviour(refusal(500));
    for turn in 0..5 {
        assert_eq!((breaker(client, MODEL).await, model_part(client).await.as_str()), (0, "ok"));
        chat_in(client, turn).await.assert_error(502, "model_failed");
    }
    model.set_behaviour(Behaviour::Echo);
    for _ in 0..3 {
        check_left_alone(&client.chat("hello").await, 10);
        let line = last_line(&setup);
        assert_eq!((&line["code"], &line["attempts"]), (&json!("model_unavailable"), &json!(0)));
        let (name, error) = stream_end(client).await;
        assert_eq!((name.as_str(), &error["code"]), ("refused", &json!("model_unavailable")));
    }
    assert_eq!(model.call_count(), 5, "a model that is left alone was asked");
    assert_eq!((breaker(client, MODEL).await, model_part(client).await), (2, format!("{MODEL}: breaker open")));
    client.get("/api/health/live").await.assert_ok();
    assert_eq!(setup.log_lines("chat").len(), 11);
}

#[tokio::test]
async fn one_visitor_never_takes_the_model_from_the_others() {
    let settings = [("BREAKER_FAILURE_RATE", "1"), ("MODEL_IDLE_TIMEOUT", "100ms"), ("MODEL_RETRIES", "1")];
    let (model, _house, service) = start_with(&settings).await;
    let client = &service.client;
    for behaviour in
        [refusal(500), refusal(503), Behaviour::CloseImmediately, Behaviour::Truncated, Behaviour::StallAfterHeaders]
    {
        model.set_behaviour(behaviour);
        join_all((0..10).map(|_| chat_in(client, 1))).await;
        // Without a session, all of an address are one.
        join_all((0..10).map(|_| client.chat("hello"))).await;
        model.set_behaviour(Behaviour::Echo);
        chat_in(client, 2).await.assert_ok();
        assert_eq!(breaker(client, MODEL).await, 0);
    }
}

#[tokio::test]
async fn callers_without_a_session_are_told_apart_by_address() {
    let (model, _house, service) = start_with(&[("MODEL_RETRIES", "0"), ("PROXIES", "1")]).await;
    let client = &service.client;
    model.set_behaviour(refusal(500));
    for turn in 0..10 {
        // Of one IPv6 network, all are one.
        let from = if turn < 6 { format!("2001:db8::{turn}") } else { format!("192.0.2.{turn}") };
        assert_eq!(breaker(client, MODEL).await, if turn < 8 { 0 } else { 2 }, "{turn}");
        let request = client.json_request("/api/chat", &json!({ "message": "hello" })).header("x-forwarded-for", from);
        client.send(request).await;
    }
    assert_eq!(model.call_count(), 8);
}

#[tokio::test]
async fn visitors_of_the_portal_are_callers_of_their_own() {
    let (model, _house, service) = start_with(&[("MODEL_RETRIES", "0")]).await;
    let client = &service.client;
    model.set_behaviour(refusal(500));
    for turn in 0..5 {
        assert_eq!(breaker(client, MODEL).await, 0, "{turn}");
        // Without a cookie, each is a new visitor.
        client.post("/chat", &json!({ "message": "hello" })).await.assert_error(502, "model_failed");
    }
    assert_eq!(breaker(client, MODEL).await, 2);
}

#[tokio::test]
async fn a_model_that_cannot_be_reached_is_left_alone_soon() {
    let (model, _house, service) = start_with(&[("MODEL_RETRIES", "0")]).await;
    model.stop().await;
    for _ in 0..5 {
        assert_eq!(breaker(&service.client, MODEL).await, 0);
        service.client.chat("hello").await.assert_error(502, "model_unreachable");
    }
    assert_eq!(breaker(&service.client, MODEL).await, 2, "it is no caller's doing, so one is enough");
}

#[tokio::test]
async fn only_of_a_stream_a_timeout_is_the_models_failure() {
    for (stream, state) in [(false, 0), (true, 2)] {
        let settings = [("MODEL_RETRIES", "0"), ("TURN_TIMEOUT", "200ms"), ("MODEL_FIRST_BYTE_TIMEOUT", "100ms")];
        let (model, _house, service) = start_with(&settings).await;
        let client = &service.client;
        model.set_behaviour(Behaviour::Silent);
        join_all((0..6).map(async |turn| {
            let asked = json!({ "message": "hello", "stream": stream, "session_id": format!("session-{turn}") });
            client.post("/api/chat", &asked).await.assert_error(504, "model_timeout");
        }))
        .await;
        assert_eq!(breaker(client, MODEL).await, state, "{stream}");
    }
}

#[tokio::test]
async fn half_of_the_turns_must_fail() {
    let (model, _house, service) = start_with(&[("MODEL_RETRIES", "0")]).await;
    let client = &service.client;
    for turn in 0..30 {
        if turn % 5 > 2 {
            model.behave_once(refusal(503));
        }
        chat_in(client, turn).await;
    }
    assert_eq!((breaker(client, MODEL).await, model.call_count()), (0, 30), "two in five are less than half");
    // 12 of 30 have failed; after six more it is 18 of 36.
    for turn in 0..6 {
        assert_eq!(breaker(client, MODEL).await, 0);
        model.behave_once(refusal(503));
        chat_in(client, turn).await;
    }
    assert_eq!((breaker(client, MODEL).await, model.call_count()), (2, 36));
}

#[tokio::test]
async fn the_rate_is_the_operators_and_none_is_never() {
    let settings = [("MODEL_RETRIES", "0"), ("BREAKER_FAILURE_RATE", "0")];
    let (model, _house, service) = start_with(&settings).await;
    model.set_behaviour(refusal(500));
    for turn in 0..15 {
        chat_in(&service.client, turn).await.assert_error(502, "model_failed");
    }
    assert_eq!((breaker(&service.client, MODEL).await, model.call_count()), (0, 15));
    let settings = [("MODEL_RETRIES", "0"), ("BREAKER_FAILURE_RATE", "10")];
    let (model, _house, service) = start_with(&settings).await;
    for turn in 0..30 {
        if [0, 1, 29].contains(&turn) {
            model.behave_once(refusal(500));
        }
        assert_eq!(breaker(&service.client, MODEL).await, 0);
        chat_in(&service.client, turn).await;
    }
    let state = breaker(&service.client, MODEL).await;
    assert_eq!((state, model.call_count()), (2, 30), "three in thirty are a tenth");
}

#[tokio::test]
async fn turns_count_and_not_their_attempts() {
    let (model, _house, service) = start_with(&[("MODEL_RETRIES", "2"), ("BREAKER_PAUSE", "80s")]).await;
    model.set_behaviour(refusal(500));
    for turn in 0..5 {
        assert_eq!(breaker(&service.client, MODEL).await, 0);
        chat_in(&service.client, turn).await.assert_error(502, "model_failed");
    }
    assert_eq!(model.call_count(), 15);
    check_left_alone(&service.client.chat("hello").await, 10);
    assert_eq!(model.call_count(), 15);
}

#[tokio::test]
async fn a_turn_that_is_answered_in_the_end_is_no_failure() {
    let (model, _house, service) = start_with(&[("BREAKER_FAILURE_RATE", "1")]).await;
    for turn in 0..10 {
        model.behave_once(refusal(500));
        model.behave_once(Behaviour::CloseImmediately);
        chat_in(&service.client, turn).await.assert_ok();
        assert_eq!(breaker(&service.client, MODEL).await, 0);
    }
}

#[tokio::test]
async fn what_the_client_did_wrong_is_not_the_models_failure() {
    let (model, _house, service) = start_with(&[("MODEL_RETRIES", "0")]).await;
    let blameless = [
        refusal(400),
        refusal(401),
        refusal(403),
        refusal(404),
        refusal(422),
        refusal(429),
        refusal_with(400, "context_length_exceeded"),
        refusal_with(404, "model_not_found"),
        refusal_with(429, "insufficient_quota"),
    ];
    for (turn, behaviour) in blameless.iter().cycle().take(30).enumerate() {
        model.behave_once(behaviour.clone());
        assert!(chat_in(&service.client, turn).await.status.as_u16() >= 400);
    }
    assert_eq!((breaker(&service.client, MODEL).await, model.call_count()), (0, 30));
    service.client.chat("hello").await.assert_ok();
}

#[tokio::test]
async fn clients_that_leave_say_nothing_about_the_model() {
    let (model, setup, service) = start_with(&[]).await;
    model.set_behaviour(Behaviour::Silent);
    for turn in 1..=12 {
        tokio::select! {
            answer = service.client.chat("hello") => panic!("a silent model answered {answer:?}"),
            () = model.wait_for_calls(turn) => {}
        }
    }
    setup.wait_for_log_lines("chat", 12).await;
    assert_eq!(breaker(&service.client, MODEL).await, 0);
}

#[tokio::test]
async fn after_its_pause_one_turn_tries_the_model_for_all() {
    // A trial has a second before another one is let through.
    let (model, _house, service) = open_left_alone("1s", &[]).await;
    let client = &service.client;
    wait_for_breaker(client, 1).await;
    assert_eq!(model_part(client).await, format!("{MODEL}: breaker half_open"));
    let gate = Gate::new();
    model.set_behaviour(Behaviour::Held(gate.clone()));
    let meanwhile = async {
        model.wait_for_calls(11).await;
        let others = join_all((0..5).map(async |_| client.chat("hello").await)).await;
        for answer in &others {
            check_left_alone(answer, 1);
        }
        assert_eq!((breaker(client, MODEL).await, model.call_count()), (1, 11), "more than one tries");
        gate.open();
    };
    let (trial, ()) = tokio::join!(client.chat("hello"), meanwhile);
    trial.assert_ok();
    assert_eq!((breaker(client, MODEL).await, model_part(client).await.as_str()), (0, "ok"));
    join_all((0..5).map(async |_| client.chat("hello").await.assert_ok())).await;
    // What was before is forgotten.
    model.behave_once(refusal(500));
    client.chat("hello").await.assert_error(502, "model_failed");
    assert_eq!(breaker(client, MODEL).await, 0);
}

#[tokio::test]
async fn a_model_that_fails_when_it_is_tried_is_left_alone_again() {
    let (model, _house, service) = open_left_alone("4s", &[]).await;
    let client = &service.client;
    wait_for_breaker(client, 1).await;
    model.behave_once(refusal(500));
    client.chat("hello").await.assert_error(502, "model_failed");
    // For twice as long as at first, and that for one caller's failure.
    check_left_alone(&client.chat("hello").await, 1);
    assert_eq!(model.call_count(), 11);
    wait_for_breaker(client, 1).await;
    client.chat("hello").await.assert_ok();
    assert_eq!(breaker(client, MODEL).await, 0);
}

#[tokio::test]
async fn a_trial_whose_client_leaves_makes_room_for_the_next() {
    let (model, setup, service) = open_left_alone("100ms", &[]).await;
    let client = &service.client;
    wait_for_breaker(client, 1).await;
    model.behave_once(Behaviour::Silent);
    tokio::select! {
        answer = client.chat("hello") => panic!("a silent model answered {answer:?}"),
        () = model.wait_for_calls(11) => {}
    }
    setup.wait_for_log_lines("chat", 11).await;
    assert_eq!(breaker(client, MODEL).await, 1);
    client.chat("hello").await.assert_ok();
    assert_eq!(breaker(client, MODEL).await, 0);
}

#[tokio::test]
async fn a_stream_that_tells_its_first_word_has_tried_the_model() {
    let (model, _house, service) = open_left_alone("100ms", &[]).await;
    let client = &service.client;
    wait_for_breaker(client, 1).await;
    let piece_gate = PieceGate::new();
    model.behave_once(Behaviour::Stream(Script { pace: Pace::Gated(piece_gate.clone()), ..Script::default() }));
    let mut events = client.stream_chat("hello").await;
    piece_gate.release(1);
    for name in ["start", "delta"] {
        assert_eq!(events.next().await.unwrap().name, name);
    }
    assert_eq!(breaker(client, MODEL).await, 0);
    client.chat("hello").await.assert_ok();
    piece_gate.open();
    assert_eq!(events.text_and_end().await.1.name, "done");
}

#[tokio::test]
async fn each_model_has_its_own_breaker() {
    let (model, _house, service) = open_left_alone("80s", &[("ALLOWED_MODELS", "other")]).await;
    let client = &service.client;
    check_left_alone(&client.chat("hello").await, 10);
    let body = client.post("/api/chat", &json!({ "message": "hello", "model": "other" })).await.assert_ok();
    assert_eq!(body["model"], "other");
    assert_eq!((breaker(client, MODEL).await, breaker(client, "other").await), (2, 0));
    assert_eq!(model_part(client).await, format!("{MODEL}: breaker open"));
    assert_eq!(model.call_count(), 11);
}

const SPARES: &[(&str, &str)] = &[("FALLBACK_MODELS", "spare,last"), ("MODEL_RETRIES", "0")];

/// The turn was answered by this model, and says so wherever a model is named.
#[track_caller]
fn check_spoke(body: &Value, setup: &TestSetup, speaker: &str, attempts: u32) {
    assert_eq!((&body["model"], &body["usage"]["model"]), (&json!(speaker), &json!(speaker)));
    let line = last_line(setup);
    assert_eq!((&line["model"], &line["status"], &line["attempts"]), (&json!(speaker), &json!(200), &json!(attempts)));
}

#[tokio::test]
async fn other_models_stand_in_for_one_that_is_unavailable_in_their_order() {
    let (model, setup, service) = start_with(SPARES).await;
    let unavailable = [
        refusal(503),
        refusal(500),
        refusal(504),
        refusal(429),
        Behaviour::Truncated,
        refusal_with(404, "model_not_found"),
        refusal_with(429, "insufficient_quota"),
    ];
    for behaviour in unavailable {
        let calls = model.call_count();
        model.behave_once(behaviour.clone());
        let body = service.client.chat("hello").await.assert_ok();
        check_spoke(&body, &setup, "spare", 2);
        model.behave_once(behaviour.clone());
        model.behave_once(behaviour);
        let body = service.client.chat("hello").await.assert_ok();
        check_spoke(&body, &setup, "last", 3);
        assert_eq!(asked(&model)[calls..], [MODEL, "spare", MODEL, "spare", "last"]);
        // Enough good calls that no breaker opens.
        for _ in 0..3 {
            check_spoke(&service.client.chat("hello").await.assert_ok(), &setup, MODEL, 1);
        }
        for _ in 0..2 {
            model.behave_once(refusal_with(429, "insufficient_quota"));
            service.client.chat("hello").await.assert_ok();
        }
    }
}

#[tokio::test]
async fn a_refusal_that_every_model_would_give_is_told_at_once() {
    let (model, _house, service) = start_with(SPARES).await;
    let rows = [
        (refusal(400), 400, "request_refused"),
        (refusal(401), 401, "invalid_api_key"),
        (refusal(403), 502, "model_forbidden"),
        (refusal_with(400, "context_length_exceeded"), 400, "prompt_too_long"),
    ];
    for (behaviour, status, code) in rows {
        model.behave_once(behaviour);
        service.client.chat("hello").await.assert_error(status, code);
    }
    assert_eq!(asked(&model), [MODEL; 4]);
}

#[tokio::test]
async fn each_model_is_asked_again_before_the_next() {
    let (model, setup, service) = start_with(&[("FALLBACK_MODELS", "spare"), ("MODEL_RETRIES", "1")]).await;
    for _ in 0..3 {
        model.behave_once(refusal(503));
    }
    check_spoke(&service.client.chat("hello").await.assert_ok(), &setup, "spare", 4);
    assert_eq!(asked(&model), [MODEL, MODEL, "spare", "spare"]);
    assert_eq!(setup.log_lines("chat").len(), 1);
}

#[tokio::test]
async fn a_model_that_is_left_alone_is_stood_in_for_without_asking_it() {
    let (model, setup, service) = start_with(SPARES).await;
    for turn in 0..5 {
        model.behave_once(refusal(500));
        chat_in(&service.client, turn).await.assert_ok();
    }
    assert_eq!((breaker(&service.client, MODEL).await, model.call_count()), (2, 10));
    check_spoke(&service.client.chat("hello").await.assert_ok(), &setup, "spare", 1);
    assert_eq!(asked(&model)[10..], ["spare"]);
}

#[tokio::test]
async fn if_all_are_away_the_wanted_models_failure_is_told() {
    let (model, setup, service) = start_with(SPARES).await;
    for behaviour in [refusal_for(429, "17"), refusal(500), refusal_with(404, "model_not_found")] {
        model.behave_once(behaviour);
    }
    let answer = service.client.chat("hello").await;
    answer.assert_error(429, "rate_limited");
    assert_eq!(answer.header("retry-after"), "17");
    assert_eq!(asked(&model), [MODEL, "spare", "last"]);
    let line = last_line(&setup);
    assert_eq!((&line["model"], &line["code"], &line["attempts"]), (&json!(MODEL), &json!("rate_limited"), &json!(3)));
}

#[tokio::test]
async fn a_model_that_stands_in_and_refuses_the_question_itself_is_passed_over() {
    let (model, setup, service) = start_with(SPARES).await;
    model.behave_once(refusal(503));
    model.behave_once(refusal_with(400, "context_length_exceeded"));
    check_spoke(&service.client.chat("hello").await.assert_ok(), &setup, "last", 3);
    assert_eq!(asked(&model), [MODEL, "spare", "last"]);
}

#[tokio::test]
async fn a_turn_is_priced_as_the_model_that_spoke() {
    let prices = ("MODEL_PRICES", "gpt-4o-mini=1000/1000,spare=1/2,last=7/7");
    let (model, setup, service) = start_with(&[SPARES[0], SPARES[1], prices]).await;
    model.behave_once(refusal(503));
    model.behave_once(Behaviour::Answer(Reply {
        prompt_tokens: 1_000_000,
        completion_tokens: 500_000,
        ..Reply::default()
    }));
    check_spoke(&service.client.chat("hello").await.assert_ok(), &setup, "spare", 2);
    let cost = last_line(&setup)["cost_usd"].as_f64().expect("a cost");
    assert!((cost - 2.0).abs() < 1e-9, "{cost}");
    let totals = service.client.get("/api/openai/usage").await.assert_ok();
    assert_eq!((&totals["request_count"], &totals["total_tokens"]), (&json!(1), &json!(1_500_000)));
}

#[tokio::test]
async fn a_model_that_the_client_chose_is_stood_in_for_too_and_never_by_itself() {
    let settings = [("ALLOWED_MODELS", "chosen,spare"), SPARES[0], SPARES[1]];
    let (model, setup, service) = start_with(&settings).await;
    let choose = async |name: &str| service.client.post("/api/chat", &json!({ "message": "hi", "model": name })).await;
    model.behave_once(refusal(503));
    check_spoke(&choose("chosen").await.assert_ok(), &setup, "spare", 2);
    model.behave_once(refusal(503));
    check_spoke(&choose("spare").await.assert_ok(), &setup, "last", 2);
    assert_eq!(asked(&model), ["chosen", "spare", "spare", "last"]);
    choose("last").await.assert_error(400, "model_not_allowed");
}

#[tokio::test]
async fn a_stream_names_the_model_that_speaks() {
    let (model, setup, service) = start_with(SPARES).await;
    model.behave_once(refusal(503));
    let mut events = service.client.stream_chat("hello").await;
    let start = events.next().await.expect("a start");
    assert_eq!((start.name.as_str(), &start.data["model"]), ("start", &json!("spare")));
    let (text, done) = events.text_and_end().await;
    assert_eq!((text, done.name.as_str()), (Reply::default().text, "done"));
    check_spoke(&done.data, &setup, "spare", 2);
    assert_eq!(last_line(&setup)["stream"], true);
}

#[tokio::test]
async fn a_stream_that_began_before_another_model_stood_in_says_at_its_end_who_spoke() {
    let (model, setup, service) = start_with(SPARES).await;
    let gate = Gate::new();
    // Its headers are there, so the stream begins, in its name; then it breaks without a word.
    model.behave_once(Behaviour::Stream(Script { pieces: vec![], ending: Ending::CutOff, ..Script::default() }));
    model.behave_once(Behaviour::Held(gate.clone()));
    let mut events = service.client.stream_chat("hello").await;
    assert_eq!(events.next().await.expect("a start").data["model"], MODEL);
    gate.open();
    let (text, done) = events.text_and_end().await;
    assert_eq!((text.as_str(), done.name.as_str()), ("hello", "done"));
    check_spoke(&done.data, &setup, "spare", 2);
}

#[tokio::test]
async fn if_all_are_away_a_stream_is_refused_with_the_wanted_models_failure() {
    let (model, setup, service) = start_with(SPARES).await;
    for behaviour in [refusal_for(503, "9"), refusal(500), refusal(500)] {
        model.behave_once(behaviour);
    }
    let refused = service.client.stream_chat("hello").await.into_response().await;
    refused.assert_error(503, "model_overloaded");
    assert_eq!((refused.header("retry-after"), model.call_count()), ("9", 3));
    assert_eq!(last_line(&setup)["model"], MODEL);
}

#[tokio::test]
async fn an_answer_of_another_model_is_kept_for_its_key() {
    let (model, _house, service) = start_with(&[SPARES[0], SPARES[1], ("RESUME_WINDOW", "0")]).await;
    model.behave_once(refusal(503));
    let ask = async || {
        let request = service.client.json_request("/api/chat", &json!({ "message": "hello" }));
        service.client.send(request.header("idempotency-key", "a")).await
    };
    let first = ask().await;
    assert_eq!(first.assert_ok()["model"], "spare");
    assert_eq!((ask().await.text, model.call_count()), (first.text, 2));
}

#[tokio::test]
async fn a_stream_that_is_slow_to_begin_is_stood_in_for_while_there_is_time_and_is_none_the_worse_for_it() {
    let settings = [("FALLBACK_MODELS", "backup"), ("TURN_TIMEOUT", "2s"), ("MODEL_RETRIES", "0")];
    let (model, setup, service) = start_with(&settings).await;
    for slow in
        [Behaviour::Silent, Behaviour::Stream(Script { pieces: vec![], ending: Ending::Stall, ..Script::default() })]
    {
        model.behave_once(slow);
        let (name, done) = stream_end(&service.client).await;
        assert_eq!((name.as_str(), &done["message"]), ("done", &json!(Reply::default().text)));
        check_spoke(&done, &setup, "backup", 2);
        assert_eq!(last_line(&setup)["requested_model"], "gpt-4o-mini");
    }
    // A whole answer may take all the time there is.
    model.behave_once(Behaviour::Delayed(Duration::from_millis(1200), Box::new(Behaviour::Answer(Reply::default()))));
    assert_eq!(service.client.chat("hi").await.assert_ok()["model"], "gpt-4o-mini");
    assert_eq!(breaker(&service.client, "gpt-4o-mini").await, 0);
}
