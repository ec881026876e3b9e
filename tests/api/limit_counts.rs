//! The counts of limits in the database: over restarts, crashes and replicas.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::join;

use crate::{
    fakes::model::{Behaviour, FakeModel, Gate, Pace, PieceGate, Script},
    limits::{assert_limited, left},
    support::{
        client::{Client, HttpResponse},
        manual_clock::ManualClock,
        service::{TestSetup, start_with, wait_until},
    },
};

const NOON: &str = "2026-05-04T12:00:00Z";

/// Waits until the database has the visitor's turns of the day.
async fn wait_for_count(setup: &TestSetup, turns: u64) {
    let rows = format!("limit_counts WHERE seconds = 86400 AND turns = {turns}");
    wait_until(&format!("{turns} turns in the database"), async || (setup.count_rows(&rows).await > 0).then_some(()))
        .await;
}

#[tokio::test]
async fn a_restart_keeps_the_counts_of_the_day() {
    let (model, clock) = (FakeModel::start().await, ManualClock::at(NOON));
    let setup = TestSetup::for_model(&model).with("LIMIT_VISITOR", "3/day");
    for turns in [2, 1] {
        let service = setup.start_with_clock(clock.clock("UTC")).await;
        for _ in 0..turns {
            service.client.chat("hello").await.assert_ok();
        }
        service.stop().await;
    }
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    assert_limited(&service.client.chat("hello").await, "limit_reached", "visitor", "turns", "day");
    clock.advance(Duration::from_hours(24));
    service.client.chat("hello").await.assert_ok();
}

async fn start_session(client: &Client) -> HttpResponse {
    client.post("/api/session/start", &json!({})).await
}

#[tokio::test]
async fn a_restart_keeps_the_sessions_of_the_day() {
    let clock = ManualClock::at(NOON);
    let setup = TestSetup::new().with("LIMIT_SESSIONS", "3/day");
    for sessions in [2, 1] {
        let service = setup.start_with_clock(clock.clock("UTC")).await;
        for _ in 0..sessions {
            start_session(&service.client).await.assert_ok();
        }
        service.stop().await;
    }
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    start_session(&service.client).await.assert_error(429, "session_limit_reached");
    clock.advance(Duration::from_hours(24));
    start_session(&service.client).await.assert_ok();
}

#[tokio::test]
async fn a_killed_process_forgets_the_last_second_at_most() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).with("LIMIT_TOTAL", "5/day");
    let mut process = setup.start_process().await;
    for turns in 1..=2 {
        let begin = Instant::now();
        process.client.chat("hello").await.assert_ok();
        wait_for_count(&setup, turns).await;
        // A second, and more than a trip to the database: a busy machine does both late.
        assert!(begin.elapsed() < Duration::from_secs(4), "stored after {:?}", begin.elapsed());
    }
    // A turn that runs is counted, too.
    let (gate, pieces) = (PieceGate::new(), ["One ", "two."].map(str::to_owned).to_vec());
    gate.release(1);
    model.behave_once(Behaviour::Stream(Script { pieces, pace: Pace::Gated(gate), ..Script::default() }));
    let mut events = process.client.stream_chat("hello").await;
    events.read_deltas(1).await;
    wait_for_count(&setup, 3).await;
    // Only what comes now can be forgotten.
    process.client.chat("hello").await.assert_ok();
    process.kill().await;
    let process = setup.start_process().await;
    let known = 5 - left(&process.client).await;
    assert!((3..=4).contains(&known), "{known} turns");
    for _ in known..5 {
        process.client.chat("hello").await.assert_ok();
    }
    assert_limited(&process.client.chat("hello").await, "limit_reached", "total", "turns", "day");
}

#[tokio::test]
async fn the_database_has_reservations_until_turns_are_settled() {
    let settings = [("LIMIT_TOTAL", "100000tokens/day"), ("MAX_ANSWER_TOKENS", "1000")];
    let (model, setup, service) = start_with(&settings).await;
    let gate = Gate::new();
    model.behave_once(Behaviour::Held(gate.clone()));
    let has_tokens = async |condition: &str| {
        let rows = format!("limit_counts WHERE seconds = 86400 AND {condition}");
        wait_until(&rows, async || (setup.count_rows(&rows).await > 0).then_some(())).await;
    };
    let (answer, ()) = join!(service.client.chat("hello"), async {
        has_tokens("tokens = 1013").await;
        assert_eq!(left(&service.client).await, 100_000 - 1013);
        gate.open();
    });
    answer.assert_ok();
    has_tokens("turns = 1 AND tokens < 50").await;
    assert!(left(&service.client).await > 100_000 - 50);
}

#[tokio::test]
async fn a_database_that_fails_stops_no_turn_and_loses_no_count() {
    let (_model, setup, service) = start_with(&[("LIMIT_TOTAL", "5/day")]).await;
    service.client.chat("hello").await.assert_ok();
    setup.change_database("ALTER TABLE limit_counts RENAME TO away").await;
    for _ in 0..2 {
        service.client.chat("hello").await.assert_ok();
    }
    setup.change_database("ALTER TABLE away RENAME TO limit_counts").await;
    wait_for_count(&setup, 3).await;
    assert_eq!(left(&service.client).await, 2);
}

#[tokio::test]
async fn the_database_holds_no_address_and_no_session() {
    let (_model, setup, service) = start_with(&[("LIMIT_VISITOR", "5/day"), ("LIMIT_ADDRESS", "5/day")]).await;
    service.client.chat("hello").await.assert_ok();
    wait_for_count(&setup, 1).await;
    let named = "limit_counts WHERE counted LIKE '%.%' OR LENGTH(counted) <> 40";
    assert_eq!((setup.count_rows(named).await, setup.count_rows("limit_counts WHERE seconds = 86400").await), (0, 2));
}

/// Three replicas on one database.
#[cfg(target_os = "linux")]
mod replicas {
    use futures_util::future::join_all;
    use reqwest::StatusCode;
    use tokio::task::JoinHandle;

    use super::*;
    use crate::{postgres::cluster, support::service::Service};

    async fn start_three(limits: &[(&str, &str)]) -> (FakeModel, Vec<TestSetup>, Vec<Service>) {
        let (database, model) = (cluster::shared().database(), FakeModel::start().await);
        let setup = || TestSetup::for_model(&model).with("DATABASE_URL", database.as_str()).with_all(limits);
        let setups = vec![setup(), setup(), setup()];
        let mut services = Vec::new();
        for setup in &setups {
            services.push(setup.start().await);
        }
        (model, setups, services)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
    async fn replicas_share_the_sessions_of_an_address() {
        let (_model, setups, services) = start_three(&[("LIMIT_SESSIONS", "5/day")]).await;
        for _ in 0..5 {
            start_session(&services[0].client).await.assert_ok();
        }
        wait_for_count(&setups[0], 5).await;
        for service in &services[1..] {
            // The count of one session brings what the others have started.
            start_session(&service.client).await.assert_ok();
            let is_refused = async || (start_session(&service.client).await.status == 429).then_some(());
            wait_until("a refusal", is_refused).await;
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
    async fn a_limit_is_exceeded_until_replicas_share_their_counts() {
        let (model, setups, services) = start_three(&[("LIMIT_TOTAL", "5/day")]).await;
        for _ in 0..5 {
            services[0].client.chat("hello").await.assert_ok();
        }
        services[0].client.chat("hello").await.assert_error(429, "limit_reached");
        wait_for_count(&setups[0], 5).await;
        for (number, service) in services[1..].iter().enumerate() {
            // One turn, whose count brings the answer what the others have used.
            service.client.chat("hello").await.assert_ok();
            wait_for_count(&setups[0], 6 + number as u64).await;
            wait_until("the count of all", async || (left(&service.client).await == 0).then_some(())).await;
            assert_limited(&service.client.chat("hello").await, "limit_reached", "total", "turns", "day");
        }
        assert_eq!(model.call_count(), 7);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
    async fn a_flood_at_three_replicas_is_bounded_and_ends() {
        let (model, setups, services) = start_three(&[("LIMIT_TOTAL", "10/day")]).await;
        let flood = services.iter().flat_map(|service| (0..40).map(|_| service.client.chat("hello")));
        let answers = join_all(flood).await;
        let admitted = answers.iter().filter(|answer| answer.status == StatusCode::OK).count();
        assert!((10..=30).contains(&admitted), "{admitted} turns");
        assert_eq!(model.call_count(), admitted);
        wait_for_count(&setups[0], admitted as u64).await;
        for service in &services {
            wait_until("the count of all", async || (left(&service.client).await == 0).then_some(())).await;
            service.client.chat("hello").await.assert_error(429, "limit_reached");
        }
    }

    /// Starts three replicas and a turn at the first, which takes all but five tokens while it runs.
    async fn start_with_a_long_turn() -> (FakeModel, Vec<TestSetup>, Vec<Service>, Gate, JoinHandle<HttpResponse>) {
        let limits = [("LIMIT_TOTAL", "1018tokens/day"), ("MAX_ANSWER_TOKENS", "1000")];
        let (model, setups, services) = start_three(&limits).await;
        let gate = Gate::new();
        model.behave_once(Behaviour::Held(gate.clone()));
        let client = services[0].client.clone();
        #[expect(clippy::disallowed_methods, reason = "awaited by the test")]
        let long = tokio::spawn(async move { client.chat("hello").await });
        let rows = "limit_counts WHERE seconds = 86400 AND tokens = 1013";
        wait_until(rows, async || (setups[0].count_rows(rows).await > 0).then_some(())).await;
        (model, setups, services, gate, long)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
    async fn a_turn_that_runs_at_one_replica_counts_at_the_others() {
        let (model, _setups, services, gate, long) = start_with_a_long_turn().await;
        for service in &services[1..] {
            // One turn, whose count brings the answer what the others have reserved.
            service.client.chat("hello").await.assert_ok();
            wait_until("the count of all", async || (left(&service.client).await == 0).then_some(())).await;
            service.client.chat("hello").await.assert_error(429, "limit_reached");
        }
        assert_eq!((model.call_count(), long.is_finished()), (3, false));
        gate.open();
        long.await.unwrap().assert_ok();
        // It is settled at less, which those who have refused turns learn.
        for service in &services[1..] {
            let is_admitted = async || (service.client.chat("hello").await.status == StatusCode::OK).then_some(());
            wait_until("room for another turn", is_admitted).await;
        }
    }

    #[tokio::test]
    #[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
    async fn a_session_of_one_replica_is_a_visitor_at_another() {
        let limits = [("LIMIT_VISITOR", "1/minute"), ("LIMIT_ADDRESS", "off")];
        let (_model, _setups, services) = start_three(&limits).await;
        for _ in 0..3 {
            let started = services[0].client.post("/api/session/start", &json!({})).await.assert_ok();
            let request = services[1].client.json_request("/api/chat", &json!({ "message": "hello" }));
            let session = started["session_id"].as_str().unwrap();
            services[1].client.send(request.header("x-session-id", session)).await.assert_ok();
        }
    }
}
