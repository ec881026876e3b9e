//! Limits of usage: what a visitor, an address and all together may use in a minute and on a day.

use std::{collections::BTreeMap, time::Duration};

use futures_util::{StreamExt, future::join_all, stream};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::join;

use crate::{
    command_line::run,
    fakes::model::{Behaviour, FakeModel, Gate, Pace, PieceGate, Reply, Script},
    idempotency::ask,
    support::{
        client::{Client, HttpResponse},
        events::Events,
        manual_clock::ManualClock,
        service::{Service, TestSetup, start_with},
        user::start_with_ada,
        visitor::Visitor,
    },
};

const NOON: &str = "2026-05-04T12:00:00Z";
const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

/// The tokens of the fake model's default reply.
const REPLY_TOKENS: u64 = 18;

/// The limits of visitors and addresses, switched off.
const OFF: [(&str, &str); 2] = [("LIMIT_VISITOR", "off"), ("LIMIT_ADDRESS", "off")];

/// A service with a clock that the test sets.
struct Clocked {
    model: FakeModel,
    setup: TestSetup,
    service: Service,
    clock: ManualClock,
}

async fn start_clocked(settings: &[(&str, &str)]) -> Clocked {
    let (model, clock) = (FakeModel::start().await, ManualClock::at(NOON));
    let setup = TestSetup::for_model(&model).with("MODEL_RETRIES", "0").with_all(&OFF).with_all(settings);
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    Clocked { model, setup, service, clock }
}

/// Asserts that a limit has refused the request, and returns the details.
#[track_caller]
pub fn assert_limited(answer: &HttpResponse, code: &str, limit: &str, unit: &str, window: &str) -> Value {
    answer.assert_error(429, code);
    let details = answer.json()["details"].clone();
    assert_eq!(
        (&details["limit"], &details["unit"], &details["window"]),
        (&json!(limit), &json!(unit), &json!(window))
    );
    let seconds = details["retry_after_seconds"].as_u64().expect("seconds");
    assert!((1..=86_400).contains(&seconds), "{details}");
    assert_eq!(answer.header("retry-after"), seconds.to_string());
    details
}

/// Returns the rest of the nearest limit in a response's headers.
#[track_caller]
pub fn rest(answer: &HttpResponse) -> u64 {
    let header = answer.header("ratelimit");
    let rest = header.split(';').find_map(|part| part.strip_prefix("r="));
    rest.unwrap_or_else(|| panic!("{header:?} has no rest")).parse().expect("a number")
}

/// Returns what is left of the nearest limit, without a turn.
pub async fn left(client: &Client) -> u64 {
    let answer = client.post("/api/chat", &json!({ "message": "hello", "model": "not-allowed" })).await;
    answer.assert_error(400, "model_not_allowed");
    rest(&answer)
}

async fn start_session(client: &Client) -> String {
    let body = client.post("/api/session/start", &json!({})).await.assert_ok();
    body["session_id"].as_str().expect("an id").to_owned()
}

async fn chat_in(client: &Client, session: &str) -> HttpResponse {
    client.send(client.json_request("/api/chat", &json!({ "message": "hello" })).header("x-session-id", session)).await
}

fn from(client: &Client, address: &str) -> RequestBuilder {
    client.json_request("/api/chat", &json!({ "message": "hello" })).header("x-forwarded-for", address)
}

async fn chat_from(client: &Client, address: &str) -> HttpResponse {
    client.send(from(client, address)).await
}

#[tokio::test]
async fn each_unit_and_window_ends_and_begins_again() {
    for (setting, limits, code, unit, window) in [
        ("LIMIT_VISITOR", "2/minute", "limit_reached", "turns", "minute"),
        ("LIMIT_ADDRESS", "2/day", "limit_reached", "turns", "day"),
        ("LIMIT_TOTAL", "20tokens/minute", "limit_reached", "tokens", "minute"),
        ("LIMIT_VISITOR", "36tokens/day", "limit_reached", "tokens", "day"),
        ("LIMIT_ADDRESS", "0.00001usd/minute", "limit_reached", "usd", "minute"),
        ("LIMIT_TOTAL", "0.00001usd/day", "budget_spent", "usd", "day"),
    ] {
        let Clocked { model, service, clock, .. } = start_clocked(&[(setting, limits)]).await;
        for _ in 0..2 {
            service.client.chat("hello").await.assert_ok();
        }
        let scope = setting.trim_start_matches("LIMIT_").to_ascii_lowercase();
        let details = assert_limited(&service.client.chat("hello").await, code, &scope, unit, window);
        let wait = Duration::from_secs(details["retry_after_seconds"].as_u64().unwrap());
        assert_limited(&service.client.chat("hello").await, code, &scope, unit, window);
        assert_eq!(model.call_count(), 2, "{limits}");
        assert!(wait <= if window == "minute" { MINUTE } else { DAY }, "{details}");
        clock.advance(wait);
        service.client.chat("hello").await.assert_ok();
    }
}

#[tokio::test]
async fn the_longest_wait_of_all_limits_is_told() {
    let Clocked { model: _model, service, clock, .. } =
        start_clocked(&[("LIMIT_VISITOR", "2/minute, 3/day"), ("LIMIT_TOTAL", "2/minute")]).await;
    for _ in 0..2 {
        service.client.chat("hello").await.assert_ok();
    }
    assert_limited(&service.client.chat("hello").await, "limit_reached", "total", "turns", "minute");
    clock.advance(MINUTE);
    service.client.chat("hello").await.assert_ok();
    assert_limited(&service.client.chat("hello").await, "limit_reached", "visitor", "turns", "day");
}

#[tokio::test]
async fn a_greedy_visitor_keeps_nobody_else_out() {
    let Clocked { model: _model, service, .. } = start_clocked(&[("LIMIT_VISITOR", "2/minute")]).await;
    let client = &service.client;
    let (greedy, modest) = (start_session(client).await, start_session(client).await);
    for _ in 0..2 {
        chat_in(client, &greedy).await.assert_ok();
    }
    for _ in 0..20 {
        assert_limited(&chat_in(client, &greedy).await, "limit_reached", "visitor", "turns", "minute");
    }
    for _ in 0..2 {
        chat_in(client, &modest).await.assert_ok();
    }
}

#[tokio::test]
async fn made_up_sessions_are_the_address() {
    let Clocked { model: _model, service, .. } = start_clocked(&[("LIMIT_VISITOR", "2/minute")]).await;
    let client = &service.client;
    let mut altered = start_session(client).await;
    altered.insert(9, '1');
    chat_in(client, "session_20240115_103000").await.assert_ok();
    chat_in(client, &altered).await.assert_ok();
    for made_up in ["session_20240115_103001", "x", &altered] {
        assert_limited(&chat_in(client, made_up).await, "limit_reached", "visitor", "turns", "minute");
    }
    chat_in(client, &start_session(client).await).await.assert_ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abuser_at_a_hundred_times_its_limit_keeps_nobody_out() {
    let limits = [("LIMIT_VISITOR", "5/minute"), ("LIMIT_ADDRESS", "200/minute"), ("PROXIES", "1")];
    let permits = [("MAX_TURNS", "16"), ("TURN_QUEUE", "200"), ("TURN_QUEUE_TIMEOUT", "10s")];
    let Clocked { model: _model, service, .. } = start_clocked(&[limits, permits].concat()).await;
    let client = &service.client;
    let abuser = start_session(client).await;
    let visitors = join_all((0..100).map(|_| start_session(client))).await;
    let ask =
        async |session: &str, address: &str| client.send(from(client, address).header("x-session-id", session)).await;

    // Each request is sent on a connection of its own, of which there are not as many.
    let abuse = stream::iter((0..500).map(|_| ask(&abuser, "192.0.2.1"))).buffer_unordered(50).collect::<Vec<_>>();
    let school = join_all(visitors.iter().map(|visitor| ask(visitor, "192.0.2.2")));
    let (abuse, school) = join!(abuse, school);
    for answer in school {
        answer.assert_ok();
    }
    let (served, refused) = abuse.iter().partition::<Vec<_>, _>(|answer| answer.status == 200);
    assert_eq!((served.len(), refused.len()), (5, 495));
    for answer in refused {
        assert_limited(answer, "limit_reached", "visitor", "turns", "minute");
    }
}

#[tokio::test]
async fn an_address_with_a_hundred_visitors_bounds_no_other() {
    let settings = [("LIMIT_VISITOR", "2/minute"), ("LIMIT_ADDRESS", "100/minute"), ("PROXIES", "1")];
    let Clocked { model: _model, service, .. } = start_clocked(&settings).await;
    let client = &service.client;
    let visit = async |address: &'static str| {
        let session = start_session(client).await;
        client.send(from(client, address).header("x-session-id", session)).await
    };
    let answers = stream::iter(0..100).map(|_| visit("192.0.2.1")).buffer_unordered(8).collect::<Vec<_>>().await;
    for answer in &answers {
        answer.assert_ok();
    }
    assert_limited(&visit("192.0.2.1").await, "limit_reached", "address", "turns", "minute");
    visit("192.0.2.2").await.assert_ok();
}

#[tokio::test]
async fn a_refused_turn_takes_nothing_from_any_limit() {
    let settings = [("LIMIT_VISITOR", "5/day"), ("LIMIT_ADDRESS", "2/minute"), ("LIMIT_TOTAL", "6/day")];
    let Clocked { model: _model, service, clock, .. } = start_clocked(&settings).await;
    for answered in [2, 2, 1] {
        for _ in 0..answered {
            service.client.chat("hello").await.assert_ok();
        }
        for _ in 0..10 {
            service.client.chat("hello").await.assert_error(429, "limit_reached");
        }
        clock.advance(MINUTE);
    }
    assert_limited(&service.client.chat("hello").await, "limit_reached", "visitor", "turns", "day");
    chat_in(&service.client, &start_session(&service.client).await).await.assert_ok();
    let another = chat_in(&service.client, &start_session(&service.client).await).await;
    assert_limited(&another, "limit_reached", "total", "turns", "day");
}

#[tokio::test]
async fn fifty_turns_at_once_spend_a_budget_for_five_once() {
    // What turns cost is as much as their reservation, also if each byte is a token.
    let dense = "\u{13000}".repeat(148);
    for (question, prompt_tokens, limit) in [("four", 12, "0.000027usd/day"), (&dense, 600, "0.000468usd/day")] {
        let Clocked { model, service, .. } = start_clocked(&[("LIMIT_TOTAL", limit), ("MAX_ANSWER_TOKENS", "6")]).await;
        let answer = Box::new(Behaviour::Answer(Reply { prompt_tokens, ..Reply::default() }));
        model.set_behaviour(Behaviour::Delayed(Duration::from_millis(100), answer));
        let answers = join_all((0..50).map(|_| service.client.chat(question))).await;
        let answered = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!((answered, model.call_count()), (5, 5), "{limit}");
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            let code = answer.json()["code"].clone();
            assert!(code == "limit_reached" || code == "budget_spent", "{code}");
        }
        assert_limited(&service.client.chat("hello").await, "budget_spent", "total", "usd", "day");
    }
}

#[tokio::test]
async fn turns_settle_at_what_they_cost() {
    let Clocked { model, service, .. } = start_clocked(&[("LIMIT_VISITOR", "100000tokens/day")]).await;
    let client = &service.client;
    let mut left = 100_000;
    let mut spent = |answer: &HttpResponse| {
        let before = std::mem::replace(&mut left, rest(answer));
        before - rest(answer)
    };
    assert_eq!(spent(&client.chat("hello").await), REPLY_TOKENS);
    let refusal = Behaviour::Respond { status: 500, headers: vec![], body: "{}".to_owned() };
    model.behave_once(refusal);
    let failed = client.chat("hello").await;
    failed.assert_error(502, "model_failed");
    assert_eq!(spent(&failed), 0);
    assert_eq!(spent(&ask(client, "once").await), REPLY_TOKENS);
    assert_eq!(spent(&ask(client, "once").await), 0);
    let reused = client.json_request("/api/chat", &json!({ "message": "another" })).header("idempotency-key", "once");
    assert_eq!(spent(&client.send(reused).await), 0);

    let (gate, pieces) = (PieceGate::new(), ["One ", "two ", "three."].map(str::to_owned).to_vec());
    model.behave_once(Behaviour::Stream(Script { pieces, pace: Pace::Gated(gate.clone()), ..Script::default() }));
    let mut events = client.stream_chat("hello").await;
    let id = events.request_id();
    gate.release(2);
    events.read_deltas(2).await;
    let while_running = client.chat("hello").await;
    let reserved = spent(&while_running) - REPLY_TOKENS;
    assert!(reserved > 4096, "an answer without a limit is reserved at {reserved} tokens");
    client.send(client.request(Method::POST, &format!("/api/chat/{id}/stop"))).await.assert_ok();
    let (_, end) = events.text_and_end().await;
    let stopped = end.data["usage"]["total_tokens"].as_u64().unwrap();
    assert_eq!(rest(&client.chat("hello").await), left + reserved - stopped - REPLY_TOKENS);
}

#[tokio::test]
async fn a_turn_counts_once_a_model_was_asked() {
    let Clocked { model, service, .. } = start_clocked(&[("LIMIT_VISITOR", "3/day")]).await;
    let client = &service.client;
    let private = client.post("/api/chat", &json!({ "message": "Look", "image": "https://127.0.0.1/a.png" })).await;
    private.assert_error(400, "image_not_public");
    assert_eq!(rest(&private), 3);
    model.behave_once(Behaviour::Respond { status: 400, headers: vec![], body: "{}".to_owned() });
    let refused = client.chat("hello").await;
    refused.assert_error(400, "request_refused");
    assert_eq!(rest(&refused), 2);
    assert_eq!(rest(&client.chat("hello").await), 1);
}

#[tokio::test]
async fn a_repeated_turn_is_free_and_a_refused_one_claims_no_key() {
    let Clocked { model, setup, service, clock } = start_clocked(&[("LIMIT_VISITOR", "1/day")]).await;
    let client = &service.client;
    let first = ask(client, "first").await.assert_ok();
    assert_limited(&ask(client, "second").await, "limit_reached", "visitor", "turns", "day");
    assert_eq!(ask(client, "first").await.assert_ok(), first);
    assert_eq!((setup.count_rows("idempotency_keys").await, model.call_count()), (1, 1));
    clock.advance(DAY);
    ask(client, "second").await.assert_ok();
}

#[tokio::test]
async fn keys_beyond_a_limit_load_the_database_little() {
    let Clocked { model, setup, service, clock } = start_clocked(&[("LIMIT_VISITOR", "1/day")]).await;
    let client = &service.client;
    let first = ask(client, "first").await.assert_ok();
    setup.change_database("ALTER TABLE idempotency_keys RENAME TO away").await;
    // The answer is in memory.
    assert_eq!(ask(client, "first").await.assert_ok(), first);
    let look_ups = async || {
        let other = async |key: u32| ask(client, &format!("other-{key}")).await;
        let answers = stream::iter(0..30).then(other).collect::<Vec<_>>().await;
        for refused in answers.iter().filter(|answer| answer.status != 503) {
            assert_limited(refused, "limit_reached", "visitor", "turns", "day");
        }
        answers.iter().filter(|answer| answer.status == 503).count()
    };
    assert_eq!((look_ups().await, look_ups().await), (20, 0));
    clock.advance(MINUTE);
    assert_eq!(look_ups().await, 20);
    setup.change_database("ALTER TABLE away RENAME TO idempotency_keys").await;
    // The answer is in the database.
    service.stop().await;
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    assert_eq!(ask(&service.client, "first").await.assert_ok()["message"], first["message"]);
    assert_eq!(model.call_count(), 1);
}

#[tokio::test]
async fn the_key_of_a_turn_without_a_model_is_refused_and_stays_free() {
    let settings =
        [("LIMIT_VISITOR", "1/day"), ("MAX_TURNS", "1"), ("TURN_QUEUE", "1"), ("TURN_QUEUE_TIMEOUT", "50ms")];
    let Clocked { model, service, clock, .. } = start_clocked(&settings).await;
    let client = &service.client;
    client.chat("hello").await.assert_ok();
    for _ in 0..2 {
        assert_limited(&ask(client, "key").await, "limit_reached", "visitor", "turns", "day");
    }
    clock.advance(DAY);
    assert_eq!((ask(client, "key").await.status.as_u16(), model.call_count()), (200, 2));
}

#[tokio::test]
async fn an_account_is_one_visitor_at_all_endpoints_and_addresses() {
    let settings = [("LIMIT_VISITOR", "3/day"), ("LIMIT_ADDRESS", "off"), ("PROXIES", "1")];
    let (_model, _setup, service, ada) = start_with_ada(&settings).await;
    let chat = ada.create_chat().await;
    ada.send(chat, "hello").await.assert_ok();
    ada.post("/api/chat", &json!({ "message": "hello" })).await.assert_ok();
    service.client.send(from(&service.client, "192.0.2.7").bearer_auth(&ada.token)).await.assert_ok();
    assert_limited(&ada.send(chat, "hello").await, "limit_reached", "visitor", "turns", "day");
    service.client.chat("hello").await.assert_ok();
    assert_eq!(ada.transcript(chat).await.len(), 2, "a refused message is not stored");
}

#[tokio::test]
async fn a_refused_visitor_of_the_portal_is_not_stored() {
    let Clocked { model: _model, setup, service, .. } =
        start_clocked(&[("LIMIT_VISITOR", "1/day"), ("LIMIT_ADDRESS", "2/day")]).await;
    let client = &service.client;
    let [one, two, three] = [(); 3].map(|()| Visitor::first_visit(client));
    let (one, two, three) = (one.await, two.await, three.await);
    one.ask("hello").await;
    let refused = one.send("hello").await;
    assert_limited(&refused, "limit_reached", "visitor", "turns", "day");
    assert_eq!(refused.json()["success"], false);
    two.ask("hello").await;
    assert_limited(&three.send("hello").await, "limit_reached", "address", "turns", "day");
    let keyed = three.json_request("/chat", &json!({ "message": "hello" })).header("idempotency-key", "a");
    assert_limited(&client.send(keyed).await, "limit_reached", "address", "turns", "day");
    assert_eq!(setup.count_rows("visitors").await, 2);
}

#[tokio::test]
async fn defaults_do_not_apply_to_this_machine_and_set_limits_do() {
    let (_model, _setup, service) = start_with(&[]).await;
    let client = &service.client;
    for answer in join_all((0..25).map(|_| client.chat("hello"))).await {
        answer.assert_ok();
        assert_eq!(answer.header("ratelimit"), "");
    }
    let of_proxies = [
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-forwarded-port",
        "forwarded",
        "via",
        "x-real-ip",
        "cf-connecting-ip",
        "true-client-ip",
    ];
    for header in of_proxies {
        let request = client.json_request("/api/chat", &json!({ "message": "hello" })).header(header, "192.0.2.1");
        assert_eq!(client.send(request).await.header("ratelimit-policy"), "\"visitor\";q=20;w=60", "{header}");
    }
    let (model, _setup, service) = start_with(&[("LIMIT_VISITOR", "off"), ("PROXIES", "1")]).await;
    let answer = chat_from(&service.client, "192.0.2.1").await;
    assert_eq!(answer.header("ratelimit-policy"), "\"address\";q=200;w=60");
    model.set_behaviour(Behaviour::Answer(Reply { prompt_tokens: 999_999, ..Reply::default() }));
    chat_from(&service.client, "192.0.2.2").await.assert_ok();
    assert_limited(&chat_from(&service.client, "192.0.2.2").await, "limit_reached", "address", "tokens", "day");
    // Not by the minute, since the turns may be in two of them.
    let (_model, _setup, service) = start_with(&[("LIMIT_VISITOR", "20/day")]).await;
    for _ in 0..20 {
        service.client.chat("hello").await.assert_ok();
    }
    assert_limited(&service.client.chat("hello").await, "limit_reached", "visitor", "turns", "day");
}

#[tokio::test]
async fn a_client_behind_proxies_is_its_own_address_and_an_ipv6_network_is_one() {
    let Clocked { model: _model, service, .. } =
        start_clocked(&[("LIMIT_ADDRESS", "1/minute"), ("PROXIES", "1")]).await;
    let client = &service.client;
    for (address, is_new) in [
        ("192.0.2.1", true),
        ("203.0.113.9, 192.0.2.1", false),
        ("::ffff:192.0.2.1", false),
        ("192.0.2.2", true),
        ("2001:db8:1:2::1", true),
        ("2001:db8:1:2:ffff:1:2:3", false),
        ("2001:db8:1:3::1", true),
    ] {
        let answer = chat_from(client, address).await;
        assert_eq!(answer.status, if is_new { 200 } else { 429 }, "{address}: {}", answer.text);
    }
    // Without PROXIES, the header is any client's word.
    let Clocked { model: _model, service, .. } = start_clocked(&[("LIMIT_ADDRESS", "1/minute")]).await;
    chat_from(&service.client, "192.0.2.1").await.assert_ok();
    assert_eq!(chat_from(&service.client, "192.0.2.2").await.status, 429);
}

#[tokio::test]
async fn each_answer_of_a_turn_tells_what_is_left() {
    let settings = [("LIMIT_VISITOR", "20/minute, 300/day"), ("LIMIT_TOTAL", "0.5usd/day, 1000000tokens/day")];
    let Clocked { model: _model, service, clock, .. } = start_clocked(&settings).await;
    let client = &service.client;
    let headers =
        |answer: &HttpResponse| (answer.header("ratelimit-policy").to_owned(), answer.header("ratelimit").to_owned());
    let whole = client.chat("hello").await;
    let (policy, left) = headers(&whole);
    assert_eq!(policy, "\"visitor\";q=20;w=60");
    assert!(left.starts_with("\"visitor\";r=19;t="), "{left}");
    let exposed = whole.header("access-control-expose-headers");
    assert!(exposed.contains("ratelimit-policy") && exposed.contains(", ratelimit"), "{exposed}");
    let streamed = client.stream_chat("hello").await;
    assert!(streamed.headers["ratelimit"].to_str().unwrap().starts_with("\"visitor\";r=18;t="));
    drop::<Events>(streamed);
    for _ in 0..18 {
        client.chat("hello").await.assert_ok();
    }
    let refused = client.chat("hello").await;
    let details = assert_limited(&refused, "limit_reached", "visitor", "turns", "minute");
    assert_eq!(headers(&refused).1, format!("\"visitor\";r=0;t={}", details["retry_after_seconds"]));
    clock.advance(MINUTE);
    assert_eq!(client.get("/api/health").await.header("ratelimit"), "");
    assert_eq!(client.get("/api/openai/test").await.header("ratelimit-policy"), "\"visitor\";q=300;w=86400");

    let Clocked { model: _model, service, .. } = start_clocked(&[("LIMIT_TOTAL", "0.5usd/day")]).await;
    let (policy, left) = headers(&service.client.chat("hello").await);
    assert_eq!(policy, "\"total\";q=500000;qu=\"usd-micros\";w=86400");
    assert!(left.starts_with("\"total\";r=499994;t="), "{left}");
    let Clocked { model: _model, service, .. } = start_clocked(&[("LIMIT_TOTAL", "100tokens/day")]).await;
    assert_eq!(service.client.chat("hello").await.header("ratelimit-policy"), "\"total\";q=100;qu=\"tokens\";w=86400");
}

#[tokio::test]
async fn every_endpoint_of_turns_tells_what_is_left() {
    let settings = [("LIMIT_TOTAL", "50/day"), ("MODEL_RETRIES", "0")];
    let (model, _setup, service, ada) = start_with_ada(&[&OFF[..], &settings].concat()).await;
    let (client, chat) = (&service.client, ada.create_chat().await);
    let visitor = Visitor::first_visit(client).await;
    let (mut asked, mut left) = (Vec::new(), 50);
    let mut note = |what: &str, answer: &HttpResponse| {
        left -= 1;
        assert_eq!(answer.header("ratelimit-policy"), "\"total\";q=50;w=86400", "{what}");
        assert_eq!(rest(answer), left, "{what}");
        asked.push(what.to_owned());
    };
    model.behave_once(Behaviour::Respond { status: 500, headers: vec![], body: "{}".to_owned() });
    let failed = ada.send(chat, "hello").await;
    failed.assert_error(502, "model_failed");
    note("a failed message", &failed);
    let retried = ada.retry(failed.json()["details"]["user_message_id"].as_i64().unwrap()).await;
    retried.assert_ok();
    note("retry", &retried);
    let message = json!({ "text": "hello" });
    for path in ["send", "send/stream"] {
        let answer = ada.post(&format!("/api/messages/{chat}/{path}"), &message).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        note(path, &answer);
    }
    for stream in [false, true] {
        let answer = visitor.post(&json!({ "message": "hello", "stream": stream })).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        note("/chat", &answer);
    }
    let body = json!({ "message": "hello", "image": "data:image/png;base64,iVBORw0KGgo=" });
    for path in ["/api/chat", "/api/chat/stream", "/api/chat/image"] {
        let answer = client.post(path, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        note(path, &answer);
    }
    assert_eq!((asked.len(), model.call_count()), (9, 9));
}

#[tokio::test]
async fn a_refusal_tells_the_limit_that_has_refused() {
    // All limits are used up: the nearest one is the first, but the longest wait is that of the last.
    let settings = [("LIMIT_VISITOR", "1/minute"), ("LIMIT_ADDRESS", "1/minute"), ("LIMIT_TOTAL", "1/day")];
    let Clocked { model: _model, service, .. } = start_clocked(&settings).await;
    service.client.chat("hello").await.assert_ok();
    for refused in [service.client.chat("hello").await, service.client.get("/api/openai/test").await] {
        let details = assert_limited(&refused, "limit_reached", "total", "turns", "day");
        assert_eq!(refused.header("ratelimit-policy"), "\"total\";q=1;w=86400");
        assert_eq!(refused.header("ratelimit"), format!("\"total\";r=0;t={}", details["retry_after_seconds"]));
    }

    // The amount is only reserved, so that there is room again before the window ends.
    let settings = [("LIMIT_VISITOR", "1/day"), ("LIMIT_TOTAL", "9/day")];
    let Clocked { model, service, .. } = start_clocked(&settings).await;
    let gate = Gate::new();
    model.behave_once(Behaviour::Held(gate.clone()));
    let (held, refused) = join!(service.client.chat("hello"), async {
        model.wait_for_calls(1).await;
        let refused = service.client.chat("hello").await;
        gate.open();
        refused
    });
    held.assert_ok();
    assert_limited(&refused, "limit_reached", "visitor", "turns", "day");
    assert_eq!((refused.header("retry-after"), refused.header("ratelimit")), ("5", "\"visitor\";r=0;t=5"));
}

#[tokio::test]
async fn a_large_question_needs_an_account() {
    let (model, _setup, service, ada) =
        start_with_ada(&[("LIMIT_ANONYMOUS_INPUT", "1KiB"), ("VISION_MODELS", "gpt-4o-mini")]).await;
    let (large, image) = ("x".repeat(1025), "data:image/png;base64,iVBORw0KGgo=");
    let half = "x".repeat(600);
    for body in [
        json!({ "message": large }),
        json!({ "message": half, "history": [{ "role": "user", "content": half }] }),
        json!({ "message": half, "attached_files": [{ "name": "a", "content": half }] }),
        json!({ "message": "hello", "image": image }),
    ] {
        let answer = service.client.post("/api/chat", &body).await;
        let sentence = answer.assert_error(413, "input_too_large");
        assert!(sentence.ends_with(". It may have 1 KiB at most"), "{sentence}");
        assert_eq!(answer.json()["details"]["limit_bytes"], 1024);
        let stream = service.client.send(service.client.json_request("/api/chat/stream", &body)).await;
        stream.assert_error(413, "input_too_large");
        ada.post("/api/chat", &body).await.assert_ok();
    }
    assert_eq!(model.call_count(), 4);
    service.client.chat(&"x".repeat(1024)).await.assert_ok();

    let (_model, _setup, service) = start_with(&[]).await;
    let body = json!({ "message": "x".repeat(401 << 10) });
    service.client.post("/api/chat", &body).await.assert_ok();
    let forwarded = service.client.json_request("/api/chat", &body).header("x-forwarded-for", "192.0.2.1");
    service.client.send(forwarded).await.assert_error(413, "input_too_large");
}

/// Returns the limit of the answer that a turn sends to the model, asked from behind a proxy or by this machine.
async fn sent_limit(model: &FakeModel, client: &Client, body: &Value, is_local: bool) -> Option<u64> {
    let request = client.json_request("/api/chat", body);
    let request = if is_local { request } else { request.header("x-forwarded-for", "192.0.2.1") };
    client.send(request).await.assert_ok();
    let sent = model.calls().last().expect("a call").body.clone();
    sent.get("max_tokens").or(sent.get("max_completion_tokens")).and_then(Value::as_u64)
}

#[tokio::test]
async fn answers_to_anonymous_visitors_are_limited() {
    let hello = json!({ "message": "hello" });
    let amaya = json!({ "message": "hello", "persona": "amaya" });
    let settings = [("ALLOWED_MODELS", "small"), ("MODEL_WINDOWS", "small=1000")];
    let (model, _setup, service) = start_with(&settings).await;
    let client = &service.client;
    let small = json!({ "message": "hello", "model": "small" });
    for (body, is_local, expected) in [
        (&hello, true, None),
        (&hello, false, Some(4096)),
        (&small, false, Some(250)),
        (&amaya, false, Some(200)),
        (&amaya, true, Some(200)),
    ] {
        assert_eq!(sent_limit(&model, client, body, is_local).await, expected, "{body} {is_local}");
    }

    let set = [("LIMIT_ANONYMOUS_ANSWER", "300"), ("ALLOWED_MODELS", "small"), ("MODEL_WINDOWS", "small=1000")];
    let (model, _setup, service, ada) = start_with_ada(&set).await;
    for (body, is_local) in [(&hello, true), (&small, false)] {
        assert_eq!(sent_limit(&model, &service.client, body, is_local).await, Some(300));
    }
    ada.post("/api/chat", &hello).await.assert_ok();
    assert_eq!(model.calls().last().expect("a call").body.get("max_tokens"), None, "an account has no such limit");

    let (model, _setup, service) = start_with(&[("LIMIT_ANONYMOUS_ANSWER", "off")]).await;
    assert_eq!(sent_limit(&model, &service.client, &hello, false).await, None);
}

#[tokio::test]
async fn a_turn_is_reserved_at_the_limit_of_its_answer() {
    let settings = [("LIMIT_ANONYMOUS_ANSWER", "300"), ("LIMIT_TOTAL", "1000tokens/day"), ("MAX_ANSWER_TOKENS", "900")];
    let Clocked { model, service, .. } = start_clocked(&settings).await;
    let gate = Gate::new();
    model.behave_once(Behaviour::Held(gate.clone()));
    let (held, reserved) = join!(service.client.chat("hello"), async {
        model.wait_for_calls(1).await;
        let reserved = 1000 - left(&service.client).await;
        gate.open();
        reserved
    });
    held.assert_ok();
    assert!((300..320).contains(&reserved), "{reserved}");
}

#[tokio::test]
async fn refusals_are_in_the_log_and_in_the_metrics() {
    let Clocked { model: _model, setup, service, .. } = start_clocked(&[("LIMIT_VISITOR", "1/day")]).await;
    let client = &service.client;
    let metric = async |name: &str| {
        let text = client.get("/metrics").await.text;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
        value.unwrap_or_else(|| panic!("{text}"))
    };
    let refused = "al_chat_turns_limited_total{limit=\"visitor\",unit=\"turns\",window=\"day\"}";
    let admitted = |scope| format!("al_chat_turns_admitted_total{{limit=\"{scope}\"}}");
    assert_eq!((metric(refused).await, metric(&admitted("visitor")).await), (0, 0));
    client.chat("hello").await.assert_ok();
    client.chat("hello").await.assert_error(429, "limit_reached");
    ask(client, "key").await.assert_error(429, "limit_reached");
    client.stream_chat("hello").await.into_response().await.assert_error(429, "limit_reached");
    assert_eq!((metric(refused).await, metric(&admitted("visitor")).await), (3, 1));
    assert_eq!(metric(&admitted("site")).await, 0, "no site has a limit");
    let lines = setup.wait_for_log_lines("refusal", 3).await;
    let kinds = lines.iter().map(|line| (line["code"].to_string(), line["status"].to_string()));
    let expected = [(("\"limit_reached\"".to_owned(), "429".to_owned()), 3)].into_iter().collect::<BTreeMap<_, _>>();
    let mut counted = BTreeMap::new();
    for kind in kinds {
        *counted.entry(kind).or_insert(0) += 1;
    }
    assert_eq!(counted, expected);
}

#[tokio::test]
async fn the_test_of_the_model_is_a_turn_of_its_address() {
    let Clocked { model, service, .. } = start_clocked(&[("LIMIT_ADDRESS", "1/day")]).await;
    assert_eq!(service.client.get("/api/openai/test").await.assert_ok()["status"], "success");
    let refused = service.client.get("/api/openai/test").await;
    assert_limited(&refused, "limit_reached", "address", "turns", "day");
    assert_eq!(model.call_count(), 1);
}

#[tokio::test]
async fn a_start_for_others_and_a_check_say_what_a_day_can_cost() {
    let model = FakeModel::start().await;
    let unlimited = "nothing limits what a day of all visitors together can cost; set LIMIT_TOTAL, such as 5usd/day; one \
                     address can cost up to $0.60 a day, at the price of gpt-4o-mini";
    let with_model = || TestSetup::for_model(&model);
    for (setup, host, total, is_said) in [
        (with_model(), "0.0.0.0", "off", true),
        (with_model(), "0.0.0.0", "5usd/day", false),
        (with_model(), "127.0.0.1", "off", false),
        // Without a model, nothing costs.
        (TestSetup::new(), "0.0.0.0", "off", false),
    ] {
        let setup = setup.with("SERVER_HOST", host).with("LIMIT_TOTAL", total);
        let process = setup.start_process().await;
        let mut lines = process.diagnostics;
        drop(process.child);
        let mut said = process.start_lines.iter().any(|line| line.contains(unlimited));
        while let Some(line) = lines.recv().await {
            said |= line.contains(unlimited);
        }
        assert_eq!(said, is_said, "{host} {total}");
    }
    let setup = TestSetup::for_model(&model);
    assert!(run(&setup, &["check"]).await.out.contains(&format!("Limits: {unlimited}.\n")));
    let limited = setup.with("LIMIT_TOTAL", "5usd/day");
    assert!(run(&limited, &["check"]).await.out.contains("Limits: a day can cost up to $5.00; one address"));
}

/// Starts the program, sends requests with these headers, and returns all its diagnostics.
async fn diagnostics(setup: &TestSetup, headers: &[(&str, &str)]) -> Vec<String> {
    let mut process = setup.start_process().await;
    for (name, value) in headers {
        let request = process.client.request(Method::GET, "/api/health").header(*name, *value);
        process.client.send(request).await.assert_ok();
    }
    process.terminate();
    process.exit_code().await;
    let mut lines = std::mem::take(&mut process.start_lines);
    while let Some(line) = process.diagnostics.recv().await {
        lines.push(line);
    }
    lines
}

#[tokio::test]
async fn a_start_and_a_check_say_which_limits_leave_this_machine_out() {
    let model = FakeModel::start().await;
    let exempt = "requests of this machine without a proxy's header are exempt from the defaults of LIMIT_VISITOR, LIMIT_ADDRESS, \
                  LIMIT_SESSIONS, LIMIT_HANDOVERS, LIMIT_FEEDBACK, LIMIT_ANONYMOUS_INPUT, LIMIT_ANONYMOUS_ANSWER; set these if visitors can come that way";
    let setup = TestSetup::for_model(&model);
    assert_eq!(diagnostics(&setup, &[]).await.iter().filter(|line| line.ends_with(exempt)).count(), 1);
    assert!(run(&setup, &["check"]).await.out.contains(&format!("Exempt: {exempt}.\n")));
    let set = setup
        .with_all(&OFF)
        .with("LIMIT_SESSIONS", "off")
        .with("LIMIT_HANDOVERS", "off")
        .with("LIMIT_FEEDBACK", "off")
        .with("LIMIT_ANONYMOUS_INPUT", "1MiB")
        .with("LIMIT_ANONYMOUS_ANSWER", "off");
    assert!(diagnostics(&set, &[]).await.iter().all(|line| !line.contains("exempt")));
    assert!(!run(&set, &["check"]).await.out.contains("Exempt"));
}

#[tokio::test]
async fn a_proxy_that_no_setting_names_is_reported_once() {
    let model = FakeModel::start().await;
    let headers = [("x-forwarded-for", "192.0.2.1"), ("x-forwarded-for", "192.0.2.2"), ("forwarded", "for=192.0.2.1")];
    for (proxies, headers, reports) in
        [("0", &headers[..], 1), ("0", &headers[2..], 1), ("0", &[("x-other", "1")], 0), ("1", &headers, 0)]
    {
        let lines = diagnostics(&TestSetup::for_model(&model).with("PROXIES", proxies), headers).await;
        let found = lines.iter().filter(|line| line.contains("PROXIES is 0")).collect::<Vec<_>>();
        assert_eq!(found.len(), reports, "{proxies} {headers:?} {found:?}");
    }
}
