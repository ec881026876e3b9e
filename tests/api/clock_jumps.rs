//! Clocks that are set forward or back: durations stay true, nothing is deleted early, and the log keeps its order.

use std::{fs, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    fakes::model::{Behaviour, FakeModel, Gate},
    idempotency::ask,
    support::{
        client::Client,
        manual_clock::ManualClock,
        service::{Service, TestSetup, wait_until},
        visitor::Visitor,
    },
};

const NOON: &str = "2026-05-04T12:00:00Z";
const HOUR: Duration = Duration::from_hours(1);
const DAY: i64 = 24;

/// The diagnostic about a clock that is ahead.
const AHEAD: &str = "the clock is ahead of the time of the last run";

async fn start_session(client: &Client) -> Value {
    client.post("/api/session/start", &json!({})).await.assert_ok()["session_id"].take()
}

async fn stop_session(client: &Client, id: &Value) -> Value {
    let body = json!({ "session_id": id, "metrics": { "clicks": 1 } });
    client.post("/api/session/stop", &body).await.assert_ok()
}

async fn turn(client: &Client, session: &Value) {
    client.post("/api/chat", &json!({ "message": "hello", "session_id": session })).await.assert_ok();
}

#[tokio::test]
async fn a_jump_in_mid_session_leaves_the_true_duration() {
    for hours in [-DAY, 1, 400 * DAY] {
        let clock = ManualClock::at(NOON);
        let setup = TestSetup::new();
        let service = setup.start_with_clock(clock.clock("UTC")).await;
        let session = start_session(&service.client).await;
        clock.advance(Duration::from_secs(5));
        turn(&service.client, &session).await;
        clock.jump(hours);
        clock.advance(Duration::from_secs(7));
        let stopped = stop_session(&service.client, &session).await;
        assert_eq!(stopped["duration_seconds"], 12.0, "a jump of {hours} h");
        let line = &setup.log_lines("session_stop")[0];
        assert_eq!((&line["duration_seconds"], &line["timestamp"]), (&json!(12.0), &stopped["timestamp"]));
        clock.jump(-hours);
        assert_eq!(stop_session(&service.client, &session).await, stopped);
    }
}

#[tokio::test]
async fn a_jump_closes_no_session_that_is_not_idle() {
    for hours in [1, 400 * DAY, -DAY] {
        let clock = ManualClock::at(NOON);
        let setup = TestSetup::new().with("SESSION_IDLE_TIMEOUT", "1s");
        let service = setup.start_with_clock(clock.clock("UTC")).await;
        let client = &service.client;
        let (idle, active) = (start_session(client).await, start_session(client).await);
        clock.advance(Duration::from_millis(900));
        clock.jump(hours);
        turn(client, &active).await;
        clock.advance(Duration::from_millis(200));
        // The sweep that closes the idle session would close the other one, too.
        let stops = setup.wait_for_log_lines("session_stop", 1).await;
        assert_eq!((stops.len(), &stops[0]["session_id"]), (1, &idle), "a jump of {hours} h");
        assert_eq!(stop_session(client, &active).await["duration_seconds"], 1.1);
        // Its metrics come late, with the time since its start.
        clock.jump(-hours);
        stop_session(client, &idle).await;
        assert_eq!(setup.log_lines("session_metrics")[0]["duration_seconds"], 1.1);
    }
}

#[tokio::test]
async fn a_jump_in_mid_turn_leaves_the_true_latency() {
    for hours in [-DAY, 400 * DAY] {
        let model = FakeModel::start().await;
        let clock = ManualClock::at(NOON);
        let setup = TestSetup::for_model(&model);
        let service = setup.start_with_clock(clock.clock("UTC")).await;
        let gate = Gate::new();
        model.behave_once(Behaviour::Held(gate.clone()));
        let (answer, ()) = tokio::join!(service.client.chat("hello"), async {
            model.wait_for_calls(1).await;
            clock.jump(hours);
            gate.open();
        });
        answer.assert_ok();
        let line = &setup.log_lines("chat")[0];
        for name in ["latency_ms", "model_ms", "first_word_ms"] {
            let value = line[name].as_f64().expect("a number");
            assert!((0.0..60_000.0).contains(&value), "{name}: {line}");
        }
    }
}

#[tokio::test]
async fn a_jump_forgets_no_idempotency_key() {
    let model = FakeModel::start().await;
    let clock = ManualClock::at(NOON);
    let setup = TestSetup::for_model(&model);
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    let first = ask(&service.client, "a").await;
    first.assert_ok();
    for hours in [-DAY, 401 * DAY] {
        clock.jump(hours);
        assert_eq!(ask(&service.client, "a").await.text, first.text);
        ask(&service.client, &hours.to_string()).await.assert_ok();
    }
    clock.set(NOON);
    clock.advance(23 * HOUR);
    // Also those that were first sent while the clock was wrong.
    for key in ["a", "-24", "9624"] {
        ask(&service.client, key).await.assert_ok();
    }
    assert_eq!(model.call_count(), 3);
    clock.advance(2 * HOUR);
    ask(&service.client, "a").await.assert_ok();
    assert_eq!(model.call_count(), 4);
}

/// Starts a service that closes sessions after 400 ms, and removes visitors after 30 days.
async fn start(setup: &TestSetup, clock: &ManualClock) -> Service {
    setup.start_with_clock(clock.clock("UTC")).await
}

/// Waits until the task that deletes ended sessions has run once more.
async fn wait_for_deletion(setup: &TestSetup, client: &Client, clock: &ManualClock) {
    // The stop of the second one is logged after the task has finished its run with the first one.
    for _ in 0..2 {
        let stops = setup.log_lines("session_stop").len();
        start_session(client).await;
        clock.advance(Duration::from_millis(500));
        setup.wait_for_log_lines("session_stop", stops + 1).await;
    }
}

/// A session that ended at noon, with the other data that expires.
struct Stored {
    model: FakeModel,
    setup: TestSetup,
    clock: ManualClock,
    answer: String,
    token: String,
}

async fn token(client: &Client) -> String {
    let body = json!({ "username": "ada", "password": "correct horse" });
    let answer = client.post("/api/auth/login", &body).await.assert_ok();
    answer["access_token"].as_str().expect("a token").to_owned()
}

async fn log_out(client: &Client, token: &str) {
    client.send(client.request(Method::POST, "/api/auth/logout").bearer_auth(token)).await.assert_ok();
}

/// Stores what expires: an ended session, a key, two visitors, of which one has not come since 1970, and a revoked token.
async fn store_at_noon() -> Stored {
    let model = FakeModel::start().await;
    let clock = ManualClock::at(NOON);
    let setup = TestSetup::for_model(&model).with("SESSION_IDLE_TIMEOUT", "400ms").on_sqlite();
    let service = start(&setup, &clock).await;
    let client = &service.client;
    stop_session(client, &start_session(client).await).await;
    let answer = ask(client, "a").await;
    for _ in 0..2 {
        Visitor::first_visit(client).await.ask("hello").await;
    }
    let register = json!({ "username": "ada", "email": "ada@example.org", "password": "correct horse" });
    client.post("/api/auth/register", &register).await;
    let token = token(client).await;
    log_out(client, &token).await;
    service.stop().await;
    setup
        .change_database("UPDATE visitors SET seen_at = 0 WHERE owner_id = (SELECT MIN(owner_id) FROM visitors)")
        .await;
    Stored { model, setup, clock, answer: answer.text, token }
}

impl Stored {
    async fn assert_nothing_deleted(&self, client: &Client) {
        // One of the visitors is due by any clock.
        wait_until("deletion", async || (self.setup.count_rows("visitors").await == 1).then_some(())).await;
        wait_for_deletion(&self.setup, client, &self.clock).await;
        assert_eq!(self.setup.count_rows("sessions WHERE closed_by = 'client'").await, 1);
        let calls = self.model.call_count();
        assert_eq!(ask(client, "a").await.text, self.answer);
        assert_eq!((self.model.call_count(), self.setup.count_rows("visitors").await), (calls, 1));
    }

    async fn wait_for_session_to_expire(&self) {
        let is_deleted = async || {
            let left = self.setup.count_rows("sessions WHERE closed_by = 'client'").await;
            (left == 0).then_some(())
        };
        wait_until("the session to be deleted", is_deleted).await;
    }
}

#[tokio::test]
async fn a_start_with_the_clock_ahead_deletes_nothing() {
    let stored = store_at_noon().await;
    stored.clock.jump(400 * DAY);
    let service = start(&stored.setup, &stored.clock).await;
    let client = &service.client;
    stored.assert_nothing_deleted(client).await;
    // The next logout removes revoked tokens that have expired.
    log_out(client, &token(client).await).await;
    service.stop().await;

    // The clock is right again.
    stored.clock.jump(-400 * DAY);
    let service = start(&stored.setup, &stored.clock).await;
    let me = service.client.request(Method::GET, "/api/auth/me").bearer_auth(&stored.token);
    service.client.send(me).await.assert_error(401, "token_ended");
    stored.assert_nothing_deleted(&service.client).await;
    stored.clock.advance(8 * 24 * HOUR);
    stored.wait_for_session_to_expire().await;
}

#[tokio::test]
async fn a_jump_ahead_counts_after_a_day_of_running() {
    let stored = store_at_noon().await;
    // The service was really stopped.
    stored.clock.jump(400 * DAY);
    let service = start(&stored.setup, &stored.clock).await;
    stored.assert_nothing_deleted(&service.client).await;
    stored.clock.advance(23 * HOUR);
    wait_for_deletion(&stored.setup, &service.client, &stored.clock).await;
    assert_eq!(stored.setup.count_rows("sessions WHERE closed_by = 'client'").await, 1);
    stored.clock.advance(HOUR);
    stored.wait_for_session_to_expire().await;
    let calls = stored.model.call_count();
    ask(&service.client, "a").await.assert_ok();
    assert_eq!(stored.model.call_count(), calls + 1);
    service.stop().await;
    let _service = start(&stored.setup, &stored.clock).await;
    wait_until("the visitor to be deleted", async || (stored.setup.count_rows("visitors").await == 0).then_some(()))
        .await;
}

#[tokio::test]
async fn visits_while_the_clock_is_behind_are_not_old() {
    let model = FakeModel::start().await;
    let clock = ManualClock::at(NOON);
    let setup = TestSetup::for_model(&model).with("VISITOR_RETENTION", "2s");
    let service = start(&setup, &clock).await;
    let gone = Visitor::first_visit(&service.client).await;
    gone.ask("hello").await;
    clock.advance(Duration::from_mins(1));
    clock.jump(-400 * DAY);
    let present = Visitor::first_visit(&service.client).await;
    present.ask("hello").await;
    wait_until("deletion", async || (setup.count_rows("visitors").await == 1).then_some(())).await;
    clock.jump(400 * DAY);
    Visitor::first_visit(&service.client).await.ask("hello").await;
    clock.advance(Duration::from_secs(1));
    assert_eq!(present.history().await.len(), 2);
}

#[tokio::test]
async fn the_diagnostics_report_a_clock_that_is_ahead_once() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model);
    let mut process = setup.start_process().await;
    assert!(!process.start_lines.iter().any(|line| line.contains(AHEAD)), "{:#?}", process.start_lines);
    process.terminate();
    process.exit_code().await;
    setup.change_database("UPDATE retention_clock SET time = time - 34560000000000").await;
    let mut process = setup.start_process().await;
    ask(&process.client, "a").await.assert_ok();
    process.terminate();
    process.exit_code().await;
    let mut lines = process.start_lines;
    while let Some(line) = process.diagnostics.recv().await {
        lines.push(line);
    }
    let reports = lines.iter().filter(|line| line.contains(AHEAD)).collect::<Vec<_>>();
    assert!(reports.len() == 1 && reports[0].contains("hours=9600"), "{lines:#?}");
}

#[tokio::test]
async fn a_clock_set_back_keeps_the_lines_in_order() {
    let model = FakeModel::start().await;
    let clock = ManualClock::at(NOON);
    let setup = TestSetup::for_model(&model);
    let service = start(&setup, &clock).await;
    let client = &service.client;
    for hours in [-DAY, 3 * DAY, -2 * DAY] {
        client.chat("hello").await.assert_ok();
        clock.jump(hours);
        client.chat("hello").await.assert_ok();
    }
    let total = 6;
    assert_eq!(client.get("/api/openai/usage").await.assert_ok()["request_count"], total);
    service.stop().await;
    let files = fs::read_dir(setup.log_dir())
        .expect("the log")
        .filter(|file| file.as_ref().expect("a file").path().extension().is_some_and(|extension| extension == "log"));
    assert_eq!(files.count(), 3);
    let mut lines = setup.log();
    lines.sort_by_key(|line| line["seq"].as_u64());
    assert!(lines.iter().map(|line| line["seq"].as_u64()).eq((1..=8).map(Some)), "{lines:#?}");

    // The database has lost what comes after the third turn.
    setup
        .change_database("UPDATE log_instances SET counted = 4, complete = 0; UPDATE usage_totals SET requests = 3")
        .await;
    let service = start(&setup, &clock).await;
    let usage = service.client.get("/api/openai/usage").await.assert_ok();
    assert_eq!(usage["request_count"], total);
}
