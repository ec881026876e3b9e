//! Failures of the model: retries, the circuit breaker, and fallback models.

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

pub fn refusal(status: u16) -> Behaviour {
    Behaviour::Respond { status, headers: vec![], body: "{}".to_owned() }
}

fn refusal_for(status: u16, retry_after: &str) -> Behaviour {
    Behaviour::Respond { status, headers: vec![("retry-after", retry_after.to_owned())], body: "{}".to_owned() }
}

fn refusal_with(status: u16, code: &str) -> Behaviour {
    let body = json!({ "error": { "message": "no", "code": code } }).to_string();
    Behaviour::Respond { status, headers: vec![], body }
}

/// Returns the model name of each call, in order.
fn called_models(model: &FakeModel) -> Vec<String> {
    let name = |body: &Value| body["model"].as_str().expect("a model").to_owned();
    model.calls().iter().map(|call| name(&call.body)).collect()
}

pub fn last_line(setup: &TestSetup) -> Value {
    setup.log_lines("chat").pop().expect("a chat line")
}

/// Sends a streamed turn. Returns the error before the start, or the data of the last event.
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
async fn transient_failures_are_retried() {
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
async fn an_unreachable_model_is_retried() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).with("MODEL_RETRIES", "10").with("LOG_LEVEL", "info,al_chat=debug");
    let mut process = setup.start_process().await;
    model.stop().await;
    // The fake model cannot observe a connection that it refuses, so that the test reads the service's log.
    let back = async {
        while let Some(line) = process.diagnostics.recv().await {
            if line.contains("asked again") {
                return model.restart().await;
            }
        }
        panic!("no line about a retry");
    };
    let (answer, ()) = tokio::join!(process.client.chat("hello"), back);
    answer.assert_ok();
    let line = last_line(&setup);
    assert!(line["attempts"].as_u64().unwrap() >= 2, "{line}");
    assert_eq!((model.call_count(), setup.log_lines("chat").len()), (1, 1));
}

#[tokio::test]
async fn permanent_failures_are_not_retried() {
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
async fn a_stream_that_has_sent_text_is_not_retried() {
    let (model, setup, service) = start_with(&[("FALLBACK_MODELS", "spare")]).await;
    let server_error = json!({ "message": "boom", "type": "server_error" });
    for (turn, ending) in [Ending::CutOff, Ending::EndOfBody, Ending::Error(server_error)].into_iter().enumerate() {
        model.behave_once(Behaviour::Stream(Script { ending, ..Script::default() }));
        let (text, end) = service.client.stream_chat("hello").await.text_and_end().await;
        assert_eq!((text, end.name.as_str()), (Script::default().text(), "error"));
        assert_eq!((called_models(&model).len(), last_line(&setup)["attempts"].clone()), (turn + 1, json!(1)));
    }
    assert_eq!(setup.log_lines("chat").len(), 3);
}

#[tokio::test]
async fn a_stream_that_breaks_before_its_first_text_is_retried() {
    let (model, setup, service) = start_with(&[]).await;
    model.behave_once(Behaviour::Stream(Script { pieces: vec![], ending: Ending::CutOff, ..Script::default() }));
    let events = service.client.stream_chat("hello").await.remaining().await;
    let names = events.iter().map(|event| event.name.as_str()).collect::<Vec<_>>();
    assert_eq!((names.first(), names.last()), (Some(&"start"), Some(&"done")), "{names:?}");
    assert_eq!(names.iter().filter(|name| **name == "start").count(), 1, "{names:?}");
    assert_eq!((model.call_count(), last_line(&setup)["attempts"].clone()), (2, json!(2)));
}

#[tokio::test]
async fn the_number_of_retries_is_limited() {
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
async fn the_wait_grows_with_each_attempt() {
    let (model, _setup, service) = start_with(&[("MODEL_RETRIES", "2")]).await;
    model.set_behaviour(refusal(500));
    let started = Instant::now();
    service.client.chat("hello").await.assert_error(502, "model_failed");
    assert_eq!(model.call_count(), 3);
    // The waits are 100 and 200 ms, plus a random part.
    assert!(started.elapsed() >= Duration::from_millis(300), "only {:?}", started.elapsed());
}

#[tokio::test]
async fn a_retry_waits_as_long_as_the_model_requests() {
    let (model, setup, service) = start_with(&[]).await;
    model.behave_once(refusal_for(503, "1"));
    let started = Instant::now();
    service.client.chat("hello").await.assert_ok();
    assert!(started.elapsed() >= Duration::from_secs(1), "retried after {:?}", started.elapsed());
    assert_eq!((model.call_count(), last_line(&setup)["attempts"].clone()), (2, json!(2)));
}

#[tokio::test]
async fn a_retry_after_beyond_the_turn_timeout_is_not_waited_for() {
    let (model, setup, service) = start_with(&[("TURN_TIMEOUT", "10s")]).await;
    for (behaviour, status, code) in
        [(refusal_for(429, "10"), 429, "rate_limited"), (refusal_for(503, "3600"), 503, "model_overloaded")]
    {
        let started = Instant::now();
        let calls = model.call_count();
        model.behave_once(behaviour);
        let answer = service.client.chat("hello").await;
        answer.assert_error(status, code);
        assert_eq!(answer.header("retry-after"), if status == 429 { "10" } else { "3600" });
        assert!(started.elapsed() < Duration::from_secs(5), "reported after {:?}", started.elapsed());
        assert_eq!((model.call_count(), last_line(&setup)["attempts"].clone()), (calls + 1, json!(1)));
    }
}

#[tokio::test]
async fn a_client_that_leaves_between_attempts_ends_the_retries() {
    let (model, setup, service) = start_with(&[]).await;
    model.behave_once(refusal_for(503, "5"));
    tokio::select! {
        answer = service.client.chat("hello") => panic!("{answer:?} arrived too early"),
        () = model.wait_for_calls(1) => {}
    }
    let line = setup.wait_for_log_lines("chat", 1).await.remove(0);
    assert_eq!((&line["finish"], &line["attempts"]), (&json!("client_gone"), &json!(1)));
    assert_eq!(model.call_count(), 1);
}

/// Returns the circuit breaker's state of a model in `/metrics`: 0 closed, 1 half-open, 2 open.
pub async fn breaker_state(client: &Client, model: &str) -> u32 {
    let text = client.get("/metrics").await.text;
    let name = format!("al_chat_model_breaker{{model=\"{model}\"}} ");
    let value = text.lines().find_map(|line| line.strip_prefix(&name)).expect("the breaker's state");
    value.parse().expect("a state")
}

/// Asserts that the service is ready, and returns the part about the models.
async fn readiness_of_models(client: &Client) -> String {
    let ready = client.get("/api/health/ready").await.assert_ok();
    ready["parts"]["model"].as_str().expect("a text").to_owned()
}

/// Sends a turn in the session with this number.
pub async fn chat_in_session(client: &Client, session: usize) -> HttpResponse {
    client.post("/api/chat", &json!({ "message": "hello", "session_id": format!("session-{session}") })).await
}

/// Starts a service whose circuit is open after failed turns of ten sessions. The first pause is an eighth of `pause`,
/// since there is no fallback model. Afterwards the model behaves as set by the test.
async fn start_with_open_circuit(pause: &str, settings: &[(&str, &str)]) -> (FakeModel, TestSetup, Service) {
    let mut all = vec![("MODEL_RETRIES", "0"), ("BREAKER_PAUSE", pause)];
    all.extend_from_slice(settings);
    let (model, setup, service) = start_with(&all).await;
    for _ in 0..10 {
        model.behave_once(refusal(500));
    }
    join_all((0..10).map(|session| chat_in_session(&service.client, session))).await;
    assert_eq!(model.call_count(), 10);
    (model, setup, service)
}

/// Waits until the circuit breaker is in this state.
async fn wait_for_breaker(client: &Client, state: u32) {
    wait_until(&format!("the breaker's state {state}"), async || {
        (breaker_state(client, MODEL).await == state).then_some(())
    })
    .await;
}

#[track_caller]
fn assert_circuit_open(answer: &HttpResponse, longest: u64) {
    answer.assert_error(503, "model_unavailable");
    let wait: u64 = answer.header("retry-after").parse().expect("seconds");
    assert!((1..=longest).contains(&wait), "Retry-After: {wait}");
}

#[tokio::test]
async fn failures_of_several_callers_open_the_circuit() {
    let (model, setup, service) = start_with(&[("MODEL_RETRIES", "0"), ("BREAKER_PAUSE", "80s")]).await;
    let client = &service.client;
    model.set_behaviour(refusal(500));
    for turn in 0..5 {
        assert_eq!((breaker_state(client, MODEL).await, readiness_of_models(client).await.as_str()), (0, "ok"));
        chat_in_session(client, turn).await.assert_error(502, "model_failed");
    }
    model.set_behaviour(Behaviour::Echo);
    for _ in 0..3 {
        assert_circuit_open(&client.chat("hello").await, 10);
        let line = last_line(&setup);
        assert_eq!((&line["code"], &line["attempts"]), (&json!("model_unavailable"), &json!(0)));
        let (name, error) = stream_end(client).await;
        assert_eq!((name.as_str(), &error["code"]), ("refused", &json!("model_unavailable")));
    }
    assert_eq!(model.call_count(), 5, "the model was called although its circuit is open");
    assert_eq!(
        (breaker_state(client, MODEL).await, readiness_of_models(client).await),
        (2, format!("{MODEL}: breaker open"))
    );
    client.get("/api/health/live").await.assert_ok();
    assert_eq!(setup.log_lines("chat").len(), 11);
}

#[tokio::test]
async fn one_visitor_cannot_open_the_circuit() {
    let settings = [("BREAKER_FAILURE_RATE", "1"), ("MODEL_IDLE_TIMEOUT", "100ms"), ("MODEL_RETRIES", "1")];
    let (model, _setup, service) = start_with(&settings).await;
    let client = &service.client;
    for behaviour in
        [refusal(500), refusal(503), Behaviour::CloseImmediately, Behaviour::Truncated, Behaviour::StallAfterHeaders]
    {
        model.set_behaviour(behaviour);
        join_all((0..10).map(|_| chat_in_session(client, 1))).await;
        // Without a session, all turns from one address count as one caller.
        join_all((0..10).map(|_| client.chat("hello"))).await;
        model.set_behaviour(Behaviour::Echo);
        chat_in_session(client, 2).await.assert_ok();
        assert_eq!(breaker_state(client, MODEL).await, 0);
    }
}

#[tokio::test]
async fn callers_without_a_session_are_distinguished_by_address() {
    let (model, _setup, service) = start_with(&[("MODEL_RETRIES", "0"), ("PROXIES", "1")]).await;
    let client = &service.client;
    model.set_behaviour(refusal(500));
    for turn in 0..10 {
        // All addresses of one IPv6 network count as one caller.
        let from = if turn < 6 { format!("2001:db8::{turn}") } else { format!("192.0.2.{turn}") };
        assert_eq!(breaker_state(client, MODEL).await, if turn < 8 { 0 } else { 2 }, "{turn}");
        let request = client.json_request("/api/chat", &json!({ "message": "hello" })).header("x-forwarded-for", from);
        client.send(request).await;
    }
    assert_eq!(model.call_count(), 8);
}

#[tokio::test]
async fn visitors_of_the_portal_are_separate_callers() {
    let (model, _setup, service) = start_with(&[("MODEL_RETRIES", "0")]).await;
    let client = &service.client;
    model.set_behaviour(refusal(500));
    for turn in 0..5 {
        assert_eq!(breaker_state(client, MODEL).await, 0, "{turn}");
        // Without a cookie, each request is a new visitor.
        client.post("/chat", &json!({ "message": "hello" })).await.assert_error(502, "model_failed");
    }
    assert_eq!(breaker_state(client, MODEL).await, 2);
}

#[tokio::test]
async fn an_unreachable_model_opens_the_circuit() {
    let (model, _setup, service) = start_with(&[("MODEL_RETRIES", "0")]).await;
    model.stop().await;
    for _ in 0..5 {
        assert_eq!(breaker_state(&service.client, MODEL).await, 0);
        service.client.chat("hello").await.assert_error(502, "model_unreachable");
    }
    assert_eq!(breaker_state(&service.client, MODEL).await, 2, "failures of one caller must be enough");
}

#[tokio::test]
async fn a_timeout_counts_against_the_breaker_only_when_streaming() {
    for (stream, state) in [(false, 0), (true, 2)] {
        let settings = [("MODEL_RETRIES", "0"), ("TURN_TIMEOUT", "200ms"), ("MODEL_FIRST_BYTE_TIMEOUT", "100ms")];
        let (model, _setup, service) = start_with(&settings).await;
        let client = &service.client;
        model.set_behaviour(Behaviour::Silent);
        join_all((0..6).map(async |turn| {
            let body = json!({ "message": "hello", "stream": stream, "session_id": format!("session-{turn}") });
            client.post("/api/chat", &body).await.assert_error(504, "model_timeout");
        }))
        .await;
        assert_eq!(breaker_state(client, MODEL).await, state, "{stream}");
    }
}

/// Sends whole turns of different sessions at the same time.
async fn chat_in_sessions(client: &Client, sessions: usize) -> Vec<HttpResponse> {
    join_all((0..sessions).map(|session| chat_in_session(client, session))).await
}

#[tokio::test]
async fn a_model_that_hangs_opens_the_circuit_after_many_successes() {
    for (stream, fallbacks) in [(false, ""), (true, ""), (true, "spare")] {
        let settings = [
            ("MODEL_RETRIES", "0"),
            ("TURN_TIMEOUT", "400ms"),
            ("MODEL_FIRST_BYTE_TIMEOUT", "300ms"),
            ("FALLBACK_MODELS", fallbacks),
            ("BREAKER_PAUSE", "80s"),
        ];
        let (model, _setup, service) = start_with(&settings).await;
        let client = &service.client;
        // One after the other, so that none of them takes long on a busy machine.
        for session in 0..60 {
            chat_in_session(client, session).await.assert_ok();
        }
        model.set_behaviour(Behaviour::Silent);
        let ask = async |session: usize| {
            let body = json!({ "message": "hello", "stream": stream, "session_id": format!("session-{session}") });
            client.post("/api/chat", &body).await.assert_error(504, "model_timeout");
        };
        join_all((0..9).map(ask)).await;
        assert_eq!(breaker_state(client, MODEL).await, 0, "{stream} {fallbacks}");
        ask(9).await;
        assert_eq!(breaker_state(client, MODEL).await, 2, "{stream} {fallbacks}");
    }
}

#[tokio::test]
async fn a_slow_model_that_answers_some_turns_opens_no_circuit() {
    let (model, _setup, service) = start_with(&[("MODEL_RETRIES", "0"), ("TURN_TIMEOUT", "1s")]).await;
    let client = &service.client;
    for _ in 0..3 {
        model.set_behaviour(Behaviour::Silent);
        let answered = async {
            model.wait_for_calls(model.call_count() + 30).await;
            model.set_behaviour(Behaviour::Echo);
            chat_in_session(client, 100).await.assert_ok();
        };
        let (late, ()) = tokio::join!(chat_in_sessions(client, 30), answered);
        for answer in late {
            answer.assert_error(504, "model_timeout");
        }
    }
    assert_eq!(breaker_state(client, MODEL).await, 0);
}

#[tokio::test]
async fn half_of_the_turns_must_fail_to_open_the_circuit() {
    let (model, _setup, service) = start_with(&[("MODEL_RETRIES", "0")]).await;
    let client = &service.client;
    for turn in 0..30 {
        if turn % 5 > 2 {
            model.behave_once(refusal(503));
        }
        chat_in_session(client, turn).await;
    }
    assert_eq!((breaker_state(client, MODEL).await, model.call_count()), (0, 30), "two of five are less than half");
    // 12 of 30 turns have failed; after six more failures it is 18 of 36.
    for turn in 0..6 {
        assert_eq!(breaker_state(client, MODEL).await, 0);
        model.behave_once(refusal(503));
        chat_in_session(client, turn).await;
    }
    assert_eq!((breaker_state(client, MODEL).await, model.call_count()), (2, 36));
}

#[tokio::test]
async fn the_failure_rate_is_configurable_and_0_disables_the_breaker() {
    let settings = [("MODEL_RETRIES", "0"), ("BREAKER_FAILURE_RATE", "0")];
    let (model, _setup, service) = start_with(&settings).await;
    model.set_behaviour(refusal(500));
    for turn in 0..15 {
        chat_in_session(&service.client, turn).await.assert_error(502, "model_failed");
    }
    assert_eq!((breaker_state(&service.client, MODEL).await, model.call_count()), (0, 15));
    let settings = [("MODEL_RETRIES", "0"), ("BREAKER_FAILURE_RATE", "10")];
    let (model, _setup, service) = start_with(&settings).await;
    for turn in 0..30 {
        if [0, 1, 29].contains(&turn) {
            model.behave_once(refusal(500));
        }
        assert_eq!(breaker_state(&service.client, MODEL).await, 0);
        chat_in_session(&service.client, turn).await;
    }
    let state = breaker_state(&service.client, MODEL).await;
    assert_eq!((state, model.call_count()), (2, 30), "three of thirty are less than half");
}

#[tokio::test]
async fn the_breaker_counts_turns_and_not_attempts() {
    let (model, _setup, service) = start_with(&[("MODEL_RETRIES", "2"), ("BREAKER_PAUSE", "80s")]).await;
    model.set_behaviour(refusal(500));
    for turn in 0..5 {
        assert_eq!(breaker_state(&service.client, MODEL).await, 0);
        chat_in_session(&service.client, turn).await.assert_error(502, "model_failed");
    }
    assert_eq!(model.call_count(), 15);
    assert_circuit_open(&service.client.chat("hello").await, 10);
    assert_eq!(model.call_count(), 15);
}

#[tokio::test]
async fn a_turn_answered_after_retries_is_not_a_failure() {
    let (model, _setup, service) = start_with(&[("BREAKER_FAILURE_RATE", "1")]).await;
    for turn in 0..10 {
        model.behave_once(refusal(500));
        model.behave_once(Behaviour::CloseImmediately);
        chat_in_session(&service.client, turn).await.assert_ok();
        assert_eq!(breaker_state(&service.client, MODEL).await, 0);
    }
}

#[tokio::test]
async fn errors_of_the_client_do_not_count_against_the_breaker() {
    let (model, _setup, service) = start_with(&[("MODEL_RETRIES", "0")]).await;
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
        assert!(chat_in_session(&service.client, turn).await.status.as_u16() >= 400);
    }
    assert_eq!((breaker_state(&service.client, MODEL).await, model.call_count()), (0, 30));
    service.client.chat("hello").await.assert_ok();
}

#[tokio::test]
async fn disconnected_clients_do_not_count_for_the_breaker() {
    let (model, setup, service) = start_with(&[]).await;
    model.set_behaviour(Behaviour::Silent);
    for turn in 1..=12 {
        tokio::select! {
            answer = service.client.chat("hello") => panic!("a silent model answered {answer:?}"),
            () = model.wait_for_calls(turn) => {}
        }
    }
    setup.wait_for_log_lines("chat", 12).await;
    assert_eq!(breaker_state(&service.client, MODEL).await, 0);
}

#[tokio::test]
async fn a_half_open_circuit_admits_one_trial_turn() {
    // A trial turn has a second before another one is admitted.
    let (model, _setup, service) = start_with_open_circuit("1s", &[]).await;
    let client = &service.client;
    wait_for_breaker(client, 1).await;
    assert_eq!(readiness_of_models(client).await, format!("{MODEL}: breaker half_open"));
    let gate = Gate::new();
    model.set_behaviour(Behaviour::Held(gate.clone()));
    let meanwhile = async {
        model.wait_for_calls(11).await;
        let others = join_all((0..5).map(async |_| client.chat("hello").await)).await;
        for answer in &others {
            assert_circuit_open(answer, 1);
        }
        assert_eq!((breaker_state(client, MODEL).await, model.call_count()), (1, 11), "more than one trial turn");
        gate.open();
    };
    let (trial, ()) = tokio::join!(client.chat("hello"), meanwhile);
    trial.assert_ok();
    assert_eq!((breaker_state(client, MODEL).await, readiness_of_models(client).await.as_str()), (0, "ok"));
    join_all((0..5).map(async |_| client.chat("hello").await.assert_ok())).await;
    // Closing the circuit resets the count of failures.
    model.behave_once(refusal(500));
    client.chat("hello").await.assert_error(502, "model_failed");
    assert_eq!(breaker_state(client, MODEL).await, 0);
}

#[tokio::test]
async fn a_failed_trial_opens_the_circuit_again() {
    let (model, _setup, service) = start_with_open_circuit("4s", &[]).await;
    let client = &service.client;
    wait_for_breaker(client, 1).await;
    model.behave_once(refusal(500));
    client.chat("hello").await.assert_error(502, "model_failed");
    // The pause is twice the first one, after the failure of one caller.
    assert_circuit_open(&client.chat("hello").await, 1);
    assert_eq!(model.call_count(), 11);
    wait_for_breaker(client, 1).await;
    client.chat("hello").await.assert_ok();
    assert_eq!(breaker_state(client, MODEL).await, 0);
}

#[tokio::test]
async fn a_trial_whose_client_disconnects_admits_the_next() {
    let (model, setup, service) = start_with_open_circuit("100ms", &[]).await;
    let client = &service.client;
    wait_for_breaker(client, 1).await;
    model.behave_once(Behaviour::Silent);
    tokio::select! {
        answer = client.chat("hello") => panic!("a silent model answered {answer:?}"),
        () = model.wait_for_calls(11) => {}
    }
    setup.wait_for_log_lines("chat", 11).await;
    assert_eq!(breaker_state(client, MODEL).await, 1);
    client.chat("hello").await.assert_ok();
    assert_eq!(breaker_state(client, MODEL).await, 0);
}

#[tokio::test]
async fn the_first_text_of_a_stream_closes_the_circuit() {
    let (model, _setup, service) = start_with_open_circuit("100ms", &[]).await;
    let client = &service.client;
    wait_for_breaker(client, 1).await;
    let piece_gate = PieceGate::new();
    model.behave_once(Behaviour::Stream(Script { pace: Pace::Gated(piece_gate.clone()), ..Script::default() }));
    let mut events = client.stream_chat("hello").await;
    piece_gate.release(1);
    for name in ["start", "delta"] {
        assert_eq!(events.next().await.unwrap().name, name);
    }
    assert_eq!(breaker_state(client, MODEL).await, 0);
    client.chat("hello").await.assert_ok();
    piece_gate.open();
    assert_eq!(events.text_and_end().await.1.name, "done");
}

#[tokio::test]
async fn each_model_has_its_own_breaker() {
    let (model, _setup, service) = start_with_open_circuit("80s", &[("ALLOWED_MODELS", "other")]).await;
    let client = &service.client;
    assert_circuit_open(&client.chat("hello").await, 10);
    let body = client.post("/api/chat", &json!({ "message": "hello", "model": "other" })).await.assert_ok();
    assert_eq!(body["model"], "other");
    assert_eq!((breaker_state(client, MODEL).await, breaker_state(client, "other").await), (2, 0));
    assert_eq!(readiness_of_models(client).await, format!("{MODEL}: breaker open"));
    assert_eq!(model.call_count(), 11);
}

const FALLBACKS: &[(&str, &str)] = &[("FALLBACK_MODELS", "spare,last"), ("MODEL_RETRIES", "0")];

/// Asserts that this model answered the turn, in the response as well as in the log.
#[track_caller]
fn assert_answered_by(body: &Value, setup: &TestSetup, answering_model: &str, attempts: u32) {
    assert_eq!((&body["model"], &body["usage"]["model"]), (&json!(answering_model), &json!(answering_model)));
    let line = last_line(setup);
    assert_eq!(
        (&line["model"], &line["status"], &line["attempts"]),
        (&json!(answering_model), &json!(200), &json!(attempts))
    );
}

#[tokio::test]
async fn fallback_models_are_called_in_the_configured_order() {
    let (model, setup, service) = start_with(FALLBACKS).await;
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
        assert_answered_by(&body, &setup, "spare", 2);
        model.behave_once(behaviour.clone());
        model.behave_once(behaviour);
        let body = service.client.chat("hello").await.assert_ok();
        assert_answered_by(&body, &setup, "last", 3);
        assert_eq!(called_models(&model)[calls..], [MODEL, "spare", MODEL, "spare", "last"]);
        // Enough successful calls to keep the circuit closed.
        for _ in 0..3 {
            assert_answered_by(&service.client.chat("hello").await.assert_ok(), &setup, MODEL, 1);
        }
        for _ in 0..2 {
            model.behave_once(refusal_with(429, "insufficient_quota"));
            service.client.chat("hello").await.assert_ok();
        }
    }
}

#[tokio::test]
async fn a_rejection_of_the_request_is_not_sent_to_fallbacks() {
    let (model, _setup, service) = start_with(FALLBACKS).await;
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
    assert_eq!(called_models(&model), [MODEL; 4]);
}

#[tokio::test]
async fn each_model_is_retried_before_the_next() {
    let (model, setup, service) = start_with(&[("FALLBACK_MODELS", "spare"), ("MODEL_RETRIES", "1")]).await;
    for _ in 0..3 {
        model.behave_once(refusal(503));
    }
    assert_answered_by(&service.client.chat("hello").await.assert_ok(), &setup, "spare", 4);
    assert_eq!(called_models(&model), [MODEL, MODEL, "spare", "spare"]);
    assert_eq!(setup.log_lines("chat").len(), 1);
}

#[tokio::test]
async fn an_open_circuit_falls_back_without_calling_the_model() {
    let (model, setup, service) = start_with(FALLBACKS).await;
    for turn in 0..5 {
        model.behave_once(refusal(500));
        chat_in_session(&service.client, turn).await.assert_ok();
    }
    assert_eq!((breaker_state(&service.client, MODEL).await, model.call_count()), (2, 10));
    assert_answered_by(&service.client.chat("hello").await.assert_ok(), &setup, "spare", 1);
    assert_eq!(called_models(&model)[10..], ["spare"]);
}

#[tokio::test]
async fn if_all_models_fail_the_requested_models_error_is_returned() {
    let (model, setup, service) = start_with(FALLBACKS).await;
    for behaviour in [refusal_for(429, "17"), refusal(500), refusal_with(404, "model_not_found")] {
        model.behave_once(behaviour);
    }
    let answer = service.client.chat("hello").await;
    answer.assert_error(429, "rate_limited");
    assert_eq!(answer.header("retry-after"), "17");
    assert_eq!(called_models(&model), [MODEL, "spare", "last"]);
    let line = last_line(&setup);
    assert_eq!((&line["model"], &line["code"], &line["attempts"]), (&json!(MODEL), &json!("rate_limited"), &json!(3)));
}

#[tokio::test]
async fn a_fallback_that_rejects_the_request_is_skipped() {
    let (model, setup, service) = start_with(FALLBACKS).await;
    model.behave_once(refusal(503));
    model.behave_once(refusal_with(400, "context_length_exceeded"));
    assert_answered_by(&service.client.chat("hello").await.assert_ok(), &setup, "last", 3);
    assert_eq!(called_models(&model), [MODEL, "spare", "last"]);
}

#[tokio::test]
async fn a_turn_is_priced_by_the_model_that_answered() {
    let prices = ("MODEL_PRICES", "gpt-4o-mini=1000/1000,spare=1/2,last=7/7");
    let (model, setup, service) = start_with(&[FALLBACKS[0], FALLBACKS[1], prices]).await;
    model.behave_once(refusal(503));
    model.behave_once(Behaviour::Answer(Reply {
        prompt_tokens: 1_000_000,
        completion_tokens: 500_000,
        ..Reply::default()
    }));
    assert_answered_by(&service.client.chat("hello").await.assert_ok(), &setup, "spare", 2);
    let cost = last_line(&setup)["cost_usd"].as_f64().expect("a cost");
    assert!((cost - 2.0).abs() < 1e-9, "{cost}");
    let totals = service.client.get("/api/openai/usage").await.assert_ok();
    assert_eq!((&totals["request_count"], &totals["total_tokens"]), (&json!(1), &json!(1_500_000)));
}

#[tokio::test]
async fn a_model_that_the_client_chose_also_falls_back() {
    let settings = [("ALLOWED_MODELS", "chosen,spare"), FALLBACKS[0], FALLBACKS[1]];
    let (model, setup, service) = start_with(&settings).await;
    let choose = async |name: &str| service.client.post("/api/chat", &json!({ "message": "hi", "model": name })).await;
    model.behave_once(refusal(503));
    assert_answered_by(&choose("chosen").await.assert_ok(), &setup, "spare", 2);
    model.behave_once(refusal(503));
    assert_answered_by(&choose("spare").await.assert_ok(), &setup, "last", 2);
    assert_eq!(called_models(&model), ["chosen", "spare", "spare", "last"]);
    choose("last").await.assert_error(400, "model_not_allowed");
}

#[tokio::test]
async fn a_stream_names_the_model_that_answers() {
    let (model, setup, service) = start_with(FALLBACKS).await;
    model.behave_once(refusal(503));
    let mut events = service.client.stream_chat("hello").await;
    let start = events.next().await.expect("a start");
    assert_eq!((start.name.as_str(), &start.data["model"]), ("start", &json!("spare")));
    let (text, done) = events.text_and_end().await;
    assert_eq!((text, done.name.as_str()), (Reply::default().text, "done"));
    assert_answered_by(&done.data, &setup, "spare", 2);
    assert_eq!(last_line(&setup)["stream"], true);
}

#[tokio::test]
async fn a_started_stream_names_the_fallback_model_at_its_end() {
    let (model, setup, service) = start_with(FALLBACKS).await;
    let gate = Gate::new();
    // The stream starts in this model's name, since its headers have arrived; then it breaks without text.
    model.behave_once(Behaviour::Stream(Script { pieces: vec![], ending: Ending::CutOff, ..Script::default() }));
    model.behave_once(Behaviour::Held(gate.clone()));
    let mut events = service.client.stream_chat("hello").await;
    assert_eq!(events.next().await.expect("a start").data["model"], MODEL);
    gate.open();
    let (text, done) = events.text_and_end().await;
    assert_eq!((text.as_str(), done.name.as_str()), ("hello", "done"));
    assert_answered_by(&done.data, &setup, "spare", 2);
}

#[tokio::test]
async fn if_all_models_fail_a_stream_gets_the_requested_models_error() {
    let (model, setup, service) = start_with(FALLBACKS).await;
    for behaviour in [refusal_for(503, "9"), refusal(500), refusal(500)] {
        model.behave_once(behaviour);
    }
    let refused = service.client.stream_chat("hello").await.into_response().await;
    refused.assert_error(503, "model_overloaded");
    assert_eq!((refused.header("retry-after"), model.call_count()), ("9", 3));
    assert_eq!(last_line(&setup)["model"], MODEL);
}

#[tokio::test]
async fn an_answer_of_a_fallback_is_stored_for_its_idempotency_key() {
    let (model, _setup, service) = start_with(&[FALLBACKS[0], FALLBACKS[1], ("RESUME_WINDOW", "0")]).await;
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
async fn a_slow_stream_falls_back_if_time_is_left() {
    let settings = [("FALLBACK_MODELS", "backup"), ("TURN_TIMEOUT", "2s"), ("MODEL_RETRIES", "0")];
    let (model, setup, service) = start_with(&settings).await;
    for slow in
        [Behaviour::Silent, Behaviour::Stream(Script { pieces: vec![], ending: Ending::Stall, ..Script::default() })]
    {
        model.behave_once(slow);
        let (name, done) = stream_end(&service.client).await;
        assert_eq!((name.as_str(), &done["message"]), ("done", &json!(Reply::default().text)));
        assert_answered_by(&done, &setup, "backup", 2);
        assert_eq!(last_line(&setup)["requested_model"], "gpt-4o-mini");
    }
    // A whole answer may take the whole turn timeout.
    model.behave_once(Behaviour::Delayed(Duration::from_millis(1200), Box::new(Behaviour::Answer(Reply::default()))));
    assert_eq!(service.client.chat("hi").await.assert_ok()["model"], "gpt-4o-mini");
    assert_eq!(breaker_state(&service.client, "gpt-4o-mini").await, 0);
}
