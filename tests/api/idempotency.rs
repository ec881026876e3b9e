//! `Idempotency-Key`: requests with the same key are one turn.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::{RequestBuilder, header::HeaderValue};
use serde_json::{Value, json};
use tokio::{task::yield_now, time::interval};

use crate::{
    breaker::refusal,
    fakes::model::{Behaviour, Ending, FakeModel, Gate, Pace, PieceGate, Reply, Script},
    support::{
        client::{Client, HttpResponse},
        events::{Event, Events},
        manual_clock::ManualClock,
        service::{TestSetup, start_with},
    },
};

pub fn keyed(client: &Client, key: &str, body: &Value) -> RequestBuilder {
    client.json_request("/api/chat", body).header("idempotency-key", key)
}

pub async fn ask(client: &Client, key: &str) -> HttpResponse {
    client.send(keyed(client, key, &json!({ "message": "hello" }))).await
}

pub async fn ask_stream(client: &Client, key: &str) -> Events {
    client.open_stream(keyed(client, key, &json!({ "message": "hello", "stream": true }))).await
}

/// Returns a stream of these words, each sent when the gate releases it.
fn gated(words: &[&str], piece_gate: &PieceGate) -> Behaviour {
    let pieces = words.iter().map(ToString::to_string).collect();
    Behaviour::Stream(Script { pieces, pace: Pace::Gated(piece_gate.clone()), ..Script::default() })
}

async fn next(events: &mut Events) -> Event {
    events.next().await.expect("one more event")
}

/// Reads the `start` event and these deltas.
async fn read_pieces(events: &mut Events, pieces: &[&str]) {
    assert_eq!(next(events).await.name, "start");
    for piece in pieces {
        assert_eq!(next(events).await.data["content"], *piece);
    }
}

pub async fn turns_counted(client: &Client) -> Value {
    client.get("/api/openai/usage").await.assert_ok()["request_count"].clone()
}

/// Asserts that a repeated request, whole and streamed, is an error and does not call the model.
pub async fn assert_interrupted(client: &Client, model: &FakeModel, key: &str) {
    let calls = model.call_count();
    for _ in 0..2 {
        ask(client, key).await.assert_error(409, "turn_interrupted");
        ask_stream(client, key).await.into_response().await.assert_error(409, "turn_interrupted");
    }
    assert_eq!(model.call_count(), calls, "an interrupted turn was run again");
}

/// With this resume window an answer is found in memory; with 0 it is found only in the database.
const WINDOWS: [&str; 2] = ["2m", "0"];

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer_byte_for_byte() {
    for window in WINDOWS {
        let (model, setup, service) =
            start_with(&[("RESUME_WINDOW", window), ("SESSION_LOG_TIMEZONE", "Asia/Tokyo")]).await;
        let first = ask(&service.client, "a").await;
        model.set_behaviour(refusal(500));
        for _ in 0..3 {
            let again = ask(&service.client, "a").await;
            again.assert_ok();
            assert_eq!(again.text, first.text);
            assert_ne!(again.header("x-request-id"), first.header("x-request-id"));
        }
        assert_eq!(first.assert_ok()["request_id"], first.header("x-request-id"));
        assert_eq!((model.call_count(), setup.log_lines("chat").len()), (1, 1));
        assert_eq!(turns_counted(&service.client).await, 1);
    }
}

#[tokio::test]
async fn a_repeated_answer_keeps_its_token_limit_finish_reason() {
    let (model, _setup, service) = start_with(&[("RESUME_WINDOW", "0")]).await;
    model.behave_once(Behaviour::Answer(Reply {
        finish_reason: "length".into(),
        with_usage: false,
        ..Reply::default()
    }));
    let first = ask(&service.client, "a").await;
    assert_eq!(first.assert_ok()["finish_reason"], "length");
    assert_eq!(ask(&service.client, "a").await.text, first.text);
}

#[tokio::test]
async fn a_whole_answer_is_repeated_as_a_stream_with_one_delta() {
    for window in WINDOWS {
        let (model, _setup, service) = start_with(&[("RESUME_WINDOW", window)]).await;
        let whole = ask(&service.client, "a").await.assert_ok();
        let repeated = ask_stream(&service.client, "a").await;
        assert_ne!(whole["request_id"], repeated.request_id());
        let events = repeated.remaining().await;
        let start = json!({ "request_id": whole["request_id"], "model": "gpt-4o-mini" });
        let delta = json!({ "content": whole["message"] });
        let expected = [("start", start), ("delta", delta), ("done", whole)];
        let expected =
            expected.into_iter().zip(1..).map(|((name, data), id)| Event { id, name: name.to_owned(), data });
        assert_eq!(events, expected.collect::<Vec<_>>());
        assert_eq!(model.call_count(), 1);
    }
}

#[tokio::test]
async fn a_streamed_answer_is_repeated_whole_or_streamed() {
    for window in WINDOWS {
        let (model, setup, service) = start_with(&[("RESUME_WINDOW", window)]).await;
        model.behave_once(Behaviour::Stream(Script::default()));
        let (text, done) = ask_stream(&service.client, "a").await.text_and_end().await;
        assert_eq!((&text, done.name.as_str()), (&Script::default().text(), "done"));
        assert_eq!(ask(&service.client, "a").await.assert_ok(), done.data);
        let (again, last) = ask_stream(&service.client, "a").await.text_and_end().await;
        assert_eq!((again, last.data), (text, done.data));
        assert_eq!((model.call_count(), setup.log_lines("chat").len()), (1, 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_concurrent_requests_with_one_key_are_one_turn() {
    for window in WINDOWS {
        let (model, setup, service) = start_with(&[("RESUME_WINDOW", window)]).await;
        model.set_behaviour(Behaviour::Stream(Script::default()));
        let client = &service.client;
        let streams = [|_: usize| false, |_| true, |number| number % 2 == 0];
        for (round, is_stream) in streams.into_iter().cycle().take(9).enumerate() {
            let key = &format!("round-{round}");
            let ask = async |number: usize| {
                if is_stream(number) {
                    let (text, done) = ask_stream(client, key).await.text_and_end().await;
                    assert_eq!(text, done.data["message"]);
                    done.data
                } else {
                    ask(client, key).await.assert_ok()
                }
            };
            let answers = join_all((0..20).map(ask)).await;
            assert_eq!(answers[0]["message"], Script::default().text());
            assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
            assert_eq!((model.call_count(), setup.log_lines("chat").len()), (round + 1, round + 1));
            assert_eq!(turns_counted(client).await, round + 1);
        }
    }
}

#[tokio::test]
async fn a_repeated_request_joins_the_running_turn_from_the_start() {
    let (model, setup, service) = start_with(&[]).await;
    let (piece_gate, words) = (PieceGate::new(), ["One ", "two ", "three."]);
    model.behave_once(gated(&words, &piece_gate));
    let client = &service.client;
    let mut first = ask_stream(client, "a").await;
    piece_gate.release(2);
    read_pieces(&mut first, &words[..2]).await;
    let mut second = ask_stream(client, "a").await;
    read_pieces(&mut second, &words[..2]).await;
    // The ID of the second request also identifies the turn.
    let mut third = client.resume(&second.request_id(), Some(1)).await;
    assert_eq!(next(&mut third).await.data["content"], words[0]);
    let joining = ask(client, "a");
    let rest = async {
        piece_gate.open();
        (first.text_and_end().await, second.text_and_end().await, third.text_and_end().await)
    };
    let (whole, (first, second, third)) = tokio::join!(joining, rest);
    assert_eq!(first.0, words[2]);
    assert_eq!(third.0, words[1..].concat());
    assert_eq!((&second, &first.1), (&first, &third.1));
    assert_eq!((whole.assert_ok(), &whole.assert_ok()["message"]), (first.1.data, &json!(words.concat())));
    assert_eq!((model.call_count(), setup.log_lines("chat").len()), (1, 1));
}

#[tokio::test]
async fn a_stream_that_joins_a_whole_turn_gets_its_answer() {
    let (model, setup, service) = start_with(&[]).await;
    let gate = Gate::new();
    model.behave_once(Behaviour::Held(gate.clone()));
    let streaming = async {
        model.wait_for_calls(1).await;
        let events = ask_stream(&service.client, "a").await;
        gate.open();
        events.text_and_end().await
    };
    let (whole, (text, done)) = tokio::join!(ask(&service.client, "a"), streaming);
    assert_eq!((whole.assert_ok(), text.as_str()), (done.data, "hello"));
    assert_eq!((model.call_count(), setup.log_lines("chat").len()), (1, 1));
}

#[tokio::test]
async fn a_joined_turn_is_stopped_by_the_joining_requests_id() {
    let (model, _setup, service) = start_with(&[]).await;
    let (piece_gate, client) = (PieceGate::new(), &service.client);
    model.behave_once(gated(&["One ", "two."], &piece_gate));
    piece_gate.release(1);
    let mut first = ask_stream(client, "a").await;
    read_pieces(&mut first, &["One "]).await;
    let second = ask_stream(client, "a").await;
    let stopped = client.post(&format!("/api/chat/{}/stop", second.request_id()), &json!({})).await.assert_ok();
    assert_eq!(stopped, json!({ "status": "stopped", "request_id": first.request_id() }));
    let (text, done) = second.text_and_end().await;
    assert_eq!((text.as_str(), &done.data["finish_reason"]), ("One ", &json!("stopped")));
    assert_eq!(first.text_and_end().await.1, done);
    model.wait_for_disconnects(1).await;
}

#[tokio::test]
async fn a_key_reused_for_another_question_is_rejected() {
    let (model, _setup, service) = start_with(&[("ALLOWED_MODELS", "gpt-4o")]).await;
    let client = &service.client;
    let body = json!({ "message": "hello", "session_id": "s-1" });
    let first = client.send(keyed(client, "a", &body)).await;
    first.assert_ok();
    for (field, value) in [
        ("message", json!("hello!")),
        ("model", json!("gpt-4o")),
        ("username", json!("ada")),
        ("history", json!([{ "role": "user", "content": "before" }])),
        ("attached_files", json!([{ "content": "x" }])),
    ] {
        for stream in [false, true] {
            let mut other = body.clone();
            other[field] = value.clone();
            other["stream"] = json!(stream);
            let answer = client.send(keyed(client, "a", &other)).await;
            answer.assert_error(422, "idempotency_key_reused");
        }
    }
    // A request with the same meaning in other fields is the same request.
    let same = json!({ "message": "hello", "sessionId": "s-1", "history": [] });
    assert_eq!(client.send(keyed(client, "a", &same)).await.text, first.text);
    assert_eq!(model.call_count(), 1);
}

#[tokio::test]
async fn a_key_of_a_running_turn_is_rejected_for_another_question() {
    let (model, _setup, service) = start_with(&[]).await;
    let gate = Gate::new();
    model.behave_once(Behaviour::Held(gate.clone()));
    let other = async {
        model.wait_for_calls(1).await;
        let answer = service.client.send(keyed(&service.client, "a", &json!({ "message": "other" }))).await;
        answer.assert_error(422, "idempotency_key_reused");
        gate.open();
    };
    let (first, ()) = tokio::join!(ask(&service.client, "a"), other);
    assert_eq!(first.assert_ok()["message"], "hello");
    assert_eq!(model.call_count(), 1);
}

#[tokio::test]
async fn keys_of_different_sessions_or_users_are_independent() {
    let (model, setup, service) = start_with(&[]).await;
    model.set_behaviour(Behaviour::Echo);
    let client = &service.client;
    let callers = [
        json!({}),
        json!({ "session_id": "s-1" }),
        json!({ "session_id": "s-2" }),
        json!({ "username": "ada" }),
        json!({ "username": "ada", "is_guest": false }),
        json!({ "username": "s-1" }),
    ];
    let ask = async |number: usize| {
        let mut body = callers[number].clone();
        body["message"] = json!(format!("question {number}"));
        client.send(keyed(client, "a", &body)).await.assert_ok()
    };
    let mut first = Vec::new();
    for number in 0..callers.len() {
        let answer = ask(number).await;
        assert_eq!(answer["message"], format!("question {number}"));
        first.push(answer);
    }
    for (number, first) in first.iter().enumerate() {
        assert_eq!(ask(number).await, *first);
    }
    assert_eq!((model.call_count(), setup.log_lines("chat").len()), (callers.len(), callers.len()));
}

#[tokio::test]
async fn keys_of_unknown_callers_are_independent_by_address() {
    let (model, setup, service) = start_with(&[("PROXIES", "1")]).await;
    model.set_behaviour(Behaviour::Echo);
    let client = &service.client;
    for made_up in [json!({}), json!({ "session_id": "made-up" }), json!({ "username": "ada", "is_guest": false })] {
        let mut body = made_up;
        (body["message"], body["stream"]) = (json!("hello"), json!(true));
        let ask_from = async |address: &str| {
            client.open_stream(keyed(client, "a", &body).header("x-forwarded-for", address)).await
        };
        let piece_gate = PieceGate::new();
        piece_gate.release(1);
        model.behave_once(gated(&["One ", "two."], &piece_gate));
        let mut victims = ask_from("192.0.2.1").await;
        read_pieces(&mut victims, &["One "]).await;

        let strangers = ask_from("192.0.2.2").await;
        let stop = format!("/api/chat/{}/stop", strangers.request_id());
        assert_eq!(strangers.text_and_end().await.0, "hello", "{body}");
        client.post(&stop, &json!({})).await.assert_ok();

        let repeated = ask_from("192.0.2.1").await;
        piece_gate.release(1);
        assert_eq!(victims.text_and_end().await.0, "two.", "a stranger has stopped the stream of {body}");
        assert_eq!(repeated.text_and_end().await.0, "One two.");
    }
    assert_eq!(model.call_count(), 6);
    let named = "idempotency_keys WHERE caller LIKE '%192.0.2%'";
    assert_eq!((setup.count_rows("idempotency_keys").await, setup.count_rows(named).await), (6, 0));
}

#[tokio::test]
async fn the_key_of_a_started_session_is_known_at_every_address() {
    let (model, _setup, service) = start_with(&[("PROXIES", "1")]).await;
    let client = &service.client;
    let started = client.post("/api/session/start", &json!({})).await.assert_ok();
    let body = json!({ "message": "hello", "session_id": started["session_id"] });
    for address in ["192.0.2.1", "192.0.2.2"] {
        client.send(keyed(client, "a", &body).header("x-forwarded-for", address)).await.assert_ok();
    }
    assert_eq!(model.call_count(), 1);
}

#[tokio::test]
async fn without_a_key_each_request_is_a_turn() {
    let (model, _setup, service) = start_with(&[]).await;
    for turns in 1..4 {
        service.client.chat("hello").await.assert_ok();
        assert_eq!(model.call_count(), turns);
    }
}

#[tokio::test]
async fn a_key_has_1_to_255_visible_ascii_characters() {
    let (model, _setup, service) = start_with(&[]).await;
    let client = &service.client;
    let long = "k".repeat(256);
    for key in [&b""[..], b" ", b"a b", b"a\tb", "schl\u{fc}ssel".as_bytes(), b"caf\xe9", b"\xff", long.as_bytes()] {
        for stream in [false, true] {
            let request = client.json_request("/api/chat", &json!({ "message": "hello", "stream": stream }));
            let answer = client.send(request.header("idempotency-key", HeaderValue::from_bytes(key).unwrap())).await;
            assert_eq!(answer.status, 400, "{key:?} gave {}", answer.text);
            answer.assert_error(400, "invalid_idempotency_key");
        }
    }
    assert_eq!(model.call_count(), 0);
    for key in ["k", "!~", "{\"a\":1}", &long[..255]] {
        ask(client, key).await.assert_ok();
    }
    let calls = model.call_count();
    ask(client, &long[..255]).await.assert_ok();
    assert_eq!((calls, model.call_count()), (4, 4));
}

#[tokio::test]
async fn a_failed_turn_without_cost_releases_its_key() {
    let (model, setup, service) = start_with(&[("MODEL_RETRIES", "0")]).await;
    let client = &service.client;
    let rows = [
        (refusal(500), 502, "model_failed"),
        (refusal(429), 429, "rate_limited"),
        (refusal(400), 400, "request_refused"),
    ];
    for (calls, (behaviour, status, code)) in (1..).step_by(3).zip(rows) {
        model.behave_once(behaviour.clone());
        ask(client, code).await.assert_error(status, code);
        assert_eq!(model.call_count(), calls);
        model.behave_once(behaviour);
        ask_stream(client, code).await.into_response().await.assert_error(status, code);
        let answer = ask(client, code).await;
        answer.assert_ok();
        assert_eq!(ask(client, code).await.text, answer.text);
        assert_eq!(model.call_count(), calls + 2);
    }
    assert_eq!(setup.log_lines("chat").len(), model.call_count());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_joins_a_failing_turn_gets_its_failure() {
    for window in WINDOWS {
        let (model, setup, service) =
            start_with(&[("MODEL_RETRIES", "0"), ("RESUME_WINDOW", window), ("BREAKER_FAILURE_RATE", "0")]).await;
        model.set_behaviour(refusal(500));
        let client = &service.client;
        for round in 0..20 {
            let key = &format!("round-{round}");
            let ask_numbered = async |number: u32| {
                for _ in 0..number * 20 {
                    yield_now().await;
                }
                ask(client, key).await.assert_error(502, "model_failed");
            };
            join_all((0..20).map(ask_numbered)).await;
        }
        assert_eq!(setup.log_lines("chat").len(), model.call_count());
    }
}

#[tokio::test]
async fn a_failed_turn_with_possible_cost_keeps_its_key() {
    let (model, _setup, service) = start_with(&[("MODEL_RETRIES", "0")]).await;
    for (behaviour, code) in [
        (Behaviour::CloseImmediately, "model_connection_lost"),
        (Behaviour::Truncated, "model_connection_lost"),
        (Behaviour::Html("<html>".to_owned()), "model_answer_unreadable"),
    ] {
        let key = &format!("key-{}", model.call_count());
        model.behave_once(behaviour);
        ask(&service.client, key).await.assert_error(502, code);
        assert_interrupted(&service.client, &model, key).await;
    }
}

#[tokio::test]
async fn a_truncated_answer_is_not_requested_again() {
    let overloaded = Ending::Error(json!({"message": "x", "code": 503}));
    for (ending, code) in [(Ending::CutOff, "model_connection_lost"), (overloaded, "model_overloaded")] {
        for window in WINDOWS {
            let (model, setup, service) = start_with(&[("RESUME_WINDOW", window)]).await;
            model.behave_once(Behaviour::Stream(Script { ending: ending.clone(), ..Script::default() }));
            let (text, end) = ask_stream(&service.client, "a").await.text_and_end().await;
            assert_eq!((text, end.name.as_str()), (Script::default().text(), "error"));
            assert_eq!(end.data["code"], code);
            assert_interrupted(&service.client, &model, "a").await;
            assert_eq!((model.call_count(), setup.log_lines("chat").len()), (1, 1));
        }
    }
}

#[tokio::test]
async fn an_answer_of_a_disconnected_client_is_not_requested_again() {
    for window in WINDOWS {
        let (model, setup, service) = start_with(&[("RESUME_GRACE", "0"), ("RESUME_WINDOW", window)]).await;
        let piece_gate = PieceGate::new();
        model.behave_once(gated(&["One ", "two."], &piece_gate));
        piece_gate.release(1);
        let mut events = ask_stream(&service.client, "a").await;
        read_pieces(&mut events, &["One "]).await;
        drop(events);
        model.wait_for_disconnects(1).await;
        // Immediately, while the turn is being logged.
        assert_interrupted(&service.client, &model, "a").await;
        let lines = setup.log_lines("chat");
        assert_eq!((lines.len(), &lines[0]["finish"]), (1, &json!("client_gone")));
        assert_interrupted(&service.client, &model, "a").await;
    }
}

#[tokio::test]
async fn a_turn_with_a_key_continues_for_its_grace_period() {
    const GRACE: Duration = Duration::from_millis(300);
    for stream in [false, true] {
        let (model, setup, service) = start_with(&[("RESUME_GRACE", "300ms")]).await;
        model.behave_once(Behaviour::Silent);
        let client = &service.client;
        let request = keyed(client, "a", &json!({ "message": "hello", "stream": stream }));
        tokio::select! {
            answer = client.try_send(request) => panic!("a silent model answered {answer:?}"),
            () = model.wait_for_calls(1) => {}
        }
        let left = Instant::now();
        model.wait_for_disconnects(1).await;
        assert!(left.elapsed() >= GRACE, "the turn ended {:?} after its client disconnected", left.elapsed());
        setup.wait_for_log_lines("chat", 1).await;
        // The model was called and may have charged for it.
        assert_interrupted(client, &model, "a").await;
    }
}

#[tokio::test]
async fn a_reconnecting_client_gets_the_answer_of_its_running_turn() {
    let (model, setup, service) = start_with(&[]).await;
    let gate = Gate::new();
    model.behave_once(Behaviour::Held(gate.clone()));
    let client = &service.client;
    for _ in 0..3 {
        tokio::select! {
            answer = ask(client, "a") => panic!("{answer:?} arrived while the gate was closed"),
            () = async {
                model.wait_for_calls(1).await;
                // Some round trips, so that each reader has joined before it disconnects.
                for _ in 0..3 {
                    client.get("/api/health/live").await.assert_ok();
                }
            } => {}
        }
    }
    gate.open();
    let answer = ask(client, "a").await.assert_ok();
    assert_eq!(answer["message"], "hello");
    assert_eq!((model.call_count(), model.disconnects(), setup.log_lines("chat").len()), (1, 0, 1));
}

#[tokio::test]
async fn a_client_that_leaves_at_the_start_leaves_no_pending_key() {
    for (settings, behaviour) in [
        ([("RESUME_GRACE", "0"), ("RESUME_WINDOW", "0")], Behaviour::Echo),
        (
            [("RESUME_GRACE", "0"), ("RESUME_WINDOW", "2m")],
            Behaviour::Delayed(Duration::from_millis(1), Box::new(Behaviour::Echo)),
        ),
        ([("RESUME_GRACE", "10s"), ("RESUME_WINDOW", "2m")], Behaviour::Echo),
    ] {
        let (model, setup, service) = start_with(&settings).await;
        model.set_behaviour(behaviour);
        let client = &service.client;
        let (mut left, mut stayed, mut interrupted) = (0, 0, 0);
        for point in 0..100 {
            let key = &format!("key-{point}");
            let leaving = async {
                // Each step of the runtime, which also runs the service on this thread, is another point at which to
                // disconnect.
                for _ in 0..point {
                    yield_now().await;
                }
            };
            tokio::select! {
                biased;
                answer = ask(client, key) => {
                    answer.assert_ok();
                    stayed += 1;
                }
                () = leaving => left += 1,
            }
            let answer = ask(client, key).await;
            if answer.status == 409 {
                // The model was called and may have charged for it.
                assert_interrupted(client, &model, key).await;
                interrupted += 1;
            } else {
                assert_eq!(answer.status, 200, "leaving at point {point} of {settings:?}: {}", answer.text);
                assert_eq!(answer.assert_ok()["message"], "hello");
                assert_eq!(ask(client, key).await.text, answer.text);
            }
        }
        // The amount of work per step depends on the machine. After the first few steps there cannot be an answer.
        assert!(left > 2, "{left} left and {stayed} stayed");
        model.wait_for_open_responses(0).await;
        let answered = setup.log_lines("chat").iter().filter(|line| line["status"] == 200).count();
        assert_eq!(answered + interrupted, 100, "each key led to one answer, or to one that was cut off");
        assert!(model.call_count() <= 100, "a key has two calls");
    }
}

#[tokio::test]
async fn a_stopped_stream_is_stored_for_its_key() {
    for window in WINDOWS {
        let (model, setup, service) = start_with(&[("RESUME_WINDOW", window)]).await;
        let (piece_gate, client) = (PieceGate::new(), &service.client);
        model.behave_once(gated(&["One ", "two ", "three."], &piece_gate));
        piece_gate.release(2);
        let mut events = ask_stream(client, "a").await;
        read_pieces(&mut events, &["One ", "two "]).await;
        client.post(&format!("/api/chat/{}/stop", events.request_id()), &json!({})).await.assert_ok();
        let done = next(&mut events).await;
        assert_eq!((&done.data["message"], &done.data["finish_reason"]), (&json!("One two "), &json!("stopped")));
        assert_eq!(ask(client, "a").await.assert_ok(), done.data);
        let (text, last) = ask_stream(client, "a").await.text_and_end().await;
        assert_eq!((text.as_str(), last.data), ("One two ", done.data));
        assert_eq!((model.call_count(), setup.log_lines("chat").len()), (1, 1));
    }
}

#[tokio::test]
async fn a_stream_stopped_before_its_first_text_is_repeated_empty() {
    for window in WINDOWS {
        let (model, _setup, service) = start_with(&[("RESUME_WINDOW", window)]).await;
        let client = &service.client;
        model.behave_once(gated(&["One."], &PieceGate::new()));
        let mut events = ask_stream(client, "a").await;
        read_pieces(&mut events, &[]).await;
        client.post(&format!("/api/chat/{}/stop", events.request_id()), &json!({})).await.assert_ok();
        let done = next(&mut events).await;
        assert_eq!((&done.data["message"], &done.data["finish_reason"]), (&json!(""), &json!("stopped")));
        assert_eq!(ask(client, "a").await.assert_ok(), done.data);
        let events = ask_stream(client, "a").await.remaining().await;
        let names = events.iter().map(|event| event.name.as_str()).collect::<Vec<_>>();
        assert_eq!((names, &events[1].data), (vec!["start", "done"], &done.data));
        assert_eq!(model.call_count(), 1);
    }
}

#[tokio::test]
async fn an_answer_survives_a_graceful_restart() {
    let (model, setup, service) = start_with(&[]).await;
    let first = ask(&service.client, "a").await;
    let (text, done) = ask_stream(&service.client, "b").await.text_and_end().await;
    service.stop().await;
    let service = setup.start().await;
    let again = ask(&service.client, "a").await;
    again.assert_ok();
    assert_eq!(again.text, first.text);
    assert_eq!(ask(&service.client, "b").await.assert_ok(), done.data);
    assert_eq!(text, done.data["message"]);
    assert_eq!((model.call_count(), setup.log_lines("chat").len()), (2, 2));
    assert_eq!(turns_counted(&service.client).await, 2);
}

#[tokio::test]
async fn an_answer_survives_sigkill() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model);
    let mut process = setup.start_process().await;
    let first = ask(&process.client, "a").await;
    process.kill().await;
    let process = setup.start_process().await;
    let again = ask(&process.client, "a").await;
    again.assert_ok();
    assert_eq!(again.text, first.text);
    assert_eq!((model.call_count(), setup.log_lines("chat").len()), (1, 1));
    assert_eq!(turns_counted(&process.client).await, 1);
}

#[tokio::test]
async fn a_turn_interrupted_by_sigkill_is_not_run_again() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model);
    for (calls, stream) in [(1, false), (3, true)] {
        let mut process = setup.start_process().await;
        model.behave_once(Behaviour::Silent);
        let key = format!("key-{stream}");
        let request = keyed(&process.client, &key, &json!({ "message": "hello", "stream": stream }));
        let client = process.client.clone();
        tokio::select! {
            answer = client.try_send(request) => panic!("a silent model answered {answer:?}"),
            () = model.wait_for_calls(calls) => {}
        }
        process.kill().await;
        let process = setup.start_process().await;
        assert_interrupted(&process.client, &model, &key).await;
        model.behave_once(Behaviour::Echo);
        ask(&process.client, &format!("new-{stream}")).await.assert_ok();
    }
}

#[tokio::test]
async fn a_key_expires_after_a_day() {
    const HOUR: Duration = Duration::from_hours(1);
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model);
    let clock = ManualClock::at("2026-11-21T09:30:00.123456Z");
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    let first = ask(&service.client, "a").await;
    clock.advance(HOUR);
    ask(&service.client, "b").await.assert_ok();
    clock.advance(22 * HOUR);
    assert_eq!(ask(&service.client, "a").await.text, first.text);
    assert_eq!(model.call_count(), 2);
    // A day and a second after the first request.
    clock.advance(HOUR + Duration::from_secs(1));
    let anew = ask(&service.client, "a").await;
    assert_ne!(anew.assert_ok()["request_id"], first.assert_ok()["request_id"]);
    assert_eq!(model.call_count(), 3);
    for _ in 0..2 {
        assert_eq!(ask(&service.client, "a").await.text, anew.text);
        ask(&service.client, "b").await.assert_ok();
    }
    assert_eq!(model.call_count(), 3);
}

#[tokio::test]
async fn if_keys_cannot_be_stored_only_turns_with_a_key_fail() {
    let (model, setup, service) = start_with(&[]).await;
    let client = &service.client;
    setup.change_database("ALTER TABLE idempotency_keys RENAME TO hidden").await;
    let answer = ask(client, "a").await;
    answer.assert_error(503, "storage_unavailable");
    assert!(!answer.header("retry-after").is_empty());
    ask_stream(client, "a").await.into_response().await.assert_error(503, "storage_unavailable");
    assert_eq!(model.call_count(), 0);
    client.chat("hello").await.assert_ok();
    setup.change_database("ALTER TABLE hidden RENAME TO idempotency_keys").await;
    ask(client, "a").await.assert_ok();
    assert_eq!(model.call_count(), 2);
}

#[tokio::test]
async fn answers_of_the_built_in_responder_are_stored_for_keys() {
    let setup = TestSetup::new().with("AI_SERVICE", "basic").with("RESUME_WINDOW", "0");
    let service = setup.start().await;
    let first = ask(&service.client, "a").await;
    assert_eq!(first.assert_ok()["model"], "basic");
    assert_eq!(ask(&service.client, "a").await.text, first.text);
    let (text, done) = ask_stream(&service.client, "a").await.text_and_end().await;
    assert_eq!((json!(text), done.data), (first.json()["message"].clone(), first.json()));
    assert_eq!(setup.log_lines("chat").len(), 1);
}

#[tokio::test]
async fn many_readers_can_join_and_leave_a_waiting_turn() {
    let (model, setup, service) = start_with(&[("RESUME_GRACE", "600ms")]).await;
    let (piece_gate, client) = (PieceGate::new(), &service.client);
    model.behave_once(gated(&["One ", "two."], &piece_gate));
    piece_gate.release(1);
    // There are moments without a reader, but never as long as the grace period.
    let mut pace = interval(Duration::from_millis(200));
    pace.tick().await;
    for _ in 0..4 {
        let mut events = ask_stream(client, "a").await;
        read_pieces(&mut events, &["One "]).await;
        drop(events);
        pace.tick().await;
    }
    piece_gate.open();
    assert_eq!(ask(client, "a").await.assert_ok()["message"], "One two.");
    assert_eq!((model.call_count(), model.disconnects(), setup.log_lines("chat").len()), (1, 0, 1));
}

#[tokio::test]
async fn an_answer_without_readers_is_stored_for_its_key() {
    let (model, setup, service) = start_with(&[("RESUME_GRACE", "0"), ("ON_DISCONNECT", "drain")]).await;
    let (client, gate) = (&service.client, Gate::new());
    model.behave_once(Behaviour::Held(gate.clone()));
    tokio::select! {
        answer = ask(client, "a") => panic!("{answer:?} arrived while the gate was closed"),
        () = model.wait_for_calls(1) => {}
    }
    gate.open();
    setup.wait_for_log_lines("chat", 1).await;
    assert_eq!(ask(client, "a").await.assert_ok()["message"], "hello");
    assert_eq!((model.call_count(), model.disconnects(), setup.log_lines("chat").len()), (1, 0, 1));
}

#[tokio::test]
async fn a_turn_interrupted_by_a_restart_is_not_run_again() {
    let (model, setup, service) = start_with(&[("DRAIN_TIMEOUT", "100ms")]).await;
    let (piece_gate, client) = (PieceGate::new(), service.client.clone());
    model.behave_once(Behaviour::Silent);
    let silent = async {
        let answer = ask(&client, "silent").await;
        answer.assert_error(503, "stopping");
    };
    let closing = async {
        model.wait_for_calls(1).await;
        model.behave_once(gated(&["One ", "two."], &piece_gate));
        piece_gate.release(1);
        let mut events = ask_stream(&client, "told").await;
        read_pieces(&mut events, &["One "]).await;
        let (end, ()) = tokio::join!(events.text_and_end(), service.stop());
        assert_eq!((end.1.name.as_str(), &end.1.data["code"]), ("error", &json!("stopping")));
    };
    tokio::join!(silent, closing);
    let service = setup.start().await;
    assert_interrupted(&service.client, &model, "told").await;
    assert_interrupted(&service.client, &model, "silent").await;
    assert_eq!((model.call_count(), setup.log_lines("chat").len()), (2, 2));
}
