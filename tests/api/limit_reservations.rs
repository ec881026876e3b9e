//! Reservations of limits: how much is reserved for a running turn, and at what it is settled.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use tokio::join;

use crate::{
    fakes::model::{Behaviour, FakeModel, Pace, PieceGate, Reply, Script},
    idempotency::{ask_stream, keyed},
    limits::{assert_limited, left, rest},
    support::{
        client::Client,
        service::{start_with, wait_until},
        user::{User, start_with_ada},
    },
};

/// The tokens of the question `hello` as they are reserved, without the answer.
const HELLO_TOKENS: u64 = 13;

/// The most tokens of an answer of gpt-4o-mini.
const LONGEST_ANSWER: u64 = 16_384;

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
    let (whole, ()) = join!(client.send(keyed(client, "key", &body)), async {
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

/// Asks a model that never answers, and returns what the question is reserved at.
async fn reserved(settings: &[(&str, &str)], question: &str) -> u64 {
    reserved_for(settings, &json!({ "message": question })).await
}

/// Sends a question with these fields to a model that never answers, and returns what it is reserved at.
async fn reserved_for(settings: &[(&str, &str)], body: &serde_json::Value) -> u64 {
    let limits = [("LIMIT_VISITOR", "9000000tokens/day"), ("MODEL_RETRIES", "0"), ("TURN_TIMEOUT", "300ms")];
    let (model, _setup, service) = start_with(&[&limits[..], settings].concat()).await;
    model.set_behaviour(Behaviour::Silent);
    service.client.post("/api/chat", body).await.assert_error(504, "model_timeout");
    9_000_000 - left(&service.client).await
}

#[tokio::test]
async fn a_question_is_reserved_at_most_at_the_models_window() {
    let (million, answer) = ("x".repeat(1_000_000), ("MAX_ANSWER_TOKENS", "10"));
    assert_eq!(reserved(&[answer], &million).await, 128_000 + 10);
    let of_setting = ("MODEL_WINDOWS", "mine=100000,gpt-4o-mini=1000");
    assert_eq!(reserved(&[answer, of_setting], &million).await, 128_000 + 10, "the provider reads more than was set");
    assert_eq!(reserved(&[answer, of_setting, ("OPENAI_MODEL", "mine")], &million).await, 100_000 + 10);
    assert_eq!(reserved(&[answer, ("OPENAI_MODEL", "unknown")], &million).await, 1_000_000 + 8 + 10);
}

#[tokio::test]
async fn an_image_is_reserved_at_the_largest_one() {
    let body = json!({ "message": "Look", "image": "data:image/png;base64,iVBORw0KGgo=" });
    let reserved = reserved_for(&[("MAX_ANSWER_TOKENS", "10")], &body).await;
    // Eight tiles of OpenAI's rule: 2833 + 8 * 5667.
    assert!((48_169..60_000).contains(&reserved), "{reserved}");
}

#[tokio::test]
async fn turns_of_accounts_at_once_exceed_a_limit_by_one_only() {
    const EACH: u64 = HELLO_TOKENS + LONGEST_ANSWER;
    for (name, limit, expected) in
        [("LIMIT_ADDRESS", "100000tokens/day", 100_000_u64.div_ceil(EACH)), ("LIMIT_TOTAL", "0.05usd/day", 6)]
    {
        let (model, _setup, service, ada) = start_with_ada(&[("LIMIT_VISITOR", "off"), (name, limit)]).await;
        let users = [ada, User::register(&service.client, "bob").await];
        let [prompt_tokens, completion_tokens] = [HELLO_TOKENS, LONGEST_ANSWER].map(|it| usize::try_from(it).unwrap());
        let reply = Reply { prompt_tokens, completion_tokens, ..Reply::default() };
        let answer = Box::new(Behaviour::Answer(reply));
        model.set_behaviour(Behaviour::Delayed(Duration::from_millis(100), answer));
        let hello = json!({ "message": "hello" });
        let asked = users.iter().flat_map(|user| (0..20).map(|_| user.post("/api/chat", &hello)));
        let answers = join_all(asked).await;
        let answered = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!((answered as u64, model.call_count() as u64), (expected, expected), "{limit}");
    }
}

#[tokio::test]
async fn a_model_that_reasons_is_reserved_with_its_reasoning() {
    let model = ("OPENAI_MODEL", "o3-mini");
    assert_eq!(reserved(&[model], "hello").await, HELLO_TOKENS + 100_000);
    assert_eq!(reserved(&[model, ("MAX_ANSWER_TOKENS", "1000")], "hello").await, HELLO_TOKENS + 1000 + 4096);
    assert_eq!(reserved(&[("MAX_ANSWER_TOKENS", "1000")], "hello").await, HELLO_TOKENS + 1000);
    assert_eq!(reserved(&[], "hello").await, HELLO_TOKENS + LONGEST_ANSWER);
    assert_eq!(
        reserved(&[("OPENAI_MODEL", "mine")], "hello").await,
        HELLO_TOKENS + 8192,
        "as many as fit into its window"
    );
}

#[tokio::test]
async fn a_stopped_stream_counts_what_it_may_have_reasoned_meanwhile() {
    for (name, reasons) in [("o3-mini", true), ("gpt-4o-mini", false)] {
        let begun = Instant::now();
        let settings = [("LIMIT_VISITOR", "200000tokens/day"), ("OPENAI_MODEL", name)];
        let (model, _setup, service) = start_with(&settings).await;
        let (gate, pieces) = (PieceGate::new(), ["One ", "two."].map(str::to_owned).to_vec());
        model.behave_once(Behaviour::Stream(Script { pieces, pace: Pace::Gated(gate.clone()), ..Script::default() }));
        let mut events = service.client.stream_chat("hello").await;
        let stop = service.client.request(Method::POST, &format!("/api/chat/{}/stop", events.request_id()));
        gate.release(1);
        events.read_deltas(1).await;
        service.client.send(stop).await.assert_ok();
        let (_, end) = events.text_and_end().await;
        let shown = end.data["usage"]["total_tokens"].as_u64().unwrap();
        assert!(shown < 30, "{end:?}");
        let counted = 200_000 - left(&service.client).await;
        let most = if reasons { shown + 3000 * (begun.elapsed().as_secs() + 1) } else { shown };
        let least = if reasons { shown + 3000 } else { shown };
        assert!((least..=most.min(HELLO_TOKENS + 100_000)).contains(&counted), "{name}: {counted}");
    }
}

/// Returns what is left for an account, without a turn.
async fn left_for(user: &User) -> u64 {
    let answer = user.post("/api/chat", &json!({ "message": "hello", "model": "not-allowed" })).await;
    answer.assert_error(400, "model_not_allowed");
    rest(&answer)
}

/// Creates a chat whose history is this many bytes long.
async fn chat_with_history(ada: &User, bytes: usize) -> i64 {
    let chat = ada.create_chat().await;
    ada.ask(chat, &"word ".repeat(bytes / 5)).await;
    chat
}

/// Holds the next call back until the gate opens, and answers it with few tokens then.
fn hold_next(model: &FakeModel) -> PieceGate {
    let (gate, pieces) = (PieceGate::new(), vec!["Well.".to_owned()]);
    let pace = Pace::Gated(gate.clone());
    model.behave_once(Behaviour::Stream(Script { pieces, pace, prompt_tokens: 1, ..Script::default() }));
    gate
}

#[tokio::test]
async fn the_history_of_a_stored_chat_is_reserved_before_it_is_sent() {
    let settings = [("LIMIT_VISITOR", "60500tokens/day"), ("MAX_ANSWER_TOKENS", "10")];
    let (model, _setup, service, ada) = start_with_ada(&settings).await;
    let few = Reply { prompt_tokens: 1, completion_tokens: 1, ..Reply::default() };
    model.set_behaviour(Behaviour::Answer(few));
    let (chat, other) = (chat_with_history(&ada, 60_000).await, chat_with_history(&ada, 90_000).await);
    let (first_gate, other_gate) = (hold_next(&model), hold_next(&model));
    let (first, refused, in_other, ()) = join!(
        ada.send(chat, "first"),
        async {
            model.wait_for_calls(3).await;
            let second = ada.send(chat, "second").await;
            other_gate.open();
            second
        },
        async {
            wait_until("the second question to wait", async || (left_for(&ada).await < 420).then_some(())).await;
            ada.send(other, "third").await
        },
        async {
            model.wait_for_calls(4).await;
            assert_eq!(left_for(&ada).await, 0);
            first_gate.open();
        },
    );
    first.assert_ok();
    let details = assert_limited(&refused, "limit_reached", "visitor", "tokens", "day");
    assert_eq!((&details["retry_after_seconds"], model.call_count()), (&json!(5), 4));
    in_other.assert_ok();
    let metrics = service.client.get("/metrics").await.text;
    let counted = "al_chat_turns_limited_total{limit=\"visitor\",unit=\"tokens\",window=\"day\"} 1\n";
    assert!(metrics.contains(counted), "{metrics}");
    ada.retry(details["user_message_id"].as_i64().unwrap()).await.assert_ok();
}

#[tokio::test]
async fn an_invalid_question_is_refused_before_a_limit_refuses_it() {
    let (model, _setup, service) = start_with(&[("LIMIT_VISITOR", "1/day"), ("VISION_MODELS", "gpt-4o-mini")]).await;
    service.client.chat("hello").await.assert_ok();
    let shown =
        |host: usize| json!({ "role": "user", "content": "Look", "image": format!("https://h{host}.example/a.png") });
    let history = (0..17).map(shown).collect::<Vec<_>>();
    for key in [false, true] {
        let mut request = service.client.json_request("/api/chat", &json!({ "message": "Which?", "history": history }));
        if key {
            request = request.header("idempotency-key", "key");
        }
        service.client.send(request).await.assert_error(400, "invalid_image");
    }
    assert_eq!(model.call_count(), 1);
}

#[tokio::test]
async fn a_question_whose_chat_is_busy_reserves_nothing_afterwards() {
    let settings = [("LIMIT_VISITOR", "3/day"), ("TURN_TIMEOUT", "500ms"), ("MODEL_RETRIES", "0")];
    let (model, _setup, _service, ada) = start_with_ada(&settings).await;
    let chat = ada.create_chat().await;
    let (gate, pieces) = (PieceGate::new(), ["One ", "two."].map(str::to_owned).to_vec());
    model.behave_once(Behaviour::Stream(Script { pieces, pace: Pace::Gated(gate.clone()), ..Script::default() }));
    gate.release(1);
    let mut events = ada.stream(chat, "Count").await;
    events.read_deltas(1).await;
    for _ in 0..3 {
        ada.send(chat, "Hello?").await.assert_error(503, "chat_busy");
    }
    assert_eq!(left_for(&ada).await, 2);
    gate.open();
    events.text_and_end().await;
    assert_eq!(left_for(&ada).await, 2);
}
