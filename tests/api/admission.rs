//! Admission of turns: permits, the queue, and rejections; and backpressure from slow readers.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    fakes::model::{Behaviour, Ending, FakeModel, Gate, Pace, PieceGate, Reply, Script},
    support::{
        client::{Client, HttpResponse},
        events::Events,
        raw_connection::RawConnection,
        service::{Service, TestSetup, start_with, wait_until},
    },
};

/// Returns the value of this metric; `None` if it is missing.
pub async fn metric(client: &Client, name: &str) -> Option<f64> {
    let answer = client.get("/metrics").await;
    assert_eq!(answer.status, 200);
    let value = answer.text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.map(|value| value.parse().expect("a number"))
}

/// Waits until this many turns are running, and this many are queued.
async fn wait_for_turns(client: &Client, running: u32, waiting: u32) {
    wait_until(&format!("{running} turns and {waiting} that wait"), async || {
        let now = (metric(client, "al_chat_turns_running").await, metric(client, "al_chat_turns_waiting").await);
        (now == (Some(f64::from(running)), Some(f64::from(waiting)))).then_some(())
    })
    .await;
}

/// Asserts that a new turn is rejected immediately while all permits and the queue are in use.
async fn assert_too_busy(client: &Client) {
    let started = Instant::now();
    for body in [json!({ "message": "no" }), json!({ "message": "no", "stream": true })] {
        let answer = client.post("/api/chat", &body).await;
        answer.assert_error(503, "too_busy");
        assert_eq!(answer.header("retry-after"), "2");
    }
    assert!(started.elapsed() < Duration::from_secs(5), "the rejection took {:?}", started.elapsed());
}

/// Returns the last message of each call to the model, in order.
fn last_messages(model: &FakeModel) -> Vec<Value> {
    let last =
        |body: &Value| body["messages"].as_array().expect("messages").last().expect("a value")["content"].clone();
    model.calls().iter().map(|call| last(&call.body)).collect()
}

/// Sends a turn in the background.
fn start_turn(turns: &mut JoinSet<HttpResponse>, client: &Client, message: &'static str) {
    let client = client.clone();
    turns.spawn(async move { client.chat(message).await });
}

/// Sends a turn in the background from an address behind the proxy.
fn start_turn_from(turns: &mut JoinSet<HttpResponse>, client: &Client, address: &str, message: &str) {
    let request = client.json_request("/api/chat", &json!({ "message": message })).header("x-forwarded-for", address);
    let client = client.clone();
    turns.spawn(async move { client.send(request).await });
}

/// The settings of a service behind a proxy, of which only the permits limit turns.
const BEHIND_A_PROXY: [(&str, &str); 3] = [("PROXIES", "1"), ("LIMIT_VISITOR", "off"), ("LIMIT_ADDRESS", "off")];

/// Starts a service with one permit and no queue, unless the settings say otherwise.
async fn start_with_one_permit(settings: &[(&str, &str)]) -> (FakeModel, TestSetup, Service) {
    let mut narrow =
        vec![("MAX_TURNS", "1"), ("TURN_QUEUE", "0"), ("TURN_QUEUE_TIMEOUT", "30s"), ("MODEL_RETRIES", "0")];
    narrow.extend_from_slice(settings);
    start_with(&narrow).await
}

#[tokio::test]
async fn turns_are_admitted_in_order_and_rejected_past_the_queue() {
    let (model, setup, service) = start_with_one_permit(&[("MAX_TURNS", "2"), ("TURN_QUEUE", "2")]).await;
    let client = &service.client;
    let gates = [(); 4].map(|()| Gate::new());
    for gate in &gates {
        model.behave_once(Behaviour::Held(gate.clone()));
    }
    let mut turns = JoinSet::new();
    let lines = [("one", 1, 0), ("two", 2, 0), ("three", 2, 1), ("four", 2, 2)];
    for (message, running, waiting) in lines {
        start_turn(&mut turns, client, message);
        wait_for_turns(client, running, waiting).await;
        model.wait_for_calls(running as usize).await;
    }
    assert_too_busy(client).await;
    assert_eq!(last_messages(&model), ["one", "two"]);

    // The turns end in the reverse order of their start.
    for (gate, message, expected) in [(1, "two", "three"), (2, "three", "four")] {
        gates[gate].open();
        let calls = model.call_count();
        let answer = turns.join_next().await.expect("a turn").expect("an answer").assert_ok();
        assert_eq!(answer["message"], message);
        model.wait_for_calls(calls + 1).await;
        assert_eq!(last_messages(&model).last(), Some(&json!(expected)));
    }
    wait_for_turns(client, 2, 0).await;
    gates.iter().for_each(Gate::open);
    while let Some(answer) = turns.join_next().await {
        answer.expect("an answer").assert_ok();
    }
    wait_for_turns(client, 0, 0).await;
    let lines = setup.log_lines("chat").iter().map(|line| line["status"].clone()).collect::<Vec<_>>();
    assert_eq!(lines, [200, 200, 200, 200], "a turn that was not admitted was logged");
}

#[tokio::test]
async fn one_address_or_network_leaves_turns_for_others() {
    let address: fn(usize) -> String = |_| "192.0.2.1".to_owned();
    let network: fn(usize) -> String = |number| format!("2001:db8:1:{number:x}::1");
    for (of_abuser, running, waiting) in [(address, 6, 6), (network, 7, 7)] {
        let settings =
            [("MAX_TURNS", "8"), ("TURN_QUEUE", "8"), BEHIND_A_PROXY[0], BEHIND_A_PROXY[1], BEHIND_A_PROXY[2]];
        let (model, _setup, service) = start_with_one_permit(&settings).await;
        let (client, gate) = (&service.client, Gate::new());
        model.set_behaviour(Behaviour::Held(gate.clone()));
        let mut turns = JoinSet::new();
        for number in 0..80 {
            start_turn_from(&mut turns, client, &of_abuser(number), "mine");
        }
        for _ in 0..80 - running - waiting {
            turns.join_next().await.unwrap().unwrap().assert_error(503, "too_busy");
        }
        wait_for_turns(client, running, waiting).await;

        for other in ["192.0.2.2", "2001:db8:2::1"] {
            model.behave_once(Behaviour::Answer(Reply::default()));
            let mut others = JoinSet::new();
            start_turn_from(&mut others, client, other, "hello");
            others.join_next().await.unwrap().unwrap().assert_ok();
        }
        wait_for_turns(client, running, waiting).await;
        gate.open();
        while let Some(answer) = turns.join_next().await {
            answer.expect("an answer").assert_ok();
        }
    }
}

#[tokio::test]
async fn addresses_take_turns_in_the_queue() {
    let settings = [("TURN_QUEUE", "8"), BEHIND_A_PROXY[0], BEHIND_A_PROXY[1], BEHIND_A_PROXY[2]];
    let (model, _setup, service) = start_with_one_permit(&settings).await;
    let (client, gates) = (&service.client, [(); 4].map(|()| Gate::new()));
    for gate in &gates {
        model.behave_once(Behaviour::Held(gate.clone()));
    }
    let mut turns = JoinSet::new();
    let asked = [("192.0.2.1", "first"), ("192.0.2.1", "second"), ("192.0.2.1", "third"), ("192.0.2.2", "another's")];
    for ((address, message), waiting) in asked.into_iter().zip(0..) {
        start_turn_from(&mut turns, client, address, message);
        wait_for_turns(client, 1, waiting).await;
        model.wait_for_calls(1).await;
    }
    for (gate, calls) in gates.iter().zip(2..) {
        gate.open();
        turns.join_next().await.expect("a turn").expect("an answer").assert_ok();
        if calls <= gates.len() {
            model.wait_for_calls(calls).await;
        }
    }
    assert_eq!(last_messages(&model), ["first", "another's", "second", "third"]);
}

#[tokio::test]
async fn a_turn_is_rejected_after_the_maximum_queue_time() {
    const QUEUE_TIMEOUT: Duration = Duration::from_millis(200);
    let (model, setup, service) = start_with_one_permit(&[("TURN_QUEUE", "1"), ("TURN_QUEUE_TIMEOUT", "200ms")]).await;
    let (client, gate) = (&service.client, Gate::new());
    model.behave_once(Behaviour::Held(gate.clone()));
    let mut turns = JoinSet::new();
    start_turn(&mut turns, client, "one");
    model.wait_for_calls(1).await;
    for stream in [false, true] {
        let started = Instant::now();
        let answer = client.post("/api/chat", &json!({ "message": "two", "stream": stream })).await;
        assert!(started.elapsed() >= QUEUE_TIMEOUT, "the wait was only {:?}", started.elapsed());
        answer.assert_error(503, "too_busy");
        assert_eq!(answer.header("retry-after"), "2");
        let line = setup.log_lines("chat").pop().expect("a chat line");
        assert_eq!((&line["status"], &line["code"], &line["attempts"]), (&json!(503), &json!("too_busy"), &json!(0)));
    }
    assert_eq!(model.call_count(), 1);
    wait_for_turns(client, 1, 0).await;
    gate.open();
    turns.join_next().await.unwrap().unwrap().assert_ok();
    client.chat("three").await.assert_ok();
}

#[tokio::test]
async fn a_stream_starts_only_after_admission() {
    let (model, _setup, service) = start_with_one_permit(&[("TURN_QUEUE", "1"), ("TURN_QUEUE_TIMEOUT", "600ms")]).await;
    let client = &service.client;
    model.behave_once(Behaviour::Silent);
    let mut first = JoinSet::new();
    start_turn(&mut first, client, "one");
    model.wait_for_calls(1).await;
    client.stream_chat("two").await.into_response().await.assert_error(503, "too_busy");
    assert_eq!(model.call_count(), 1);
}

#[tokio::test]
async fn a_client_that_leaves_the_queue_frees_its_position() {
    let (model, setup, service) = start_with_one_permit(&[("TURN_QUEUE", "1")]).await;
    let (client, gate) = (&service.client, Gate::new());
    model.set_behaviour(Behaviour::Held(gate.clone()));
    let mut turns = JoinSet::new();
    start_turn(&mut turns, client, "one");
    model.wait_for_calls(1).await;
    for message in ["two", "three", "four"] {
        tokio::select! {
            answer = client.chat(message) => panic!("{answer:?} arrived while the gate was closed"),
            () = wait_for_turns(client, 1, 1) => {}
        }
        wait_for_turns(client, 1, 0).await;
    }
    start_turn(&mut turns, client, "five");
    wait_for_turns(client, 1, 1).await;
    assert_too_busy(client).await;
    gate.open();
    while let Some(answer) = turns.join_next().await {
        answer.expect("an answer").assert_ok();
    }
    assert_eq!(last_messages(&model), ["one", "five"]);
    let disconnected = setup.log_lines("chat").into_iter().filter(|line| line["finish"] == "client_gone");
    assert_eq!(disconnected.count(), 3);
}

/// Asserts that the next turn gets a permit after this one has ended.
async fn assert_permit_is_free_after<F: Future<Output = ()>>(
    settings: &[(&str, &str)],
    behaviour: Behaviour,
    turn: impl FnOnce(FakeModel, Client) -> F,
) {
    let (model, setup, service) = start_with_one_permit(settings).await;
    model.behave_once(behaviour);
    turn(model.clone(), service.client.clone()).await;
    setup.wait_for_log_lines("chat", 1).await;
    service.client.chat("next").await.assert_ok();
    wait_for_turns(&service.client, 0, 0).await;
}

#[tokio::test]
async fn a_failed_turn_releases_its_permit() {
    let refusal = Behaviour::Respond { status: 500, headers: vec![], body: "{}".to_owned() };
    assert_permit_is_free_after(&[], refusal, |_, client| async move {
        client.chat("hello").await.assert_error(502, "model_failed");
    })
    .await;
}

#[tokio::test]
async fn a_truncated_turn_releases_its_permit() {
    let cut = Behaviour::Stream(Script { ending: Ending::CutOff, ..Script::default() });
    assert_permit_is_free_after(&[], cut, |_, client| async move {
        assert_eq!(client.stream_chat("hello").await.text_and_end().await.1.name, "error");
    })
    .await;
}

#[tokio::test]
async fn a_timed_out_turn_releases_its_permit() {
    assert_permit_is_free_after(&[("TURN_TIMEOUT", "700ms")], Behaviour::Silent, |_, client| async move {
        client.chat("hello").await.assert_error(504, "model_timeout");
    })
    .await;
}

#[tokio::test]
async fn a_turn_releases_its_permit_when_its_client_disconnects() {
    assert_permit_is_free_after(&[], Behaviour::Silent, |model, client| async move {
        tokio::select! {
            answer = client.chat("hello") => panic!("a silent model answered {answer:?}"),
            () = model.wait_for_calls(1) => {}
        }
    })
    .await;
}

#[tokio::test]
async fn a_stopped_turn_releases_its_permit() {
    let waits = Behaviour::Stream(Script { pace: Pace::Gated(PieceGate::new()), ..Script::default() });
    assert_permit_is_free_after(&[], waits, |_, client| async move {
        let events = client.stream_chat("hello").await;
        client.post(&format!("/api/chat/{}/stop", events.request_id()), &json!({})).await.assert_ok();
        assert_eq!(events.text_and_end().await.1.data["finish_reason"], "stopped");
    })
    .await;
}

#[tokio::test]
async fn a_turn_that_is_not_admitted_releases_its_idempotency_key() {
    let (model, _setup, service) = start_with_one_permit(&[("TURN_QUEUE", "1"), ("TURN_QUEUE_TIMEOUT", "100ms")]).await;
    let (client, gate) = (&service.client, Gate::new());
    model.behave_once(Behaviour::Held(gate.clone()));
    let ask = async || {
        let request = client.json_request("/api/chat", &json!({ "message": "hello" }));
        client.send(request.header("idempotency-key", "b")).await
    };
    let mut turns = JoinSet::new();
    start_turn(&mut turns, client, "one");
    model.wait_for_calls(1).await;
    for _ in 0..2 {
        ask().await.assert_error(503, "too_busy");
    }
    gate.open();
    turns.join_next().await.unwrap().unwrap().assert_ok();
    ask().await.assert_ok();
    assert_eq!(model.call_count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_never_exceeds_the_number_of_permits() {
    let (model, setup, service) = start_with_one_permit(&[("MAX_TURNS", "3"), ("TURN_QUEUE", "4")]).await;
    let (client, gate) = (&service.client, Gate::new());
    model.set_behaviour(Behaviour::Held(gate.clone()));
    let mut turns = JoinSet::new();
    for _ in 0..40 {
        start_turn(&mut turns, client, "hello");
    }
    // All turns without a permit or a place in the queue are rejected while no other turn ends.
    for _ in 0..33 {
        turns.join_next().await.unwrap().unwrap().assert_error(503, "too_busy");
    }
    wait_for_turns(client, 3, 4).await;
    assert_eq!((model.call_count(), model.open_responses()), (3, 3));
    gate.open();
    for _ in 0..7 {
        turns.join_next().await.unwrap().unwrap().assert_ok();
    }
    assert_eq!(model.call_count(), 7);
    let answered = setup.log_lines("chat").into_iter().filter(|line| line["status"] == 200);
    assert_eq!(answered.count(), 7);
}

#[tokio::test]
async fn an_answer_longer_than_the_unread_limit_is_complete() {
    let (model, _setup, service) = start_with(&[("TURN_TIMEOUT", "10s")]).await;
    let text = "x".repeat(500_000);
    let reply = Reply { text: text.clone(), ..Reply::default() };
    for behaviour in [Behaviour::Answer(reply.clone()), Behaviour::IgnoreStream(reply)] {
        model.set_behaviour(behaviour);
        assert_eq!(service.client.chat("hello").await.assert_ok()["message"], text);
        let (answer_text, done) = service.client.stream_chat("hello").await.text_and_end().await;
        assert!(answer_text == text && done.data["message"] == text, "the stream's text is another");
    }
}

/// The size of a piece of an endless answer, in bytes.
const PIECE: usize = 16 << 10;

/// The maximum size of an answer, in bytes.
const LIMIT: usize = 64 << 20;

/// A turn with an endless answer whose client reads nothing.
struct Unread {
    model: FakeModel,
    setup: TestSetup,
    service: Service,
    wire: RawConnection,
    id: String,
    /// The number of pieces that the model has sent when it is blocked.
    ahead: usize,
}

impl Unread {
    async fn start_turn() -> Self {
        let settings = [("MODEL_RESPONSE_LIMIT", "64MiB"), ("MODEL_IDLE_TIMEOUT", "100ms"), ("RESUME_GRACE", "0")];
        let (model, setup, service) = start_with(&settings).await;
        model.behave_once(Behaviour::Endless("x".repeat(PIECE)));
        // This connection buffers little. The other buffers on the way depend on the system, but are finite.
        let mut wire = RawConnection::connect_narrow(service.address(), 16 << 10).await;
        let body = json!({ "message": "slow", "stream": true }).to_string();
        let head = format!("Host: al-chat\r\nContent-Type: application/json\r\nContent-Length: {}", body.len());
        wire.send(&format!("POST /api/chat HTTP/1.1\r\n{head}\r\n\r\n{body}")).await;
        let head = wire.head().await.to_ascii_lowercase();
        let id = head.lines().find_map(|line| line.strip_prefix("x-request-id: ")).expect("a request id").to_owned();
        let ahead = wait_for_standstill(&model).await;
        assert!(ahead < LIMIT / PIECE, "only MODEL_RESPONSE_LIMIT stopped the model");
        assert_eq!(model.open_responses(), 1);
        Self { model, setup, service, wire, id, ahead }
    }
}

/// Waits until the model's first answer has made no progress for a while. Returns the number of its pieces.
async fn wait_for_standstill(model: &FakeModel) -> usize {
    let (mut pieces, mut since) = (0, Instant::now());
    wait_until("a standstill of the model", async || {
        let now = model.sent().first().map_or(0, |sent| sent.pieces);
        if now != pieces {
            (pieces, since) = (now, Instant::now());
        }
        (pieces > 0 && since.elapsed() > Duration::from_millis(300)).then_some(pieces)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_slows_down_only_its_own_model_call() {
    let Unread { model, service, mut wire, ahead, .. } = Unread::start_turn().await;
    // Other turns are answered meanwhile, and a model that is blocked by us does not run into the idle timeout.
    let started = Instant::now();
    join_all((0..20).map(async |_| service.client.chat("hello").await.assert_ok())).await;
    assert!(started.elapsed() < Duration::from_secs(5), "other turns waited {:?}", started.elapsed());
    model.wait_for_open_responses(1).await;
    assert!(model.sent()[0].pieces < LIMIT / PIECE, "the model continued without a reader");
    // When the client reads, the model continues.
    while model.sent()[0].pieces == ahead {
        wire.read(256 << 10).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fast_reader_is_not_slowed_by_a_slow_one_of_the_same_turn() {
    let Unread { model, service, wire: _wire, id, ahead, .. } = Unread::start_turn().await;
    let mut fast = RawConnection::connect(service.address()).await;
    fast.send(&format!("GET /api/chat/{id}/events HTTP/1.1\r\nHost: al-chat\r\n\r\n")).await;
    while model.sent()[0].pieces <= ahead {
        fast.read(256 << 10).await;
    }
}

#[tokio::test]
async fn a_slow_reader_that_disconnects_ends_the_turn() {
    let Unread { model, setup, wire, id, ahead, .. } = Unread::start_turn().await;
    drop(wire);
    model.wait_for_disconnects(1).await;
    let line = setup.wait_for_log_lines("chat", 1).await.remove(0);
    assert_eq!((&line["request_id"], &line["code"]), (&json!(id), &json!("client_gone")));
    let chars = line["answer_chars"].as_u64().unwrap();
    assert!(chars > 0 && chars <= (ahead * PIECE) as u64, "{chars} characters of {ahead} pieces");
}

#[tokio::test]
async fn a_long_stream_is_complete_and_in_order() {
    let (model, setup, service) = start_with(&[]).await;
    let pieces = (0..256).map(|number| format!("{number:04}").repeat(1 << 10)).collect();
    let script = Script { pieces, ..Script::default() };
    let text = script.text();
    model.behave_once(Behaviour::Stream(script));
    let mut events = service.client.stream_chat("hello").await;
    let mut received = String::new();
    while let Some(event) = events.next().await {
        match event.name.as_str() {
            "delta" => received += event.data["content"].as_str().unwrap(),
            "done" => assert!(event.data["message"] == text, "the text of the answer differs"),
            name => assert_eq!(name, "start"),
        }
    }
    assert!(received == text, "the pieces differ, or their order does");
    assert_eq!(setup.log_lines("chat")[0]["answer_chars"], text.len());
}

#[tokio::test]
async fn metrics_count_turns_by_result() {
    let (model, _setup, service) = start_with(&[("MODEL_RETRIES", "0"), ("FALLBACK_MODELS", "spare")]).await;
    let client = &service.client;
    client.chat("hello").await.assert_ok();
    client.stream_chat("hello").await.remaining().await;
    model.behave_once(Behaviour::Answer(Reply { finish_reason: "length".into(), ..Reply::default() }));
    client.chat("hello").await.assert_ok();
    model.behave_once(Behaviour::Respond { status: 400, headers: vec![], body: "{}".to_owned() });
    client.chat("hello").await.assert_error(400, "request_refused");
    model.behave_once(Behaviour::Stream(Script { pace: Pace::Gated(PieceGate::new()), ..Script::default() }));
    let events: Events = client.stream_chat("hello").await;
    wait_for_turns(client, 1, 0).await;
    client.post(&format!("/api/chat/{}/stop", events.request_id()), &json!({})).await.assert_ok();
    events.remaining().await;
    // A turn of another model.
    model.behave_once(Behaviour::CloseImmediately);
    assert_eq!(client.chat("hello").await.assert_ok()["model"], "spare");

    for (name, expected) in [
        ("al_chat_turns_total{model=\"gpt-4o-mini\",finish=\"complete\"}", 2.0),
        ("al_chat_turns_total{model=\"gpt-4o-mini\",finish=\"length\"}", 1.0),
        ("al_chat_turns_total{model=\"gpt-4o-mini\",finish=\"upstream_error\"}", 1.0),
        ("al_chat_turns_total{model=\"gpt-4o-mini\",finish=\"stopped\"}", 1.0),
        ("al_chat_turns_total{model=\"spare\",finish=\"complete\"}", 1.0),
        ("al_chat_tokens_total{model=\"spare\",kind=\"completion\"}", 6.0),
        ("al_chat_turn_seconds_count", 6.0),
        ("al_chat_first_word_seconds_count", 4.0),
        ("al_chat_turns_running", 0.0),
        ("al_chat_turns_waiting", 0.0),
        ("al_chat_model_breaker{model=\"gpt-4o-mini\"}", 0.0),
        ("al_chat_model_breaker{model=\"spare\"}", 0.0),
        ("al_chat_papita_queue", 0.0),
        ("al_chat_papita_queue_dropped_total", 0.0),
        ("al_chat_turns_refused_total", 0.0),
        ("al_chat_model_attempts_total{model=\"gpt-4o-mini\"}", 6.0),
        ("al_chat_model_attempts_total{model=\"spare\"}", 1.0),
    ] {
        assert_eq!(metric(client, name).await, Some(expected), "{name}");
    }
}
