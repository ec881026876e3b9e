//! The key of a model call: Papita's, the one in `.env`, or none; during outages and key rotations.

use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

use crate::{
    fakes::{
        model::{Behaviour, FakeModel, Gate, Reply},
        papita::FakePapita,
    },
    support::service::{Service, TestSetup, wait_until},
};

/// A lifetime so short that a key of Papita has always expired at the next turn.
const SHORTEST_LIFETIME: &str = "0.01ms";

async fn fakes() -> (FakeModel, FakePapita) {
    (FakeModel::start().await, FakePapita::start().await)
}

/// Returns the key of each call to the model; `-` for a call without one.
fn bearers(model: &FakeModel) -> Vec<String> {
    model.calls().into_iter().map(|call| call.bearer.unwrap_or_else(|| "-".to_owned())).collect()
}

fn last_bearer(model: &FakeModel) -> String {
    bearers(model).pop().expect("a call of the model")
}

async fn health(service: &Service) -> Value {
    service.client.get("/api/health").await.assert_ok()
}

async fn info(service: &Service) -> Value {
    service.client.get("/api/openai/info").await.assert_ok()
}

/// Returns the `credential_source` of each chat line.
fn sources(setup: &TestSetup) -> Vec<Value> {
    setup.log_lines("chat").iter().map(|line| line["credential_source"].clone()).collect()
}

/// Asserts that the built-in responder answers a turn, and that health and log say so.
async fn assert_built_in(service: &Service) {
    let body = service.client.chat("hello").await.assert_ok();
    assert_eq!((&body["model"], &body["usage"]["model"]), (&json!("basic"), &json!("basic")));
    assert!(body["message"].as_str().is_some_and(|text| !text.is_empty()));
}

/// Asserts that a turn fails without a key, and that the service does not report the built-in responder.
async fn assert_no_key(service: &Service, code: &str) {
    let answer = service.client.chat("hello").await;
    answer.assert_error(503, code);
    assert!(!answer.header("retry-after").is_empty());
    assert_eq!(health(service).await["demo_mode"], false);
}

#[tokio::test]
async fn papitas_key_takes_precedence() {
    let (model, papita) = fakes().await;
    papita.serve_key("sk-brokered");
    let setup = TestSetup::for_papita(&model, &papita).with("OPENAI_API_KEY", "sk-local");
    let service = setup.start().await;
    service.client.chat("hello").await.assert_ok();
    assert_eq!(bearers(&model), ["sk-brokered"]);
    assert_eq!(sources(&setup), ["papita_api"]);
}

#[tokio::test]
async fn the_local_key_is_used_if_papita_has_none() {
    for (status, body) in [
        (404, r#"{"error": "not found"}"#),
        (500, "boom"),
        (401, r#"{"api_key": "sk-of-an-error"}"#),
        (200, "<html></html>"),
        (200, r#"{"credentials": null}"#),
        (200, r#"["sk-in-a-list"]"#),
        (200, r#"{"credentials": {"credentials": {"api_key": "your_openai_api_key_here"}}, "value": 5}"#),
    ] {
        let (model, papita) = fakes().await;
        papita.serve_body(status, body.to_owned());
        let setup = TestSetup::for_papita(&model, &papita).with("OPENAI_API_KEY", "sk-local");
        let service = setup.start().await;
        service.client.chat("hello").await.assert_ok();
        assert_eq!(bearers(&model), ["sk-local"], "{status} {body}");
        assert_eq!(sources(&setup), ["local_env"]);
    }
}

#[tokio::test]
async fn papitas_key_is_found_in_every_response_format() {
    let (model, papita) = fakes().await;
    let service = TestSetup::for_papita(&model, &papita)
        .with("CREDENTIAL_FRESH", SHORTEST_LIFETIME)
        .with("CREDENTIAL_RETRY", SHORTEST_LIFETIME)
        .start()
        .await;
    for (key, body) in [
        ("sk-1", json!({"credentials": {"credentials": {"api_key": "sk-1"}, "api_key": "sk-x"}, "api_key": "sk-x"})),
        ("sk-2", json!({"credentials": {"api_key": "sk-2"}, "api_key": "sk-x", "value": "sk-x"})),
        ("sk-3", json!({"api_key": "sk-3", "value": "sk-x", "credential_value": "sk-x"})),
        ("sk-4", json!({"value": "sk-4", "credential_value": "sk-x"})),
        ("sk-5", json!({"credential_value": " sk-5\n"})),
        ("sk-6", json!({"credentials": {"credentials": {"api_key": " "}, "api_key": "sk-6"}})),
        ("sk-7", json!({"credentials": {"credentials": "malformed", "api_key": null}, "api_key": "sk-7"})),
        ("sk-8", json!({"credentials": ["malformed"], "api_key": 5, "value": "", "credential_value": "sk-8"})),
        ("sk-9", json!({"credentials": "your_openai_api_key_here", "api_key": "your_api_key", "value": "sk-9"})),
    ] {
        papita.serve_body(200, body.to_string());
        service.client.chat("hello").await.assert_ok();
        assert_eq!(last_bearer(&model), key, "{body}");
    }
}

#[tokio::test]
async fn a_placeholder_is_not_sent_as_a_key() {
    for key in ["", "your_openai_api_key_here", "YOUR-API-KEY", "<your key>", "sk-xxxxxxxx", "changeme"] {
        let model = FakeModel::start().await;
        let setup = TestSetup::for_model(&model).with("OPENAI_API_KEY", key);
        let service = setup.start().await;
        let body = service.client.chat("hello").await.assert_ok();
        assert_eq!(body["model"], "gpt-4o-mini");
        assert_eq!(bearers(&model), ["-"], "{key}");
        assert_eq!(sources(&setup), ["none"]);
        assert_eq!(info(&service).await["credentials_info"]["openai_api_key_set"], false);
        let health = health(&service).await;
        assert_eq!((&health["openai_configured"], &health["demo_mode"]), (&json!(true), &json!(false)));
    }
}

#[tokio::test]
async fn concurrent_first_turns_share_one_request_to_papita() {
    let (model, papita) = fakes().await;
    papita.serve_key("sk-brokered");
    let gate = Gate::new();
    papita.hold_key_calls(&gate);
    // The test decides how long the request takes.
    let service = TestSetup::for_papita(&model, &papita).with("PAPITA_TIMEOUT", "20s").start().await;
    let turns = join_all((0..50).map(|_| service.client.chat("hello")));
    let opening = async {
        papita.wait_for_key_calls(1).await;
        health(&service).await;
        assert_eq!(model.call_count(), 0, "the model was called before there was a key");
        gate.open();
    };
    for answer in join(turns, opening).await.0 {
        answer.assert_ok();
    }
    assert_eq!(papita.key_calls(), 1);
    assert_eq!(bearers(&model), vec!["sk-brokered"; 50]);
}

#[tokio::test]
async fn a_fresh_key_is_reused() {
    let (model, papita) = fakes().await;
    papita.serve_key("sk-brokered");
    let service = TestSetup::for_papita(&model, &papita).start().await;
    for _ in 0..20 {
        service.client.chat("hello").await.assert_ok();
    }
    papita.stop().await;
    service.client.chat("hello").await.assert_ok();
    assert_eq!(papita.key_calls(), 1);
    assert_eq!(last_bearer(&model), "sk-brokered");
}

#[tokio::test]
async fn a_new_key_is_used_after_the_cache_lifetime() {
    let (model, papita) = fakes().await;
    papita.serve_key("sk-old");
    let service = TestSetup::for_papita(&model, &papita).with("CREDENTIAL_FRESH", "200ms").start().await;
    service.client.chat("hello").await.assert_ok();
    assert_eq!(last_bearer(&model), "sk-old");
    papita.serve_key("sk-new");
    wait_until("the new key", async || {
        service.client.chat("hello").await.assert_ok();
        (last_bearer(&model) == "sk-new").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_key_is_refreshed_before_it_expires_during_turns() {
    let (model, papita) = fakes().await;
    papita.serve_key("sk-brokered");
    // Between the ages of 2.4 and 3 s a key is refreshed in the background. Papita hangs far longer than a turn may
    // take.
    let setup = TestSetup::for_papita(&model, &papita).with("CREDENTIAL_FRESH", "3s").with("PAPITA_TIMEOUT", "1h");
    let service = setup.start().await;
    service.client.chat("hello").await.assert_ok();
    papita.hang();
    wait_until("a refresh", async || {
        service.client.chat("hello").await.assert_ok();
        (papita.key_calls() > 1).then_some(())
    })
    .await;
    assert_eq!(papita.key_calls(), 2);
    assert_eq!(last_bearer(&model), "sk-brokered");
}

#[tokio::test]
async fn a_stale_key_is_used_during_an_outage_of_papita() {
    let (model, papita) = fakes().await;
    papita.serve_key("sk-old");
    let setup = TestSetup::for_papita(&model, &papita)
        .with("CREDENTIAL_FRESH", SHORTEST_LIFETIME)
        .with("CREDENTIAL_RETRY", "100ms");
    let service = setup.start().await;
    service.client.chat("hello").await.assert_ok();
    papita.stop().await;
    for _ in 0..10 {
        service.client.chat("hello").await.assert_ok();
        assert_eq!(last_bearer(&model), "sk-old");
    }
    papita.serve_key("sk-new");
    papita.restart().await;
    wait_until("the new key", async || {
        service.client.chat("hello").await.assert_ok();
        (last_bearer(&model) == "sk-new").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_key_past_its_stale_lifetime_is_not_used() {
    let (model, papita) = fakes().await;
    papita.serve_key("sk-old");
    let setup = TestSetup::for_papita(&model, &papita)
        .with("CREDENTIAL_FRESH", SHORTEST_LIFETIME)
        .with("CREDENTIAL_STALE", "200ms");
    let service = setup.start().await;
    service.client.chat("hello").await.assert_ok();
    papita.stop().await;
    let failed = wait_until("the expiry of the key", async || {
        let answer = service.client.chat("hello").await;
        (answer.status != 200).then_some(answer)
    });
    failed.await.assert_error(503, "credentials_unavailable");
}

#[tokio::test]
async fn a_failure_of_papita_is_cached() {
    let (model, papita) = fakes().await;
    papita.serve_body(500, "{}".to_owned());
    let setup = TestSetup::for_papita(&model, &papita).with("CREDENTIAL_RETRY", "1h");
    let without_key = setup.start().await;
    for _ in 0..20 {
        assert_no_key(&without_key, "credentials_unavailable").await;
    }
    assert_eq!(papita.key_calls(), 1);
    let other =
        TestSetup::for_papita(&model, &papita).with("CREDENTIAL_RETRY", "1h").with("OPENAI_API_KEY", "sk-local");
    let with_key = other.start().await;
    for _ in 0..20 {
        with_key.client.chat("hello").await.assert_ok();
    }
    assert_eq!(papita.key_calls(), 2);
    assert_eq!(bearers(&model), vec!["sk-local"; 20]);
}

#[tokio::test]
async fn an_unresponsive_papita_does_not_delay_turns() {
    const PAPITA_TIMEOUT: Duration = Duration::from_secs(1);
    let (model, papita) = fakes().await;
    papita.hang();
    let setup = TestSetup::for_papita(&model, &papita)
        .with("OPENAI_API_KEY", "sk-local")
        .with("PAPITA_TIMEOUT", "1s")
        .with("CREDENTIAL_RETRY", "50ms");
    let service = setup.start().await;
    // Only the first turn may wait for Papita; the following turns may not, although Papita is requested again.
    service.client.chat("hello").await.assert_ok();
    let (key_calls, started) = (papita.key_calls(), Instant::now());
    let mut turns = 0;
    wait_until("turns that begin and end during one request to Papita", async || {
        let (asked, ended) = (papita.key_calls(), papita.ended_key_calls());
        let is_answered = service.client.chat("hello").await.status == 200;
        turns += usize::from(is_answered && asked > ended && papita.ended_key_calls() == ended);
        (turns >= 5).then_some(())
    })
    .await;
    let most = started.elapsed().as_millis() / PAPITA_TIMEOUT.as_millis() + 1;
    let asked = papita.key_calls() - key_calls;
    assert!(asked as u128 <= most, "{asked} requests to Papita, one after the other, in {:?}", started.elapsed());
}

#[tokio::test]
async fn turns_with_a_rejected_key_share_one_request_to_papita() {
    const TURNS: usize = 30;
    let (model, papita) = fakes().await;
    papita.serve_key("sk-old");
    let service = TestSetup::for_papita(&model, &papita).start().await;
    service.client.chat("hello").await.assert_ok();
    papita.serve_key("sk-new");
    model.accept_only(&["sk-new"]);
    let gate = Gate::new();
    papita.hold_key_calls(&gate);
    let turns = join_all((0..TURNS).map(|_| service.client.chat("hello")));
    let opening = async {
        // All turns have been rejected before Papita answers the first request.
        model.wait_for_calls(1 + TURNS).await;
        papita.wait_for_key_calls(2).await;
        health(&service).await;
        gate.open();
    };
    for answer in join(turns, opening).await.0 {
        answer.assert_ok();
    }
    assert_eq!(papita.key_calls(), 2);
    let asked_with = |key| bearers(&model).iter().filter(|bearer| *bearer == key).count();
    assert_eq!((asked_with("sk-old"), asked_with("sk-new")), (1 + TURNS, TURNS));
}

/// Some turns are rejected when the new key has already arrived, and others before: Papita is requested once.
#[tokio::test]
async fn consecutive_turns_with_a_rejected_key_share_the_new_key() {
    let (model, papita) = fakes().await;
    papita.serve_key("sk-0");
    let service = TestSetup::for_papita(&model, &papita).start().await;
    for rotation in 1..=20 {
        let key = format!("sk-{rotation}");
        papita.serve_key(&key);
        model.accept_only(&[&key]);
        for answer in join_all((0..10).map(|_| service.client.chat("hello"))).await {
            answer.assert_ok();
        }
        assert_eq!(papita.key_calls(), 1 + rotation, "of rotation {rotation}");
    }
}

/// Rotates keys as an operator does: create a new key, store it at Papita, revoke the old one. On a slow machine, the
/// next rotation waits until the turns before the previous one have ended, so that no turn spans two rotations.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_key_rotations_under_load_fail_no_turn() {
    const ROTATIONS: usize = 20;
    const TURNS_EACH: usize = 30;
    let (model, papita) = fakes().await;
    papita.serve_key("sk-0");
    model.accept_only(&["sk-0"]);
    model.set_behaviour(Behaviour::Delayed(Duration::from_millis(10), Box::new(Behaviour::Answer(Reply::default()))));
    let setup = TestSetup::for_papita(&model, &papita);
    let service = setup.start().await;
    let turn = || {
        let client = service.client.clone();
        async move { client.chat("hello").await }
    };
    let mut pace = interval(Duration::from_millis(5));
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut answers = Vec::new();
    let mut before = JoinSet::new();
    for rotation in 1..=ROTATIONS {
        let mut turns = JoinSet::new();
        for _ in 0..TURNS_EACH {
            pace.tick().await;
            turns.spawn(turn());
        }
        answers.extend(std::mem::replace(&mut before, turns).join_all().await);
        let [old, new] = [rotation - 1, rotation].map(|number| format!("sk-{number}"));
        model.accept_only(&[&old, &new]);
        papita.serve_key(&new);
        model.accept_only(&[&new]);
    }
    answers.extend(before.join_all().await);
    answers.push(turn().await);
    let failed = answers.iter().filter(|answer| answer.status != 200).map(|answer| &answer.text);
    assert_eq!(failed.collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(answers.len(), ROTATIONS * TURNS_EACH + 1);
    assert_eq!(last_bearer(&model), format!("sk-{ROTATIONS}"));
    let lines = setup.log_lines("chat");
    assert_eq!(lines.len(), answers.len());
    assert!(lines.iter().all(|line| line["status"] == 200));
    let calls = papita.key_calls();
    assert!((1 + ROTATIONS..=1 + 2 * ROTATIONS).contains(&calls), "{calls} calls for {ROTATIONS} rotations");
}

#[tokio::test]
async fn a_key_rotation_after_a_failure_of_papita_fails_no_turn() {
    let (model, papita) = fakes().await;
    papita.serve_key("sk-old");
    let service = TestSetup::for_papita(&model, &papita).with("CREDENTIAL_FRESH", SHORTEST_LIFETIME).start().await;
    service.client.chat("hello").await.assert_ok();
    papita.serve_body(500, "boom".to_owned());
    let key_calls = papita.key_calls();
    service.client.chat("hello").await.assert_ok();
    papita.wait_for_key_calls(key_calls + 1).await;
    assert_eq!(bearers(&model), ["sk-old"; 2]);

    // The failure is cached for a long time.
    papita.serve_key("sk-new");
    model.accept_only(&["sk-new"]);
    let gate = Gate::new();
    papita.hold_key_calls(&gate);
    let key_calls = papita.key_calls();
    let refused = service.client.chat("refused");
    let meanwhile = async {
        papita.wait_for_key_calls(key_calls + 1).await;
        // No key is available: the old one was rejected, and the new one is held back.
        let late = service.client.chat("meanwhile");
        let opening = async {
            for _ in 0..20 {
                health(&service).await;
            }
            gate.open();
        };
        join(late, opening).await.0
    };
    let (refused, meanwhile) = join(refused, meanwhile).await;
    refused.assert_ok();
    meanwhile.assert_ok();
    assert_eq!(bearers(&model), ["sk-old", "sk-old", "sk-old", "sk-new", "sk-new"]);
}

#[tokio::test]
async fn a_key_rotation_during_a_request_to_papita_fails_no_turn() {
    let (model, papita) = fakes().await;
    papita.serve_key("sk-old");
    // Between the ages of 240 and 300 ms a key is refreshed in the background.
    let setup = TestSetup::for_papita(&model, &papita).with("CREDENTIAL_FRESH", "300ms").with("PAPITA_TIMEOUT", "1s");
    let service = setup.start().await;
    service.client.chat("hello").await.assert_ok();
    let never = Gate::new();
    papita.hold_key_calls(&never);
    wait_until("a refresh", async || {
        service.client.chat("hello").await.assert_ok();
        (papita.key_calls() == 2).then_some(())
    })
    .await;

    // This request will time out. Later requests are answered when the gate opens.
    let gate = Gate::new();
    papita.hold_key_calls(&gate);
    papita.serve_key("sk-new");
    model.accept_only(&["sk-new"]);
    let refused = service.client.chat("refused");
    let meanwhile = async {
        papita.wait_for_key_calls(3).await;
        let late = service.client.chat("meanwhile");
        let opening = async {
            for _ in 0..20 {
                health(&service).await;
            }
            gate.open();
        };
        join(late, opening).await.0
    };
    let (refused, meanwhile) = join(refused, meanwhile).await;
    refused.assert_ok();
    meanwhile.assert_ok();
}

#[tokio::test]
async fn the_local_key_is_tried_once_if_papitas_new_key_is_rejected() {
    let (model, papita) = fakes().await;
    papita.serve_key("sk-old");
    let setup = TestSetup::for_papita(&model, &papita).with("OPENAI_API_KEY", "sk-local");
    let service = setup.start().await;
    model.accept_only(&["sk-local"]);
    papita.serve_key("sk-new");
    service.client.chat("hello").await.assert_ok();
    assert_eq!(bearers(&model), ["sk-old", "sk-new", "sk-local"]);
    assert_eq!(sources(&setup), ["local_env"]);
}

#[tokio::test]
async fn the_local_key_is_tried_if_papita_has_no_other_key() {
    for stop in [false, true] {
        let (model, papita) = fakes().await;
        papita.serve_key("sk-old");
        let setup = TestSetup::for_papita(&model, &papita).with("OPENAI_API_KEY", "sk-local");
        let service = setup.start().await;
        model.accept_only(&["sk-local"]);
        if stop {
            papita.stop().await;
        }
        service.client.chat("hello").await.assert_ok();
        assert_eq!(bearers(&model), ["sk-old", "sk-local"]);
        service.client.chat("hello").await.assert_ok();
        assert_eq!(bearers(&model)[2..], ["sk-local"], "the rejected key was used again");
    }
}

#[tokio::test]
async fn a_turn_is_401_after_every_key_was_tried_once() {
    for (local, expected) in
        [(None, vec!["sk-old", "sk-new"]), (Some("sk-local"), vec!["sk-old", "sk-new", "sk-local"])]
    {
        let (model, papita) = fakes().await;
        papita.serve_key("sk-old");
        let setup = TestSetup::for_papita(&model, &papita).with("OPENAI_API_KEY", local.unwrap_or_default());
        let setup = setup.with("CREDENTIAL_RETRY", "500ms");
        let service = setup.start().await;
        model.accept_only(&["sk-good"]);
        papita.serve_key("sk-new");
        let answer = service.client.chat("hello").await;
        answer.assert_error(401, "invalid_api_key");
        assert_eq!(bearers(&model), expected);
        for key in expected {
            assert!(!answer.text.contains(key), "{}", answer.text);
        }
        let lines = setup.log_lines("chat");
        assert_eq!(lines.len(), 1);
        assert_eq!((&lines[0]["status"], &lines[0]["code"]), (&json!(401), &json!("invalid_api_key")));
        assert_eq!(lines[0]["finish"], "upstream_error");
        // There is still no key, and the next turn gets the same error.
        service.client.chat("hello").await.assert_error(401, "invalid_api_key");
        // Turns succeed as soon as Papita has a valid key.
        papita.serve_key("sk-good");
        let failing =
            wait_until("the good key", async || (service.client.chat("hello").await.status == 200).then_some(()));
        failing.await;
        assert_eq!(last_bearer(&model), "sk-good");
    }
}

#[tokio::test]
async fn a_new_key_is_fetched_soon_after_papita_had_none() {
    for without_new_key in [(200, r#"{"api_key": "sk-old"}"#), (404, "{}"), (503, "{}")] {
        let (model, papita) = fakes().await;
        papita.serve_key("sk-old");
        let setup = TestSetup::for_papita(&model, &papita).with("CREDENTIAL_RETRY", "1h");
        let service = setup.start().await;
        service.client.chat("hello").await.assert_ok();
        model.accept_only(&["sk-new"]);
        papita.serve_body(without_new_key.0, without_new_key.1.to_owned());
        service.client.chat("hello").await.assert_error(401, "invalid_api_key");
        papita.serve_key("sk-new");
        let refused_at = Instant::now();
        let mut failures = 0;
        wait_until("the new key", async || {
            let answer = service.client.chat("hello").await;
            failures += usize::from(answer.status != 200);
            (answer.status == 200).then_some(())
        })
        .await;
        assert_eq!(last_bearer(&model), "sk-new");
        assert!(papita.key_calls() <= 5, "{} calls", papita.key_calls());
        // A failure of Papita is one of this call only; the next turn calls it for any key.
        if without_new_key.0 == 200 {
            assert!(failures > 0 && refused_at.elapsed() >= Duration::from_millis(500), "{failures} failed turns");
        }
    }
}

#[tokio::test]
async fn turns_share_the_repeated_requests_after_a_refusal() {
    let (model, papita) = fakes().await;
    papita.serve_key("sk-old");
    let setup = TestSetup::for_papita(&model, &papita).with("CREDENTIAL_RETRY", "1h");
    let service = setup.start().await;
    model.accept_only(&["sk-new"]);
    let started = Instant::now();
    // The first request at the start, the second after the refusal, and the third a second later.
    while papita.key_calls() < 3 {
        for answer in join_all((0..20).map(|_| service.client.chat("hello"))).await {
            answer.assert_error(401, "invalid_api_key");
        }
    }
    assert!(started.elapsed() >= Duration::from_millis(900), "{:?}", started.elapsed());
    assert!(papita.key_calls() <= 4, "{} calls", papita.key_calls());
}

#[tokio::test]
async fn a_rejected_local_key_is_a_401_after_one_call() {
    let model = FakeModel::start().await;
    model.accept_only(&["sk-good"]);
    let service = TestSetup::for_model(&model).start().await;
    service.client.chat("hello").await.assert_error(401, "invalid_api_key");
    assert_eq!(bearers(&model), ["sk-local"]);
}

#[tokio::test]
async fn a_rejected_local_key_is_replaced_by_a_new_key_of_papita() {
    let (model, papita) = fakes().await;
    let setup =
        TestSetup::for_papita(&model, &papita).with("OPENAI_API_KEY", "sk-local").with("CREDENTIAL_RETRY", "1h");
    let service = setup.start().await;
    service.client.chat("hello").await.assert_ok();
    model.accept_only(&["sk-brokered"]);
    papita.serve_key("sk-brokered");
    service.client.chat("hello").await.assert_ok();
    assert_eq!(bearers(&model), ["sk-local", "sk-local", "sk-brokered"]);
}

#[tokio::test]
async fn a_failure_of_a_configured_papita_is_an_error() {
    enum Failure {
        Body(u16, &'static str),
        Hang,
        Away,
    }
    for failure in [
        Failure::Body(404, r#"{"error": "not found"}"#),
        Failure::Body(500, "boom"),
        Failure::Body(200, "<html></html>"),
        Failure::Body(200, "{}"),
        Failure::Body(200, r#"{"api_key": "your_openai_api_key_here"}"#),
        Failure::Hang,
        Failure::Away,
    ] {
        let (model, papita) = fakes().await;
        match failure {
            Failure::Body(status, body) => papita.serve_body(status, body.to_owned()),
            Failure::Hang => papita.hang(),
            Failure::Away => papita.stop().await,
        }
        // For a model that works without a key, and for one that does not.
        let of_openai = TestSetup::new().with("PAPITA_API_URL", &papita.url());
        for setup in [TestSetup::for_papita(&model, &papita), of_openai] {
            let setup = setup.with("PAPITA_TIMEOUT", "200ms");
            let service = setup.start().await;
            assert_no_key(&service, "credentials_unavailable").await;
            assert_eq!(setup.log_lines("chat")[0]["code"], "credentials_unavailable");
        }
        assert_eq!(model.call_count(), 0);
    }
}

#[tokio::test]
async fn without_any_key_the_built_in_responder_answers() {
    let setup = TestSetup::new();
    let service = setup.start().await;
    assert_built_in(&service).await;
    let health = health(&service).await;
    assert_eq!((&health["demo_mode"], &health["openai_configured"]), (&json!(true), &json!(false)));
    let line = setup.log_lines("chat").pop().expect("a chat line");
    assert_eq!((&line["model"], &line["credential_source"]), (&json!("basic"), &json!("none")));
    assert_eq!((&line["status"], &line["cost_usd"]), (&json!(200), &json!(0.0)));
    assert_eq!(setup.log_lines("service_start")[0]["demo_mode"], true);
}

#[tokio::test]
async fn a_placeholder_does_not_count_as_a_configured_key() {
    assert_built_in(&TestSetup::new().with("OPENAI_API_KEY", "your_openai_api_key_here").start().await).await;
}

#[tokio::test]
async fn a_papita_at_its_default_address_is_used() {
    let (model, papita) = fakes().await;
    papita.serve_key("sk-brokered");
    let setup = TestSetup::new().with("OPENAI_BASE_URL", &model.base_url()).with_papita_at_default_address(&papita);
    let service = setup.start().await;
    service.client.chat("hello").await.assert_ok();
    assert_eq!(bearers(&model), ["sk-brokered"]);
    assert_eq!(sources(&setup), ["papita_api"]);
}

#[tokio::test]
async fn a_failing_papita_at_its_default_address_is_an_error() {
    let papita = FakePapita::start().await;
    papita.serve_body(500, r#"{"error": "boom"}"#.to_owned());
    let service = TestSetup::new().with_papita_at_default_address(&papita).start().await;
    assert_no_key(&service, "credentials_unavailable").await;
}

#[tokio::test]
async fn a_papita_that_starts_later_at_its_default_address_is_used() {
    let (model, papita) = fakes().await;
    papita.serve_key("sk-brokered");
    papita.stop().await;
    let setup = TestSetup::new().with_papita_at_default_address(&papita).with("CREDENTIAL_RETRY", "50ms");
    let setup = setup.with("OPENAI_BASE_URL", &model.base_url());
    let service = setup.start().await;
    service.client.chat("hello").await.assert_ok();
    assert_eq!(bearers(&model), ["-"]);
    papita.restart().await;
    wait_until("Papita's key", async || {
        service.client.chat("hello").await.assert_ok();
        (last_bearer(&model) == "sk-brokered").then_some(())
    })
    .await;
}

#[tokio::test]
async fn another_server_at_papitas_default_address_is_ignored() {
    for (status, body) in [
        (200, "<!doctype html><html></html>"),
        (404, "Cannot GET /api/credentials/global/openai"),
        (404, r#"{"error": "Not found"}"#),
        (200, r#"{"status": "ok"}"#),
        (504, "Error occurred while trying to proxy: localhost:3000/api/credentials/global/openai"),
        (504, "<html><h1>504 Gateway Time-out</h1></html>"),
        (502, r#"{"error": "Bad Gateway"}"#),
        (500, ""),
        (500, "<!doctype html><title>Internal Server Error</title>"),
        (503, "Service Unavailable"),
    ] {
        let server = FakePapita::start().await;
        server.serve_body(status, body.to_owned());
        let setup = TestSetup::new().with_papita_at_default_address(&server);
        let service = setup.start().await;
        assert_eq!(server.key_calls(), 1);
        assert_built_in(&service).await;
        assert_eq!(health(&service).await["demo_mode"], true);
        service.stop().await;
        // Its absence is not an error when it is gone.
        server.stop().await;
        let service = setup.start().await;
        assert_built_in(&service).await;
        assert_eq!(health(&service).await["demo_mode"], true);
        service.stop().await;
    }
}

#[tokio::test]
async fn a_papita_seen_at_its_default_address_is_required_later() {
    let papita = FakePapita::start().await;
    papita.serve_key("sk-brokered");
    let setup = TestSetup::new().with_papita_at_default_address(&papita);
    let service = setup.start().await;
    assert_eq!(health(&service).await["demo_mode"], false);
    service.stop().await;
    papita.stop().await;
    let service = setup.start().await;
    assert_no_key(&service, "credentials_unavailable").await;
    service.stop().await;
}

#[tokio::test]
async fn a_papita_without_a_key_at_its_default_address_is_an_error() {
    let papita = FakePapita::start().await;
    papita.serve_body(200, r#"{"credentials": {}}"#.to_owned());
    let setup = TestSetup::new().with_papita_at_default_address(&papita);
    let service = setup.start().await;
    assert_no_key(&service, "credentials_unavailable").await;
    service.stop().await;
    papita.stop().await;
    let service = setup.start().await;
    assert_no_key(&service, "credentials_unavailable").await;
    service.stop().await;
}

#[tokio::test]
async fn basic_mode_uses_the_built_in_responder_despite_keys() {
    let (model, papita) = fakes().await;
    papita.serve_key("sk-brokered");
    let setup = TestSetup::for_papita(&model, &papita).with("OPENAI_API_KEY", "sk-local").with("AI_SERVICE", "basic");
    let service = setup.start().await;
    assert_built_in(&service).await;
    assert_eq!(health(&service).await["demo_mode"], true);
    assert_eq!(model.call_count(), 0);
}

#[tokio::test]
async fn openai_mode_never_uses_the_built_in_responder() {
    let service = TestSetup::new().with("AI_SERVICE", "openai").start().await;
    assert_no_key(&service, "no_api_key").await;
    let model = FakeModel::start().await;
    let setup = TestSetup::new().with("AI_SERVICE", "openai").with("OPENAI_BASE_URL", &model.base_url());
    setup.start().await.client.chat("hello").await.assert_ok();
    assert_eq!(bearers(&model), ["-"]);
}

#[tokio::test]
async fn info_shows_the_state_of_papitas_key_without_the_key() {
    let (model, papita) = fakes().await;
    papita.serve_key("sk-brokered-1");
    let setup = TestSetup::for_papita(&model, &papita)
        .with("CREDENTIAL_FRESH", SHORTEST_LIFETIME)
        .with("OPENAI_MODEL", "gpt-4o");
    let service = setup.start().await;
    let first = info(&service).await;
    assert_eq!(first["credentials_valid"], true);
    assert_eq!(first["model"], "gpt-4o");
    assert!(first.get("error").is_none(), "{first}");
    let mut about = first["credentials_info"].clone();
    let prefix = about.as_object_mut().unwrap().remove("openai_api_key_prefix").expect("a fingerprint");
    let expected = json!({
        "openai_api_key_set": true, "openai_api_key_length": 13, "openai_model": "gpt-4o",
        "papita_api_url": papita.url(), "env_file_exists": false, "credential_source": "papita_api",
    });
    assert_eq!(about, expected);
    papita.serve_key("sk-brokered-another");
    let second = info(&service).await["credentials_info"].clone();
    assert_eq!(second["openai_api_key_length"], 19);
    assert_ne!(second["openai_api_key_prefix"], prefix);
}

#[tokio::test]
async fn info_shows_a_rejected_key_until_one_is_accepted() {
    let (model, papita) = fakes().await;
    papita.serve_key("sk-old");
    model.accept_only(&["sk-new"]);
    let setup = TestSetup::for_papita(&model, &papita).with("CREDENTIAL_RETRY", "50ms");
    let service = setup.start().await;
    assert_eq!(info(&service).await["credentials_valid"], true, "the key was not rejected yet");
    service.client.chat("hello").await.assert_error(401, "invalid_api_key");
    let details = info(&service).await;
    assert_eq!(
        (&details["credentials_valid"], &details["code"]),
        (&json!(false), &json!("invalid_api_key")),
        "{details}"
    );
    assert_eq!(details["model"], "gpt-4o-mini");
    let usage = service.client.get("/api/openai/usage").await.assert_ok();
    assert_eq!(usage["account_info"]["status"], "key_refused");

    papita.serve_key("sk-new");
    wait_until("the new key", async || (service.client.chat("hello").await.status == 200).then_some(())).await;
    let details = info(&service).await;
    assert_eq!(details["credentials_valid"], true, "{details}");
    assert!(details.get("error").is_none(), "{details}");
}

#[tokio::test]
async fn info_shows_that_a_rejected_key_is_accepted_again() {
    let model = FakeModel::start().await;
    model.accept_only(&["sk-another"]);
    let service = TestSetup::for_model(&model).start().await;
    for stream in [false, true] {
        let body = json!({ "message": "hello", "stream": stream });
        model.accept_only(&["sk-another"]);
        service.client.post("/api/chat", &body).await;
        assert_eq!(info(&service).await["credentials_valid"], false, "stream: {stream}");
        model.accept_any_key();
        service.client.post("/api/chat", &body).await;
        assert_eq!(info(&service).await["credentials_valid"], true, "stream: {stream}");
    }
}

#[tokio::test]
async fn permanent_errors_have_no_retry_after() {
    let sentence = async |papita: &FakePapita| {
        let service = TestSetup::new().with("PAPITA_API_URL", &papita.url()).start().await;
        service.client.chat("hello").await.assert_error(503, "credentials_unavailable")
    };
    let papita = FakePapita::start().await;
    for body in ["{}", r#"{"credentials": {}}"#, "<html></html>"] {
        papita.serve_body(200, body.to_owned());
        let text = sentence(&papita).await;
        assert!(text.contains("the operator must") && !text.contains("again soon"), "{body}: {text}");
    }
    papita.stop().await;
    let text = sentence(&papita).await;
    assert!(text.contains("PAPITA_API_URL"), "{text}");
}

#[tokio::test]
async fn info_shows_the_source_of_the_local_key() {
    let model = FakeModel::start().await;
    let service = TestSetup::for_model(&model).start().await;
    let details = info(&service).await;
    assert_eq!(details["credentials_valid"], true);
    let about = &details["credentials_info"];
    assert_eq!(about["credential_source"], "local_env");
    assert_eq!((&about["openai_api_key_set"], &about["openai_api_key_length"]), (&json!(true), &json!(8)));
}

#[tokio::test]
async fn info_shows_that_there_is_no_key_and_why() {
    let papita = FakePapita::start().await;
    let failing = TestSetup::new().with("PAPITA_API_URL", &papita.url());
    for setup in [TestSetup::new(), failing] {
        let details = info(&setup.start().await).await;
        assert!(details["error"].as_str().is_some_and(|error| !error.is_empty()), "{details}");
        assert!(details.get("credentials_valid").is_none() && details.get("model").is_none(), "{details}");
        let about = &details["credentials_info"];
        assert_eq!((&about["openai_api_key_set"], &about["openai_api_key_length"]), (&json!(false), &json!(0)));
        assert_eq!(about["credential_source"], "none");
        assert_eq!(about["openai_api_key_prefix"], Value::Null);
        assert_eq!(about["openai_model"], "gpt-4o-mini");
    }
}

#[tokio::test]
async fn the_model_test_calls_the_model_and_reports_the_result() {
    let model = FakeModel::start().await;
    let service = TestSetup::for_model(&model).start().await;
    model.behave_once(Behaviour::Answer(Reply { text: "OK".into(), ..Reply::default() }));
    let result = service.client.get("/api/openai/test").await.assert_ok();
    assert!(result["message"].as_str().is_some_and(|text| !text.is_empty()), "{result}");
    assert_eq!((&result["status"], &result["test_response"]), (&json!("success"), &json!("OK")));
    assert_eq!(result["model"], "gpt-4o-mini");
    assert_eq!((&result["usage"]["total_tokens"], &result["usage"]["model"]), (&json!(18), &json!("gpt-4o-mini")));
    model.accept_only(&["sk-good"]);
    let result = service.client.get("/api/openai/test").await.assert_ok();
    assert_eq!((&result["status"], &result["model"]), (&json!("error"), &json!("gpt-4o-mini")));
    assert!(result["message"].as_str().is_some_and(|text| text.contains("key")), "{result}");
    assert!(result.get("test_response").is_none() && result.get("usage").is_none(), "{result}");
}

#[tokio::test]
async fn the_model_test_without_a_key_fails_like_a_turn() {
    let papita = FakePapita::start().await;
    let failing = TestSetup::new().with("PAPITA_API_URL", &papita.url());
    for setup in [TestSetup::new().with("AI_SERVICE", "openai"), failing] {
        let result = setup.start().await.client.get("/api/openai/test").await.assert_ok();
        assert_eq!((&result["status"], &result["model"]), (&json!("error"), &json!("gpt-4o-mini")));
        assert!(result["message"].as_str().is_some_and(|text| !text.is_empty()), "{result}");
    }
}

#[tokio::test]
async fn keys_are_never_exposed() {
    const KEYS: [&str; 3] = ["sk-Zq7vXw2LpN8rTb4KcYh6", "sk-Jd5mUs9GaE3fWo1HiVx0", "sk-Pt6yRk8BnQ2jMz7CeDl4"];
    let (model, papita) = fakes().await;
    papita.serve_key(KEYS[0]);
    let setup = TestSetup::for_papita(&model, &papita).with("OPENAI_API_KEY", KEYS[2]).with("LOG_LEVEL", "debug");
    let setup = setup.with("SESSION_LOG_CONTENT", "plain");
    let mut process = setup.start_process().await;
    let client = process.client.clone();
    let mut texts = Vec::new();
    for accepted in [KEYS[0], KEYS[1], KEYS[2], "sk-none-of-them"] {
        model.accept_only(&[accepted]);
        papita.serve_key(KEYS[1]);
        texts.push(client.chat("hello").await.text);
        for path in ["/api/openai/info", "/api/openai/test", "/api/openai/usage", "/api/health", "/api/health/ready"] {
            texts.push(client.get(path).await.text);
        }
    }
    client.chat("hello").await.assert_error(401, "invalid_api_key");
    for key in KEYS {
        assert!(bearers(&model).iter().any(|bearer| bearer == key), "{key} was never used");
    }
    process.terminate();
    assert_eq!(process.exit_code().await, Some(0));
    texts.extend(setup.log().iter().map(Value::to_string));
    let mut diagnostics = 0;
    while let Some(line) = process.diagnostics.recv().await {
        texts.push(line);
        diagnostics += 1;
    }
    assert!(diagnostics > 0, "no diagnostics were read");
    for text in texts {
        for key in KEYS {
            let mut pieces = key.as_bytes().windows(6).map(|piece| std::str::from_utf8(piece).unwrap());
            assert_eq!(pieces.find(|piece| text.contains(piece)), None, "in {text}");
        }
    }
}
