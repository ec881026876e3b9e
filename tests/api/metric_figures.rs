//! The figures of the service itself in the metrics: its overhead, its writes, open streams, keys and replicas.

use std::time::Duration;

use serde_json::json;

use crate::{
    admission::metric,
    fakes::{
        hook::FakeHook,
        model::{Behaviour, FakeModel, Pace, PieceGate, Script},
        papita::FakePapita,
    },
    postgres::cluster,
    support::service::{TestSetup, start_with, wait_until},
};

#[tokio::test]
async fn the_overhead_is_the_time_without_the_model() {
    const PAUSE: Duration = Duration::from_millis(40);
    let (model, _setup, service) = start_with(&[]).await;
    let client = &service.client;
    let slow =
        || Script { pieces: vec!["a ".to_owned(), "b".to_owned()], pace: Pace::Every(PAUSE), ..Script::default() };
    model.behave_once(Behaviour::Stream(slow()));
    client.stream_chat("hello").await.remaining().await;
    // The first call of this turn fails.
    model.behave_once(Behaviour::CloseImmediately);
    model.set_behaviour(Behaviour::Stream(slow()));
    client.chat("hello").await.assert_ok();
    assert_eq!(metric(client, "al_chat_turn_overhead_seconds_count").await, Some(2.0));
    let overhead = metric(client, "al_chat_turn_overhead_seconds_sum").await.unwrap();
    let whole = metric(client, "al_chat_turn_seconds_sum").await.unwrap();
    let in_model = 2.0 * 2.0 * PAUSE.as_secs_f64();
    assert!(overhead > 0.0 && overhead <= whole - in_model, "{overhead} of {whole}");
}

#[tokio::test]
async fn a_turn_that_asks_no_model_has_no_overhead() {
    let service = TestSetup::new().with("AI_SERVICE", "openai").start().await;
    service.client.chat("hello").await.assert_error(503, "no_api_key");
    assert_eq!(metric(&service.client, "al_chat_turn_seconds_count").await, Some(1.0));
    assert_eq!(metric(&service.client, "al_chat_turn_overhead_seconds_count").await, Some(0.0));
}

#[tokio::test]
async fn open_streams_are_counted_until_they_end() {
    let (model, _setup, service) = start_with(&[]).await;
    let (client, gate) = (&service.client, PieceGate::new());
    model.set_behaviour(Behaviour::Stream(Script { pace: Pace::Gated(gate.clone()), ..Script::default() }));
    let streams = [client.stream_chat("hello").await, client.stream_chat("hello").await];
    let open = async |streams: f64| (metric(client, "al_chat_streams_open").await == Some(streams)).then_some(());
    wait_until("two open streams", async || open(2.0).await).await;
    gate.open();
    for stream in streams {
        stream.remaining().await;
    }
    wait_until("no open stream", async || open(0.0).await).await;
}

#[tokio::test]
async fn writes_to_the_log_and_the_database_are_timed() {
    let (_model, _setup, service) = start_with(&[]).await;
    service.client.chat("hello").await.assert_ok();
    // The start of the service, and the turn.
    let lines = metric(&service.client, "al_chat_session_log_write_seconds_count").await.unwrap();
    assert!(lines >= 2.0, "{lines}");
    wait_until("the transaction", async || {
        let transactions = metric(&service.client, "al_chat_database_write_seconds_count").await;
        (transactions >= Some(1.0)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_log_that_cannot_be_written_shows_in_the_metrics() {
    let (_model, setup, service) = start_with(&[]).await;
    let client = &service.client;
    let writable =
        async |destination| metric(client, &format!("al_chat_writable{{destination=\"{destination}\"}}")).await;
    assert_eq!((writable("session_log").await, writable("database").await), (Some(1.0), Some(1.0)));
    setup.block_log();
    client.post("/api/session/start", &json!({})).await.assert_error(503, "session_log_unavailable");
    assert_eq!((writable("session_log").await, writable("database").await), (Some(0.0), Some(1.0)));
}

#[tokio::test]
async fn only_keys_of_papita_have_an_age() {
    const AGE: &str = "al_chat_key_age_seconds{provider=\"openai\"}";
    let (model, papita) = (FakeModel::start().await, FakePapita::start().await);
    model.accept_any_key();
    papita.serve_key("sk-of-papita");
    let service = TestSetup::for_papita(&model, &papita).start().await;
    service.client.chat("hello").await.assert_ok();
    let age = metric(&service.client, AGE).await.expect("an age");
    assert!((0.0..60.0).contains(&age), "{age}");
    let (_model, _setup, local) = start_with(&[]).await;
    local.client.chat("hello").await.assert_ok();
    assert_eq!(metric(&local.client, AGE).await, None);
}

#[tokio::test]
async fn an_sqlite_database_has_one_process() {
    let (_model, _setup, service) = start_with(&[]).await;
    assert_eq!(metric(&service.client, "al_chat_replicas").await, Some(1.0));
}

#[tokio::test]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn a_replica_counts_those_that_it_finds_at_its_start() {
    let (database, model) = (cluster::shared().database(), FakeModel::start().await);
    let setup = || TestSetup::for_model(&model).with("DATABASE_URL", database.as_str());
    let setups = [setup(), setup()];
    let first = setups[0].start().await;
    assert_eq!(metric(&first.client, "al_chat_replicas").await, Some(1.0));
    let second = setups[1].start().await;
    assert_eq!(metric(&second.client, "al_chat_replicas").await, Some(2.0));
}

#[tokio::test]
async fn the_circuit_breakers_of_hooks_are_metrics() {
    let (model, context) = (FakeModel::start().await, FakeHook::answering(|_| json!({ "texts": [] })).await);
    let hooks = [("GUARD_URL", "http://127.0.0.1:9/"), ("GUARD_FAIL", "open"), ("CONTEXT_URL", &context.url())];
    let service = TestSetup::for_model(&model).with_all(&hooks).start().await;
    let state = async |hook| metric(&service.client, &format!("al_chat_hook_breaker{{hook=\"{hook}\"}}")).await;
    assert_eq!((state("guard").await, state("context").await), (Some(0.0), Some(0.0)));
    for _ in 0..5 {
        service.client.chat("hello").await.assert_ok();
    }
    assert_eq!((state("guard").await, state("context").await), (Some(2.0), Some(0.0)));
}
