//! Sessions: start, stop, log lines, and restarts.

use std::{collections::HashSet, time::Duration};

use futures_util::future::join_all;
use jiff::Timestamp;
use reqwest::{Method, header::HeaderValue};
use serde_json::{Value, json};

use crate::{
    fakes::model::{Behaviour, FakeModel},
    support::{
        client::{Client, HttpResponse},
        manual_clock::ManualClock,
        raw_connection::RawConnection,
        service::TestSetup,
        user::User,
    },
};

const START: &str = "/api/session/start";
const STOP: &str = "/api/session/stop";

async fn start(client: &Client) -> String {
    let body = client.post(START, &json!({})).await.assert_ok();
    body["session_id"].as_str().expect("an id").to_owned()
}

async fn stop(client: &Client, id: &str) -> HttpResponse {
    client.post(STOP, &json!({ "session_id": id })).await
}

async fn turn(client: &Client, id: &str) -> HttpResponse {
    client.post("/api/chat", &json!({ "message": "hello", "sessionId": id })).await
}

/// Returns the only `session_stop` line of this session.
#[track_caller]
fn stop_line(setup: &TestSetup, id: &str) -> Value {
    let mut lines = setup.log_lines("session_stop");
    lines.retain(|line| line["session_id"] == id);
    assert_eq!(lines.len(), 1, "{id} has {lines:?}");
    lines.remove(0)
}

#[track_caller]
fn assert_moment(value: &Value) {
    let text = value.as_str().expect("a time");
    assert!(text.parse::<Timestamp>().is_ok(), "{text} is not RFC 3339 with an offset");
}

/// Sends a body with this Content-Type, or without one.
async fn post_as(client: &Client, path: &str, content_type: Option<&str>, body: Option<&str>) -> HttpResponse {
    let mut request = client.request(Method::POST, path);
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    if let Some(body) = body {
        request = request.body(body.to_owned());
    }
    client.send(request).await
}

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).expect("a small number"))
}

/// Returns the percentile of sorted values by nearest rank.
fn percentile(sorted: &[f64], percent: usize) -> f64 {
    sorted[(sorted.len() * percent).div_ceil(100) - 1]
}

#[tokio::test]
async fn start_and_stop_match_the_contract_and_are_logged() {
    let setup = TestSetup::new();
    let service = setup.start().await;

    let started = service.client.post(START, &json!({})).await.assert_ok();
    let id = started["session_id"].as_str().unwrap();
    assert_moment(&started["timestamp"]);
    let parts = id.split('_').collect::<Vec<_>>();
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    assert!(parts.len() == 4 && parts[0] == "session" && digits(parts[1], 8) && digits(parts[2], 6), "{id}");
    assert!(parts[3].len() >= 16 && parts[3].bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
    let lines = setup.log_lines("session_start");
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["session_id"], id);

    let stopped = stop(&service.client, id).await.assert_ok();
    assert_eq!(stopped["status"], "stopped");
    assert_eq!(stopped["session_id"], id);
    assert_moment(&stopped["timestamp"]);
    let line = stop_line(&setup, id);
    assert_eq!(line["duration_seconds"], stopped["duration_seconds"]);
    assert!((0.0..60.0).contains(&line["duration_seconds"].as_f64().unwrap()), "{line}");
    assert_eq!(line["closed_by"], "client");
    assert_eq!(line["metrics"], json!({}));
    assert_eq!(line["server_metrics"]["turns"], 0);
    assert_eq!(line["server_metrics"]["latency_p50_ms"], Value::Null);
}

/// Posts as a client of an address behind a proxy.
async fn post_from(client: &Client, path: &str, address: &str, body: &Value) -> HttpResponse {
    client.send(client.json_request(path, body).header("x-forwarded-for", address)).await
}

#[track_caller]
fn assert_too_many(answer: &HttpResponse, window: &str) {
    answer.assert_error(429, "session_limit_reached");
    let details = answer.json()["details"].clone();
    assert_eq!(
        (&details["limit"], &details["unit"], &details["window"]),
        (&json!("address"), &json!("sessions"), &json!(window))
    );
    assert_eq!(answer.header("retry-after"), details["retry_after_seconds"].to_string());
}

#[tokio::test]
async fn one_address_can_start_so_many_sessions() {
    let (model, clock) = (FakeModel::start().await, ManualClock::at("2026-05-04T12:00:00Z"));
    let settings = [("LIMIT_SESSIONS", "3/minute, 4/day"), ("PROXIES", "1")];
    let setup = TestSetup::for_model(&model).with_all(&settings);
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    let client = &service.client;
    let (one, other) = ("192.0.2.1", "192.0.2.2");
    let start = async |address| post_from(client, START, address, &json!({})).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(start(one).await.assert_ok()["session_id"].clone());
    }
    assert_too_many(&start(one).await, "minute");
    start(other).await.assert_ok();
    let turn = json!({ "message": "hello" });
    post_from(client, "/api/chat", one, &turn).await.assert_ok();
    for id in &ids {
        post_from(client, STOP, one, &json!({ "session_id": id })).await.assert_ok();
    }
    clock.advance(Duration::from_mins(1));
    start(one).await.assert_ok();
    assert_too_many(&start(one).await, "day");
    clock.advance(Duration::from_hours(24));
    start(one).await.assert_ok();
    assert_eq!(setup.log_lines("session_start").len(), 6);
}

#[tokio::test]
async fn stops_of_unknown_sessions_are_bounded() {
    let setup = TestSetup::new().with("LIMIT_SESSIONS", "3/minute").with("PROXIES", "1");
    let service = setup.start().await;
    let client = &service.client;
    let (one, other) = ("192.0.2.1", "192.0.2.2");
    for body in [json!({ "session_id": "made-up-1" }), json!({ "session_id": "made-up-1" }), json!({})] {
        assert_eq!(post_from(client, STOP, one, &body).await.assert_ok()["status"], "stopped");
    }
    for body in [json!({ "session_id": "made-up-2" }), json!({}), json!({ "session_id": "made-up-1" })] {
        assert_too_many(&post_from(client, STOP, one, &body).await, "minute");
    }
    post_from(client, STOP, other, &json!({ "session_id": "made-up-2" })).await.assert_ok();
    let stops = setup.log_lines("session_stop");
    let ids = stops.iter().map(|line| line["session_id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids, [json!("made-up-1"), Value::Null, json!("made-up-2")]);
}

#[tokio::test]
async fn default_limits_of_sessions_leave_this_machine_out() {
    let clock = ManualClock::at("2026-05-04T12:00:00Z");
    let service = TestSetup::new().start_with_clock(clock.clock("UTC")).await;
    let clients = (0..201).map(|_| async { service.client.post(STOP, &json!({})).await.assert_ok() });
    join_all(clients).await;
    let forwarded = (0..205).map(|_| post_from(&service.client, STOP, "192.0.2.1", &Value::Null));
    let refused = join_all(forwarded).await.into_iter().filter(|answer| answer.status == 429).count();
    assert_eq!(refused, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_sessions_in_one_second_are_distinct() {
    let clock = ManualClock::at("2026-05-04T12:00:00Z");
    let setup = TestSetup::new();
    let service = setup.start_with_clock(clock.clock("Asia/Tokyo")).await;

    let ids = join_all((0..200).map(|_| start(&service.client))).await;

    for id in &ids {
        assert!(id.starts_with("session_20260504_210000_"), "{id}");
    }
    let ids = ids.into_iter().collect::<HashSet<_>>();
    assert_eq!(ids.len(), 200);
    let logged = setup.log_lines("session_start");
    assert_eq!(logged.len(), 200);
    let logged = logged.iter().map(|line| line["session_id"].as_str().unwrap().to_owned());
    assert_eq!(logged.collect::<HashSet<_>>(), ids);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_sessions_log_their_own_metrics() {
    const SESSIONS: usize = 20;
    let turns_of = |session: usize| 1 + session % 4;
    let model = FakeModel::start().await;
    let clock = ManualClock::at("2026-05-04T12:00:00Z");
    let setup = TestSetup::for_model(&model)
        .with("ALLOWED_MODELS", "deep-thought")
        .with("MODEL_PRICES", "gpt-4o-mini=1/2,deep-thought=10/20");
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    let client = &service.client;
    let mut ids = Vec::new();
    for _ in 0..SESSIONS {
        ids.push(start(client).await);
        clock.advance(Duration::from_secs(1));
    }

    // Round by round, so that the turns of the sessions interleave. The first turn of each session uses another model.
    for round in 0..4 {
        let talking = (0..SESSIONS).filter(|session| round < turns_of(*session));
        let ids = &ids;
        let turns = talking.map(|session| async move {
            let model = if round == 0 { "deep-thought" } else { "gpt-4o-mini" };
            let body = json!({ "message": "hello", "session_id": ids[session], "model": model });
            client.post("/api/chat", &body).await.assert_ok();
        });
        join_all(turns.collect::<Vec<_>>()).await;
    }
    let stops = ids.iter().enumerate().map(|(session, id)| async move {
        let metrics = json!({ "messages": session, "theme": "dark", "seen": { "pages": [1, 2] } });
        client.post(STOP, &json!({ "session_id": id, "metrics": metrics })).await.assert_ok()
    });
    let answers = join_all(stops.collect::<Vec<_>>()).await;

    let chats = setup.log_lines("chat");
    let metrics = setup.log_lines("metric");
    assert_eq!(metrics.len(), SESSIONS * 2);
    for (session, id) in ids.iter().enumerate() {
        let line = stop_line(&setup, id);
        assert_eq!(line["duration_seconds"].as_f64(), Some(float(SESSIONS - session)), "{line}");
        assert_eq!(answers[session]["duration_seconds"], line["duration_seconds"]);
        assert_eq!(line["metrics"], json!({ "messages": session, "theme": "dark", "seen": { "pages": [1, 2] } }));
        let reported = metrics.iter().filter(|metric| metric["session_id"] == *id);
        let reported = reported.map(|metric| (metric["metric_name"].as_str().unwrap(), &metric["metric_value"]));
        let reported = reported.collect::<HashSet<_>>();
        assert_eq!(reported, HashSet::from([("messages", &json!(session)), ("theme", &json!("dark"))]));

        let numbers = &line["server_metrics"];
        let turns = turns_of(session);
        assert_eq!(numbers["turns"], turns, "{numbers}");
        assert_eq!(numbers["errors"], 0);
        assert_eq!(numbers["prompt_tokens"], 12 * turns);
        assert_eq!(numbers["completion_tokens"], 6 * turns);
        assert_eq!(numbers["total_tokens"], 18 * turns);
        // 12 prompt and 6 completion tokens cost 24 millionths at the prices 1 and 2, and 240 at 10 and 20.
        let cost = float(240 + 24 * (turns - 1)) / 1e6;
        assert!((numbers["cost_usd"].as_f64().unwrap() - cost).abs() < 1e-12, "{numbers}");
        let models = if turns == 1 { json!(["deep-thought"]) } else { json!(["deep-thought", "gpt-4o-mini"]) };
        assert_eq!(numbers["models"], models);

        let own = chats.iter().filter(|chat| chat["session_id"] == *id);
        let mut latencies = own.map(|chat| chat["latency_ms"].as_f64().unwrap()).collect::<Vec<_>>();
        assert_eq!(latencies.len(), turns);
        latencies.sort_by(f64::total_cmp);
        for (name, percent) in [("latency_p50_ms", 50), ("latency_p95_ms", 95), ("latency_max_ms", 100)] {
            let expected = percentile(&latencies, percent);
            assert!((numbers[name].as_f64().unwrap() - expected).abs() < 1e-6, "{name} of {latencies:?}: {numbers}");
        }
    }
}

#[tokio::test]
async fn a_failed_turn_counts_as_an_error_of_its_session() {
    let model = FakeModel::start().await;
    model.behave_once(Behaviour::Respond { status: 500, headers: Vec::new(), body: "{}".to_owned() });
    let setup = TestSetup::for_model(&model).with("MODEL_RETRIES", "0");
    let service = setup.start().await;
    let id = start(&service.client).await;

    turn(&service.client, &id).await.assert_error(502, "model_failed");
    turn(&service.client, &id).await.assert_ok();
    stop(&service.client, &id).await.assert_ok();

    let numbers = &stop_line(&setup, &id)["server_metrics"];
    assert_eq!((&numbers["turns"], &numbers["errors"]), (&json!(2), &json!(1)));
    assert_eq!(numbers["total_tokens"], 18);
}

#[tokio::test]
async fn a_start_needs_no_body_or_content_type() {
    let setup = TestSetup::new();
    let service = setup.start().await;
    let json = Some("application/json");
    let sent = [
        (None, None),
        (json, None),
        (json, Some("")),
        (json, Some("null")),
        (None, Some("{}")),
        (Some("text/plain"), Some("{}")),
    ];
    for (content_type, body) in sent {
        let answer = post_as(&service.client, START, content_type, body).await;
        assert!(answer.assert_ok()["session_id"].is_string(), "{content_type:?} {body:?}");
    }
    let mut wire = RawConnection::connect(service.address()).await;
    wire.send("POST /api/session/start HTTP/1.1\r\nHost: al-chat\r\n\r\n").await;
    assert!(wire.response().await.starts_with("HTTP/1.1 200"));
    assert_eq!(setup.log_lines("session_start").len(), sent.len() + 1);
}

#[tokio::test]
async fn a_stop_without_a_session_id_is_accepted_and_logged() {
    let setup = TestSetup::new();
    let service = setup.start().await;
    let json = Some("application/json");
    let sent = [
        (None, None),
        (json, None),
        (json, Some("")),
        (json, Some(" \n")),
        (json, Some("null")),
        (json, Some(r#"{"session_id":null,"metrics":null,"sessionId":""}"#)),
        (None, Some("{}")),
        (Some("text/plain;charset=UTF-8"), Some(r#"{"something":"else"}"#)),
    ];
    for (content_type, body) in sent {
        let answer = post_as(&service.client, STOP, content_type, body).await.assert_ok();
        assert_eq!(answer["status"], "stopped", "{content_type:?} {body:?}");
        assert_eq!(answer["session_id"], Value::Null);
    }
    let lines = setup.log_lines("session_stop");
    assert_eq!(lines.len(), sent.len());
    assert!(lines.iter().all(|line| line["session_id"].is_null() && line["duration_seconds"].is_null()));
}

#[tokio::test]
async fn a_stop_body_is_read_as_json_with_any_content_type() {
    let setup = TestSetup::new();
    let service = setup.start().await;
    // `navigator.sendBeacon` sends the second one.
    let types =
        ["", "text/plain;charset=UTF-8", "Application/JSON; charset=utf-8", "application/x-www-form-urlencoded"];
    for content_type in types.map(|name| Some(name).filter(|name| !name.is_empty())) {
        let id = start(&service.client).await;
        let body = json!({ "session_id": id, "metrics": { "clicks": 3 } }).to_string();
        post_as(&service.client, STOP, content_type, Some(&body)).await.assert_ok();
        let line = stop_line(&setup, &id);
        assert!(line["duration_seconds"].is_number(), "{content_type:?}: {line}");
        assert_eq!(line["metrics"]["clicks"], 3);
    }
    let answer = post_as(&service.client, STOP, Some("application/x-www-form-urlencoded"), Some("session_id=x")).await;
    answer.assert_error(400, "invalid_json");
}

#[tokio::test]
async fn a_session_header_takes_precedence_over_the_body() {
    let setup = TestSetup::new();
    let service = setup.start().await;
    let client = &service.client;
    for field in ["sessionId", "session_id"] {
        let id = start(client).await;
        client.post(STOP, &json!({ field: id })).await.assert_ok();
        assert!(stop_line(&setup, &id)["duration_seconds"].is_number());
    }
    let id = start(client).await;
    let request = client.json_request(STOP, &json!({ "session_id": "another" })).header("X-Session-ID", &id);
    assert_eq!(client.send(request).await.assert_ok()["session_id"], id.as_str());
    assert!(stop_line(&setup, &id)["duration_seconds"].is_number());
    assert!(setup.log_lines("session_stop").iter().all(|line| line["session_id"] != "another"));
}

#[tokio::test]
async fn an_unknown_session_is_logged_without_a_duration() {
    let setup = TestSetup::new();
    let service = setup.start().await;
    // The ID formats of an older server and of another client.
    for id in ["session_20240115_103000", "window:7.b-2"] {
        turn(&service.client, id).await.assert_ok();
        let answer = stop(&service.client, id).await.assert_ok();
        assert_eq!(answer["session_id"], id);
        assert_eq!(answer["duration_seconds"], Value::Null);
        assert_eq!(stop(&service.client, id).await.assert_ok(), answer);
        let line = stop_line(&setup, id);
        assert_eq!(line["duration_seconds"], Value::Null);
        assert_eq!(line["server_metrics"], Value::Null, "a turn was not counted");
    }
}

#[tokio::test]
async fn a_second_stop_gets_the_same_answer_and_is_not_logged() {
    let clock = ManualClock::at("2026-05-04T12:00:00Z");
    let setup = TestSetup::new();
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    let id = start(&service.client).await;
    clock.advance(Duration::from_secs(5));
    let first = client_stop_with_clicks(&service.client, &id, 1).await;
    let lines = setup.log().len();
    clock.advance(Duration::from_secs(5));
    let second = client_stop_with_clicks(&service.client, &id, 2).await;
    assert_eq!(second, first);
    assert_eq!(setup.log().len(), lines);
    assert_eq!(stop_line(&setup, &id)["metrics"]["clicks"], 1);
}

async fn client_stop_with_clicks(client: &Client, id: &str, clicks: u32) -> Value {
    client.post(STOP, &json!({ "session_id": id, "metrics": { "clicks": clicks } })).await.assert_ok()
}

#[tokio::test]
async fn a_clock_set_back_makes_no_negative_duration() {
    let clock = ManualClock::at("2026-05-04T12:00:00Z");
    let setup = TestSetup::new().on_sqlite();
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    let id = start(&service.client).await;
    service.stop().await;
    clock.set("2026-05-03T12:00:00Z");
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    assert_eq!(stop(&service.client, &id).await.assert_ok()["duration_seconds"], 0.0);
    assert_eq!(stop_line(&setup, &id)["duration_seconds"], 0.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_concurrent_stops_of_a_session_are_logged_once() {
    let setup = TestSetup::new();
    let service = setup.start().await;
    let id = start(&service.client).await;
    let stops = (0..20).map(|clicks| client_stop_with_clicks(&service.client, &id, clicks));
    let answers = join_all(stops.collect::<Vec<_>>()).await;
    assert!(answers.iter().all(|answer| answer == &answers[0]), "{answers:?}");
    stop_line(&setup, &id);
    assert_eq!(setup.log_lines("metric").len(), 1);
}

#[tokio::test]
async fn a_session_and_its_end_survive_a_restart() {
    let model = FakeModel::start().await;
    let clock = ManualClock::at("2026-05-04T12:00:00Z");
    // A time without the service passes for SQLite only: replicas use their database's clock.
    let setup = TestSetup::for_model(&model).with("SESSION_IDLE_TIMEOUT", "24h").on_sqlite();

    let service = setup.start_with_clock(clock.clock("UTC")).await;
    let id = start(&service.client).await;
    turn(&service.client, &id).await.assert_ok();
    service.stop().await;
    clock.advance(Duration::from_mins(90));

    let service = setup.start_with_clock(clock.clock("UTC")).await;
    turn(&service.client, &id).await.assert_ok();
    let stopped = stop(&service.client, &id).await.assert_ok();
    assert_eq!(stopped["duration_seconds"], 5400.0);
    service.stop().await;
    clock.advance(Duration::from_mins(90));

    let service = setup.start_with_clock(clock.clock("UTC")).await;
    assert_eq!(stop(&service.client, &id).await.assert_ok(), stopped);
    service.stop().await;
    let line = stop_line(&setup, &id);
    assert_eq!(line["duration_seconds"], 5400.0);
    assert_eq!(line["server_metrics"]["turns"], 2);
}

#[tokio::test]
async fn an_idle_session_is_closed_and_logged() {
    let setup = TestSetup::new().with("SESSION_IDLE_TIMEOUT", "300ms");
    let service = setup.start().await;
    let id = start(&service.client).await;
    setup.wait_for_log_lines("session_stop", 1).await;

    let line = stop_line(&setup, &id);
    assert_eq!(line["closed_by"], "idle_timeout");
    assert_eq!(line["metrics"], json!({}));
    let answer = stop(&service.client, &id).await.assert_ok();
    assert_eq!(answer["duration_seconds"], line["duration_seconds"]);
    stop_line(&setup, &id);
}

#[tokio::test]
async fn metrics_of_an_idle_closed_session_are_logged_once() {
    let setup = TestSetup::new().with("SESSION_IDLE_TIMEOUT", "300ms");
    let service = setup.start().await;
    let id = start(&service.client).await;
    setup.wait_for_log_lines("session_stop", 1).await;
    let line = stop_line(&setup, &id);
    assert_eq!(line["closed_by"], "idle_timeout");
    assert!(setup.log_lines("metric").is_empty());

    let stop = client_stop_with_clicks(&service.client, &id, 3).await;
    assert_eq!(stop["duration_seconds"], line["duration_seconds"]);
    assert_eq!(client_stop_with_clicks(&service.client, &id, 3).await, stop);
    assert_eq!(client_stop_with_clicks(&service.client, &id, 4).await, stop);
    assert_eq!(stop_line(&setup, &id), line);
    let metrics = setup.log_lines("metric");
    assert_eq!(metrics.len(), 1, "{metrics:?}");
    assert_eq!((&metrics[0]["session_id"], &metrics[0]["metric_name"]), (&json!(id), &json!("clicks")));
    assert_eq!(metrics[0]["metric_value"], 3);
}

#[tokio::test]
async fn late_metrics_are_logged_with_the_real_duration() {
    let clock = ManualClock::at("2026-05-04T12:00:00Z");
    let setup = TestSetup::new().with("SESSION_IDLE_TIMEOUT", "300ms");
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    let id = start(&service.client).await;
    clock.advance(Duration::from_millis(200));
    turn(&service.client, &id).await.assert_ok();
    clock.advance(Duration::from_mins(90));
    setup.wait_for_log_lines("session_stop", 1).await;
    let metrics = json!({ "clicks": 3, "pages": ["/", "/shop"], "timing": { "open": [1, 2] }, "note": null });
    let body = json!({ "session_id": id, "metrics": metrics });
    let stopped = service.client.post(STOP, &body).await.assert_ok();
    assert_eq!(service.client.post(STOP, &body).await.assert_ok(), stopped);

    assert_eq!(stop_line(&setup, &id)["duration_seconds"], 0.2);
    let lines = setup.log_lines("session_metrics");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!((&lines[0]["session_id"], &lines[0]["metrics"]), (&json!(id), &metrics));
    assert_eq!(lines[0]["duration_seconds"], 5400.2);
    assert_eq!(setup.log_lines("metric").len(), 2);
}

#[tokio::test]
async fn all_timestamps_have_microseconds() {
    let clock = ManualClock::at("2026-05-04T12:00:00Z");
    let setup = TestSetup::new();
    let service = setup.start_with_clock(clock.clock("Asia/Tokyo")).await;
    let client = &service.client;
    let ada = User::register(client, "ada").await;
    let chat = ada.create_chat().await;
    let id = start(client).await;
    let mut timestamps = vec![
        ada.get("/api/auth/me").await.text,
        ada.send(chat, "hello").await.text,
        ada.get(&format!("/api/chat/{chat}")).await.text,
        ada.get(&format!("/api/chat/{chat}/export?format=markdown")).await.text,
        ada.get("/api/chat/histories").await.text,
        turn(client, &id).await.text,
        client.get("/api/health").await.text,
        stop(client, &id).await.text,
    ];
    timestamps.extend(setup.log().iter().map(Value::to_string));
    for text in timestamps {
        let times = text.matches("2026-05-04T").count();
        assert!(times > 0, "{text}");
        assert_eq!(text.matches("2026-05-04T21:00:00.000000+09:00").count(), times, "{text}");
    }
}

#[tokio::test]
async fn turns_keep_a_session_open_and_idle_time_is_excluded() {
    let clock = ManualClock::at("2026-05-04T12:00:00Z");
    let setup = TestSetup::new().with("SESSION_IDLE_TIMEOUT", "300ms");
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    let id = start(&service.client).await;
    for _ in 0..5 {
        clock.advance(Duration::from_millis(200));
        turn(&service.client, &id).await.assert_ok();
    }
    clock.advance(Duration::from_hours(1));
    setup.wait_for_log_lines("session_stop", 1).await;
    let line = stop_line(&setup, &id);
    assert_eq!(line["closed_by"], "idle_timeout");
    assert_eq!(line["duration_seconds"], 1.0);
    assert_eq!(line["server_metrics"]["turns"], 5);
    assert_eq!(line["timestamp"], "2026-05-04T13:00:01.000000+00:00");
}

#[tokio::test]
async fn a_session_header_that_is_not_ascii_is_refused() {
    let service = TestSetup::new().start().await;
    let client = &service.client;
    let turn = client.chat("hello").await.assert_ok()["request_id"].as_str().expect("an id").to_owned();
    let requests = || {
        [
            client.json_request("/api/chat", &json!({ "message": "hello" })),
            client.json_request("/api/chat/stream", &json!({ "message": "hello" })),
            client.json_request("/chat", &json!({ "message": "hello" })),
            client.json_request(STOP, &json!({})),
            client.json_request(&format!("/api/chat/{turn}/stop"), &json!({})),
            client.json_request(&format!("/api/chat/{turn}/feedback"), &json!({ "rating": "up" })),
            client.request(Method::GET, &format!("/api/chat/{turn}/events")),
        ]
    };
    for value in [&b"\xc2\x84"[..], b"\xc2\x85", b"s\xe9", "sé".as_bytes()] {
        for request in requests() {
            let request = request.header("X-Session-ID", HeaderValue::from_bytes(value).expect("a header"));
            client.send(request).await.assert_error(400, "invalid_session_id");
        }
    }
}

#[tokio::test]
async fn malformed_session_ids_are_rejected_and_not_stored() {
    let setup = TestSetup::new();
    let service = setup.start().await;
    let client = &service.client;
    // Refused turns have lines, without the session.
    let other_lines = || setup.log().iter().filter(|line| line["event"] != "refusal").count();
    let lines = other_lines();
    let long = "x".repeat(129);
    for id in ["a b", "../../etc/passwd", "sé", "a\nb", "a\0", "<script>", &long] {
        for answer in [stop(client, id).await, turn(client, id).await] {
            let sentence = answer.assert_error(400, "invalid_session_id");
            assert!(!sentence.contains(id), "{sentence}");
        }
    }
    for path in [STOP, "/api/chat"] {
        let request = client.json_request(path, &json!({ "message": "hello" })).header("X-Session-ID", "no id");
        client.send(request).await.assert_error(400, "invalid_session_id");
    }
    service.stop().await;
    assert!(setup.log_lines("refusal").iter().all(|line| line["session_id"].is_null()));
    assert_eq!(other_lines(), lines + 1, "service_stop");
}

#[tokio::test]
async fn invalid_metrics_and_bodies_are_rejected() {
    let setup = TestSetup::new();
    let service = setup.start().await;
    let id = start(&service.client).await;
    for metrics in [json!([1]), json!("secret-word"), json!(7), json!(true)] {
        let answer = service.client.post(STOP, &json!({ "session_id": id, "metrics": metrics })).await;
        let sentence = answer.assert_error(400, "invalid_request");
        assert!(sentence.contains("metrics") && !sentence.contains("secret-word"), "{sentence}");
    }
    for body in ["{", "session", "{} {}"] {
        let answer = post_as(&service.client, STOP, Some("text/plain"), Some(body)).await;
        answer.assert_error(400, "invalid_json");
    }
    for body in ["[1]", "7", r#"{"session_id":7}"#] {
        post_as(&service.client, STOP, None, Some(body)).await.assert_error(400, "invalid_request");
    }
    assert!(setup.log_lines("session_stop").is_empty());
}

#[tokio::test]
async fn metrics_of_more_than_8_kibibytes_are_refused() {
    let setup = TestSetup::new();
    let service = setup.start().await;
    let session = start(&service.client).await;
    let stop = |note: usize| json!({ "session_id": session, "metrics": { "note": "x".repeat(note) } });
    let around = r#"{"note":""}"#.len();
    let answer = service.client.post(STOP, &stop((8 << 10) - around + 1)).await;
    answer.assert_error(400, "invalid_request");
    assert_eq!(answer.json()["error"], "metrics must have at most 8192 bytes as JSON");
    assert!(setup.log_lines("session_stop").is_empty());
    service.client.post(STOP, &stop((8 << 10) - around)).await.assert_ok();
    assert_eq!(setup.log_lines("session_stop").len(), 1);
}

#[tokio::test]
async fn a_stop_accepts_a_body_of_one_mebibyte_at_most() {
    let setup = TestSetup::new();
    let service = setup.start().await;
    let body = |size: usize| {
        let start = r#"{"unknown":""#;
        let end = r#""}"#;
        format!("{start}{}{end}", "x".repeat(size - start.len() - end.len()))
    };
    post_as(&service.client, STOP, None, Some(&body(1 << 20))).await.assert_ok();
    let sentence = post_as(&service.client, STOP, None, Some(&body((1 << 20) + 1))).await;
    sentence.assert_error(413, "body_too_large");
    assert_eq!(setup.log_lines("session_stop").len(), 1);

    // Without a Content-Length the size is found while reading.
    let mut wire = RawConnection::connect(service.address()).await;
    wire.send("POST /api/session/stop HTTP/1.1\r\nHost: al-chat\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    wire.send(&format!("100001\r\n{}\r\n0\r\n\r\n", "x".repeat(0x10_0001))).await;
    let answer = wire.response().await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("body_too_large"), "{answer}");
}
