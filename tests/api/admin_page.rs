//! What the operator's page shows: figures of days, sessions with their turns, the state of the service, and its events.

use std::fs;

use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    fakes::{
        hook::FakeHook,
        model::{Behaviour, FakeModel, Pace, PieceGate, Script},
    },
    log_report::{sample, write_days},
    support::{
        client::Client,
        manual_clock::ManualClock,
        service::{TEST_TIMEOUT, TestSetup, start_with},
    },
};

const TOKEN: &str = "Wq8nR2vTz5LxYb1kCd7uHs9aFg3eJm6P";

/// Returns the answer of one of the page's operations.
async fn read(client: &Client, path: &str) -> Value {
    client.get(&format!("/api/admin/{path}")).await.assert_ok()
}

async fn start_session(client: &Client) -> String {
    let started = client.post("/api/session/start", &json!({})).await.assert_ok();
    started["session_id"].as_str().unwrap().to_owned()
}

async fn ask_in(client: &Client, session: &str, message: &str) {
    client.post("/api/chat", &json!({ "message": message, "session_id": session })).await.assert_ok();
}

/// The stream of the page's events.
struct PageEvents {
    response: Response,
    text: String,
    /// The names and the data of the events so far.
    received: Vec<(String, Value)>,
}

impl PageEvents {
    async fn open(client: &Client) -> Self {
        let response = client.request(Method::GET, "/api/admin/events").send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new(), received: Vec::new() }
    }

    /// Returns the name and the data of the next event; `None` at the end.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                let Some((name, data)) = event.split_once("\ndata: ") else { continue };
                return Some((name.strip_prefix("event: ").unwrap().to_owned(), serde_json::from_str(data).unwrap()));
            }
            // A service that stops breaks the connection.
            let chunk = timeout(TEST_TIMEOUT, self.response.chunk()).await.expect("an event in time").ok()??;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// Returns the data of an event with this name and this property, which may have come already.
    async fn wait_for(&mut self, name: &str, has: impl Fn(&Value) -> bool) -> Value {
        loop {
            let found = self.received.iter().find(|(event, data)| event == name && has(data));
            if let Some((_, data)) = found {
                return data.clone();
            }
            let next = self.next().await.expect("a further event");
            self.received.push(next);
        }
    }
}

#[tokio::test]
async fn a_day_has_the_figures_of_the_report() {
    let (_model, setup, service) = start_with(&[]).await;
    write_days(&setup.log_dir(), &sample());
    for date in ["2026-11-28", "2026-11-29", "2026-11-30", "2026-01-05"] {
        let day = read(&service.client, &format!("overview?date={date}")).await;
        assert_eq!(day["date"], date);
        for by in ["hour", "model", "site", "persona"] {
            let report = read(&service.client, &format!("usage?by={by}&since={date}&until={date}")).await;
            assert_eq!(day[format!("by_{by}")], report["groups"], "{date} {by}");
            for field in ["total", "first_line_at", "last_line_at", "lines_left_out", "unreadable_files"] {
                assert_eq!(day[field], report[field], "{date} {field}");
            }
        }
    }
    let answer = service.client.get("/api/admin/overview?date=2026-02-30").await;
    assert!(answer.assert_error(400, "invalid_request").contains("expected a day such as 2026-11-29"));
}

#[tokio::test]
async fn damaged_and_repeated_lines_of_a_day_are_counted() {
    let (_model, setup, service) = start_with(&[]).await;
    service.client.chat("hello").await.assert_ok();
    let date = read(&service.client, "overview").await["date"].as_str().unwrap().to_owned();
    let path = setup.log_dir().join(format!("session_{date}.log"));
    fs::copy(&path, path.with_extension("log.1")).unwrap();
    fs::write(setup.log_dir().join(format!("session_{date}.log.2")), "not a line\n").unwrap();
    let day = read(&service.client, "overview").await;
    let report = read(&service.client, &format!("usage?since={date}&until={date}")).await;
    assert_eq!(day["total"]["turns"], 1);
    assert_eq!(day["lines_left_out"], report["lines_left_out"]);
    assert!(day["lines_left_out"].as_u64().unwrap() >= 3, "{day}");
}

#[tokio::test]
async fn past_days_are_those_before_today() {
    let (model, clock) = (FakeModel::start().await, ManualClock::at("2026-11-30T12:00:00Z"));
    let setup = TestSetup::for_model(&model);
    write_days(&setup.log_dir(), &sample());
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    for query in ["", "?count=2", "?count=366"] {
        let days = read(&service.client, &format!("days{query}")).await;
        let report = read(&service.client, "usage?by=day&since=2026-11-28&until=2026-11-29").await;
        let expected = report["groups"].as_array().unwrap().iter();
        let expected = expected.map(|day| json!({ "date": day["group"], "figures": day["figures"] }));
        assert_eq!(days, expected.collect::<Value>(), "{query}");
    }
    // A file that has changed is read again.
    fs::remove_file(setup.log_dir().join("session_2026-11-28.log.gz")).unwrap();
    assert_eq!(read(&service.client, "days").await.as_array().unwrap().len(), 1);
    service.client.get("/api/admin/days?count=0").await.assert_error(400, "invalid_request");
}

#[tokio::test]
async fn sessions_are_listed_page_by_page_the_latest_first() {
    let (_model, _setup, service) = start_with(&[]).await;
    let client = &service.client;
    let mut sessions = Vec::new();
    for turns in 0..5 {
        let session = start_session(client).await;
        for turn in 0..turns {
            ask_in(client, &session, &format!("question {turn}")).await;
        }
        sessions.push((session, turns));
    }
    client.post("/api/session/stop", &json!({ "session_id": sessions[1].0 })).await.assert_ok();
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let page = read(client, &format!("sessions?limit=2{after}")).await;
        let of_page = page["sessions"].as_array().unwrap().clone();
        assert!(of_page.len() <= 2);
        found.extend(of_page);
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={}", next.replace('+', "%2B"));
    }
    let shown = found.iter().map(|it| (it["session_id"].as_str().unwrap().to_owned(), it["turns"].as_u64().unwrap()));
    assert_eq!(shown.collect::<Vec<_>>(), sessions.iter().rev().cloned().collect::<Vec<_>>());
    assert_eq!(found.iter().filter(|it| it["has_ended"] == true).count(), 1);
    let (total, report) =
        (|field: &str| found.iter().map(|it| it[field].as_u64().unwrap()).sum::<u64>(), read(client, "usage").await);
    assert_eq!(json!(total("total_tokens")), report["total"]["total_tokens"]);
    client.get("/api/admin/sessions?after=x").await.assert_error(400, "invalid_request");
}

#[tokio::test]
async fn a_session_has_its_texts_until_they_are_erased() {
    for (content, reason) in [("on", json!(null)), ("plain", json!(null)), ("off", json!("not_logged"))] {
        let (_model, _setup, service) = start_with(&[("SESSION_LOG_CONTENT", content)]).await;
        let client = &service.client;
        let [own, other] = [start_session(client).await, start_session(client).await];
        for (session, text) in [(&own, "one"), (&other, "two"), (&own, "three")] {
            ask_in(client, session, text).await;
        }
        let answer = read(client, &format!("sessions/{own}")).await;
        let turns = answer["turns"].as_array().unwrap();
        assert_eq!((turns.len(), &answer["has_earlier"]), (2, &json!(false)), "{content}");
        for (turn, text) in turns.iter().zip(["one", "three"]) {
            assert_eq!((&turn["no_texts"], &turn["turn"]["session_id"]), (&reason, &json!(own)), "{content}");
            let text = if content == "off" { json!(null) } else { json!(text) };
            assert_eq!((&turn["message"], turn["answer"].is_null()), (&text, text.is_null()), "{content}");
        }
        if content == "on" {
            client.send(client.request(Method::DELETE, &format!("/api/session/{own}/content"))).await.assert_ok();
            let turns = read(client, &format!("sessions/{own}")).await["turns"].clone();
            assert_eq!((&turns[0]["no_texts"], &turns[0]["message"]), (&json!("erased"), &json!(null)));
        }
    }
}

#[tokio::test]
async fn the_status_has_no_character_of_a_key() {
    let guard = FakeHook::start().await;
    let (model, _setup, service) = start_with(&[("GUARD_URL", &guard.url())]).await;
    let gate = PieceGate::new();
    model.set_behaviour(Behaviour::Stream(Script { pace: Pace::Gated(gate.clone()), ..Script::default() }));
    let client = &service.client;
    let request = client.json_request("/api/chat/stream", &json!({ "message": "hello" }));
    let mut events = client.open_stream(request).await;
    gate.release(1);
    events.read_deltas(1).await;
    let status = read(client, "status").await;
    assert_eq!((&status["turns_running"], &status["turns_waiting"]), (&json!(1), &json!(0)));
    assert_eq!((&status["is_log_writable"], &status["is_database_writable"]), (&json!(true), &json!(true)));
    assert_eq!(status["models"][0]["breaker"], "closed");
    assert_eq!(status["hooks"], json!([{ "hook": "guard", "breaker": "closed" }]));
    assert_eq!(status["keys"][0]["source"], "local_env");
    assert!(!status.to_string().contains("sk-"), "{status}");
}

#[tokio::test]
async fn open_pages_get_figures_and_turns_at_once() {
    let (_model, _setup, service) = start_with(&[]).await;
    let client = &service.client;
    client.chat("before").await.assert_ok();
    let (mut first, mut second) = (PageEvents::open(client).await, PageEvents::open(client).await);
    first.wait_for("overview", |day| day["total"]["turns"] == 1).await;
    first.wait_for("status", |status| status["turns_running"] == 0).await;
    second.wait_for("overview", |day| day["total"]["turns"] == 1).await;
    let session = start_session(client).await;
    ask_in(client, &session, "a secret").await;
    for page in [&mut first, &mut second] {
        let begun = page.wait_for("session", |_| true).await;
        assert_eq!((&begun["session_id"], &begun["has_ended"]), (&json!(session), &json!(false)));
        let turn = page.wait_for("turn", |_| true).await;
        assert_eq!((&turn["session_id"], &turn["finish"]), (&json!(session), &json!("complete")));
        assert!(!turn.to_string().contains("secret"), "{turn}");
        let day = page.wait_for("overview", |day| day["total"]["turns"] == 2).await;
        assert_eq!(day, read(client, "overview").await);
    }
    service.stop().await;
    while first.next().await.is_some() {}
}

#[tokio::test]
async fn figures_of_an_unreadable_log_are_marked() {
    let (_model, setup, service) = start_with(&[]).await;
    service.client.chat("before").await.assert_ok();
    setup.block_log();
    let mut page = PageEvents::open(&service.client).await;
    page.wait_for("overview", |day| day["unreadable_files"] == 1).await;
    setup.unblock_log();
    page.wait_for("overview", |day| day["unreadable_files"] == 0 && day["total"]["turns"] == 1).await;
}

#[tokio::test]
async fn a_pause_of_all_stops_running_turns_and_survives() {
    let (model, setup, service) = start_with(&[]).await;
    let client = &service.client;
    let gate = PieceGate::new();
    model.set_behaviour(Behaviour::Stream(Script { pace: Pace::Gated(gate.clone()), ..Script::default() }));
    let mut events = client.open_stream(client.json_request("/api/chat/stream", &json!({ "message": "hello" }))).await;
    gate.release(1);
    events.read_deltas(1).await;
    let paused = client.post("/api/admin/pause", &json!({})).await.assert_ok();
    assert_eq!(paused, json!({ "is_paused": true }));
    let (_, end) = events.text_and_end().await;
    assert_eq!((end.name.as_str(), &end.data["code"]), ("error", &json!("site_paused")));
    model.set_behaviour(Behaviour::Echo);
    client.chat("hello").await.assert_error(503, "site_paused");
    assert_eq!(read(client, "status").await["is_spending_paused"], true);
    service.stop().await;
    let service = setup.start().await;
    let client = &service.client;
    client.chat("hello").await.assert_error(503, "site_paused");
    assert_eq!(client.post("/api/admin/resume", &json!({})).await.assert_ok(), json!({ "is_paused": false }));
    client.chat("hello").await.assert_ok();
    assert_eq!((&read(client, "status").await["is_spending_paused"], model.call_count()), (&json!(false), 2));
}

#[tokio::test]
async fn what_the_page_shows_is_for_the_operator_only() {
    let (_model, _setup, service) = start_with(&[("ADMIN_TOKEN", TOKEN)]).await;
    let client = &service.client;
    for (method, path) in [
        (Method::GET, "overview"),
        (Method::GET, "days"),
        (Method::GET, "status"),
        (Method::GET, "sessions"),
        (Method::GET, "sessions/s"),
        (Method::GET, "events"),
        (Method::POST, "pause"),
        (Method::POST, "resume"),
    ] {
        let request = || client.request(method.clone(), &format!("/api/admin/{path}"));
        client.send(request()).await.assert_error(401, "operator_only");
        client.send(request().bearer_auth("x")).await.assert_error(401, "operator_only");
    }
    let known = client.request(Method::GET, "/api/admin/status").bearer_auth(TOKEN);
    assert_eq!(client.send(known).await.assert_ok()["is_spending_paused"], false);
}
