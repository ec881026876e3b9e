//! Which key a turn is asked with: Papita's, `.env`'s, or none; through outages and rotations.

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

/// So short that a key from Papita has always expired by the next turn.
const AT_ONCE: &str = "0.01ms";

async fn fakes() -> (FakeModel, FakePapita) {
    (FakeModel::start().await, FakePapita::start().await)
}

/// The key of each call the model got; `-` for a call without one.
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

/// The `credential_source` of each chat line.
fn sources(setup: &TestSetup) -> Vec<Value> {
    setup.log_lines("chat").iter().map(|line| line["credential_source"].clone()).collect()
}

/// A turn that the built-in responder answers, and says so.
async fn assert_demo(service: &Service) {
    let body = service.client.chat("hello").await.assert_ok();
    assert_eq!((&body["model"], &body["usage"]["model"]), (&json!("basic"), &json!("basic")));
    assert!(body["message"].as_str().is_some_and(|text| !text.is_empty()));
}

/// A turn that fails for want of a key, in a service that does not pretend to be a demo.
async fn assert_no_key(service: &Service, code: &str) {
    let answer = service.client.chat("hello").await;
    answer.assert_error(503, code);
    assert!(!answer.header("retry-after").is_empty());
    assert_eq!(health(service).await["demo_mode"], false);
}

#[tokio::test]
async fn papitas_key_comes_first() {
    let (model, papita) = fakes().await;
    papita.serve_key("sk-brokered");
    let setup = TestSetup::for_papita(&model, &papita).with("OPENAI_API_KEY", "sk-local");
    let service = setup.start().await;
    service.client.chat("hello").await.assert_ok();
    assert_eq!(bearers(&model), ["sk-brokered"]);
    assert_eq!(sources(&setup), ["papita_api"]);
}

#[tokio::test]
async fn the_local_key_serves_where_papita_has_none() {
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
async fn papitas_key_is_found_in_every_shape_of_its_answer() {
    let (model, papita) = fakes().await;
    let service = TestSetup::for_papita(&model, &papita)
        .with("CREDENTIAL_FRESH", AT_ONCE)
        .with("CREDENTIAL_RETRY", AT_ONCE)
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
async fn a_placeholder_is_no_key_and_a_server_that_is_not_openais_is_asked_without() {
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
async fn one_call_to_papita_serves_however_many_first_turns_wait() {
    let (model, papita) = fakes().await;
    papita.serve_key("sk-brokered");
    let gate = Gate::new();
    papita.hold_key_calls(&gate);
    let service = TestSetup::for_papita(&model, &papita).start().await;
    let turns = join_all((0..50).map(|_| service.client.chat("hello")));
    let opening = async {
        papita.wait_for_key_calls(1).await;
        health(&service).await;
        assert_eq!(model.call_count(), 0, "the model was asked before there was a key");
        gate.open();
    };
    for answer in join(turns, opening).await.0 {
        answer.assert_ok();
    }
    assert_eq!(papita.key_calls(), 1);
    assert_eq!(bearers(&model), vec!["sk-brokered"; 50]);
}

#[tokio::test]
async fn a_fresh_key_is_used_without_asking_again() {
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
async fn a_new_key_at_papita_is_in_use_within_the_caches_lifetime() {
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
async fn a_key_is_refreshed_ahead_of_its_expiry_while_turns_go_on() {
    let (model, papita) = fakes().await;
    papita.serve_key("sk-brokered");
    // From 2.4 to 3 s of age a refresh keeps nobody waiting; Papita hangs far longer than a turn may take.
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
async fn a_stale_key_serves_on_while_papita_is_away_and_the_new_one_once_it_is_back() {
    let (model, papita) = fakes().await;
    papita.serve_key("sk-old");
    let setup =
        TestSetup::for_papita(&model, &papita).with("CREDENTIAL_FRESH", AT_ONCE).with("CREDENTIAL_RETRY", "100ms");
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
async fn a_key_that_is_too_old_even_to_be_stale_is_not_used() {
    let (model, papita) = fakes().await;
    papita.serve_key("sk-old");
    let setup =
        TestSetup::for_papita(&model, &papita).with("CREDENTIAL_FRESH", AT_ONCE).with("CREDENTIAL_STALE", "200ms");
    let service = setup.start().await;
    service.client.chat("hello").await.assert_ok();
    papita.stop().await;
    let failed = wait_until("the key's end", async || {
        let answer = service.client.chat("hello").await;
        (answer.status != 200).then_some(answer)
    });
    failed.await.assert_error(503, "credentials_unavailable");
}

#[tokio::test]
async fn a_failure_of_papita_is_remembered_for_a_while() {
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
async fn a_hanging_papita_is_not_in_the_way_of_turns() {
    const PAPITA_TIMEOUT: Duration = Duration::from_secs(1);
    let (model, papita) = fakes().await;
    papita.hang();
    let setup = TestSetup::for_papita(&model, &papita)
        .with("OPENAI_API_KEY", "sk-local")
        .with("PAPITA_TIMEOUT", "1s")
        .with("CREDENTIAL_RETRY", "50ms");
    let service = setup.start().await;
    // The first turn may wait for Papita; those after it may not, also while Papita is asked again and again.
    service.client.chat("hello").await.assert_ok();
    let asked = papita.key_calls();
    let started = Instant::now();
    let mut turns = 0;
    wait_until("Papita to be asked again", async || {
        service.client.chat("hello").await.assert_ok();
        turns += 1;
        (turns >= 20 && papita.key_calls() > asked).then_some(())
    })
    .await;
    assert!(started.elapsed() < PAPITA_TIMEOUT, "{turns} turns took {:?}", started.elapsed());
    assert_eq!(papita.key_calls(), asked + 1);
}

#[tokio::test]
async fn all_turns_with_a_refused_key_share_one_call_to_papita_and_none_fails() {
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
        // All have been refused before Papita answers the first.
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

/// Late turns come when the new key is already there, and early ones when it is not: nobody asks Papita twice.
#[tokio::test]
async fn turns_that_are_refused_one_after_another_share_the_new_key_too() {
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

/// As an operator rotates: a new key is made, Papita gets it, the old one is revoked. On a machine that cannot keep up
/// the next rotation waits until the turns before the last have ended, so that none lives through two.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_rotations_under_two_hundred_turns_a_second_fail_no_turn() {
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
async fn a_rotation_just_after_a_hiccup_of_papita_fails_no_turn() {
    let (model, papita) = fakes().await;
    papita.serve_key("sk-old");
    let service = TestSetup::for_papita(&model, &papita).with("CREDENTIAL_FRESH", AT_ONCE).start().await;
    service.client.chat("hello").await.assert_ok();
    papita.serve_body(500, "boom".to_owned());
    let asked = papita.key_calls();
    service.client.chat("hello").await.assert_ok();
    papita.wait_for_key_calls(asked + 1).await;
    assert_eq!(bearers(&model), ["sk-old"; 2]);

    // The failure is remembered, and would be for long.
    papita.serve_key("sk-new");
    model.accept_only(&["sk-new"]);
    let gate = Gate::new();
    papita.hold_key_calls(&gate);
    let asked = papita.key_calls();
    let refused = service.client.chat("refused");
    let meanwhile = async {
        papita.wait_for_key_calls(asked + 1).await;
        // There is no key now: the old one has been refused, and the new one is held back.
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
async fn a_rotation_while_papita_still_owes_an_earlier_answer_fails_no_turn() {
    let (model, papita) = fakes().await;
    papita.serve_key("sk-old");
    // From 240 to 300 ms of age a refresh keeps nobody waiting.
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

    // That one will end in a timeout. Calls made from now on are answered once the gate is open.
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
async fn the_local_key_is_tried_once_when_papitas_fresh_key_is_refused_too() {
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
async fn the_local_key_is_tried_when_papita_has_no_other_than_the_refused_one() {
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
        assert_eq!(bearers(&model)[2..], ["sk-local"], "the refused key was used again");
    }
}

#[tokio::test]
async fn a_turn_whose_every_key_is_refused_is_401_after_each_was_tried_once() {
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
        // Still no key: the next turn is told the same.
        service.client.chat("hello").await.assert_error(401, "invalid_api_key");
        // And all is well as soon as Papita has a good one.
        papita.serve_key("sk-good");
        let failing =
            wait_until("the good key", async || (service.client.chat("hello").await.status == 200).then_some(()));
        failing.await;
        assert_eq!(last_bearer(&model), "sk-good");
    }
}

#[tokio::test]
async fn a_refused_local_key_alone_is_401_after_one_call() {
    let model = FakeModel::start().await;
    model.accept_only(&["sk-good"]);
    let service = TestSetup::for_model(&model).start().await;
    service.client.chat("hello").await.assert_error(401, "invalid_api_key");
    assert_eq!(bearers(&model), ["sk-local"]);
}

#[tokio::test]
async fn a_refused_local_key_is_replaced_by_the_one_papita_has_by_now() {
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
async fn a_configured_papita_that_fails_is_an_error_and_never_a_demo() {
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
        // Also where the model could be asked without a key, and where it could not.
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
async fn without_any_source_of_a_key_it_is_a_demo_that_says_so() {
    let setup = TestSetup::new();
    let service = setup.start().await;
    assert_demo(&service).await;
    let health = health(&service).await;
    assert_eq!((&health["demo_mode"], &health["openai_configured"]), (&json!(true), &json!(false)));
    let line = setup.log_lines("chat").pop().expect("a chat line");
    assert_eq!((&line["model"], &line["credential_source"]), (&json!("basic"), &json!("none")));
    assert_eq!((&line["status"], &line["cost_usd"]), (&json!(200), &json!(0.0)));
    assert_eq!(setup.log_lines("service_start")[0]["demo_mode"], true);
}

#[tokio::test]
async fn a_placeholder_is_no_configured_key() {
    assert_demo(&TestSetup::new().with("OPENAI_API_KEY", "your_openai_api_key_here").start().await).await;
}

#[tokio::test]
async fn a_papita_on_its_default_address_is_used() {
    let (model, papita) = fakes().await;
    papita.serve_key("sk-brokered");
    let setup = TestSetup::new().with("OPENAI_BASE_URL", &model.base_url()).with_papita_at_default_address(&papita);
    let service = setup.start().await;
    service.client.chat("hello").await.assert_ok();
    assert_eq!(bearers(&model), ["sk-brokered"]);
    assert_eq!(sources(&setup), ["papita_api"]);
}

#[tokio::test]
async fn a_papita_on_its_default_address_that_fails_is_an_error() {
    let papita = FakePapita::start().await;
    papita.serve_body(500, r#"{"error": "boom"}"#.to_owned());
    let service = TestSetup::new().with_papita_at_default_address(&papita).start().await;
    assert_no_key(&service, "credentials_unavailable").await;
}

#[tokio::test]
async fn a_papita_on_its_default_address_that_comes_up_later_ends_the_demo() {
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
async fn a_development_server_on_papitas_default_address_is_no_papita() {
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
        assert_demo(&service).await;
        assert_eq!(health(&service).await["demo_mode"], true);
        service.stop().await;
        // Nor is it missed when it is gone.
        server.stop().await;
        let service = setup.start().await;
        assert_demo(&service).await;
        assert_eq!(health(&service).await["demo_mode"], true);
        service.stop().await;
    }
}

#[tokio::test]
async fn a_papita_met_once_on_its_default_address_is_missed_after_a_restart() {
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
async fn a_papita_on_its_default_address_without_any_key_is_still_a_papita() {
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
async fn basic_answers_where_it_was_chosen_whatever_keys_there_are() {
    let (model, papita) = fakes().await;
    papita.serve_key("sk-brokered");
    let setup = TestSetup::for_papita(&model, &papita).with("OPENAI_API_KEY", "sk-local").with("AI_SERVICE", "basic");
    let service = setup.start().await;
    assert_demo(&service).await;
    assert_eq!(health(&service).await["demo_mode"], true);
    assert_eq!(model.call_count(), 0);
}

#[tokio::test]
async fn openai_is_never_replaced_by_the_demo_where_it_was_chosen() {
    let service = TestSetup::new().with("AI_SERVICE", "openai").start().await;
    assert_no_key(&service, "no_api_key").await;
    let model = FakeModel::start().await;
    let setup = TestSetup::new().with("AI_SERVICE", "openai").with("OPENAI_BASE_URL", &model.base_url());
    setup.start().await.client.chat("hello").await.assert_ok();
    assert_eq!(bearers(&model), ["-"]);
}

#[tokio::test]
async fn info_tells_of_papitas_key_live_and_without_a_character_of_it() {
    let (model, papita) = fakes().await;
    papita.serve_key("sk-brokered-1");
    let setup = TestSetup::for_papita(&model, &papita).with("CREDENTIAL_FRESH", AT_ONCE).with("OPENAI_MODEL", "gpt-4o");
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
async fn info_says_that_the_key_was_refused_until_one_is_accepted() {
    let (model, papita) = fakes().await;
    papita.serve_key("sk-old");
    model.accept_only(&["sk-new"]);
    let setup = TestSetup::for_papita(&model, &papita).with("CREDENTIAL_RETRY", "50ms");
    let service = setup.start().await;
    assert_eq!(info(&service).await["credentials_valid"], true, "nobody has refused it yet");
    service.client.chat("hello").await.assert_error(401, "invalid_api_key");
    let told = info(&service).await;
    assert_eq!((&told["credentials_valid"], &told["code"]), (&json!(false), &json!("invalid_api_key")), "{told}");
    assert_eq!(told["model"], "gpt-4o-mini");
    let usage = service.client.get("/api/openai/usage").await.assert_ok();
    assert_eq!(usage["account_info"]["status"], "key_refused");

    papita.serve_key("sk-new");
    wait_until("the new key", async || (service.client.chat("hello").await.status == 200).then_some(())).await;
    let told = info(&service).await;
    assert_eq!(told["credentials_valid"], true, "{told}");
    assert!(told.get("error").is_none(), "{told}");
}

#[tokio::test]
async fn info_says_that_a_refused_key_works_again() {
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
async fn what_never_will_be_is_not_put_off_until_soon() {
    let sentence = async |papita: &FakePapita| {
        let service = TestSetup::new().with("PAPITA_API_URL", &papita.url()).start().await;
        service.client.chat("hello").await.assert_error(503, "credentials_unavailable")
    };
    let papita = FakePapita::start().await;
    for body in ["{}", r#"{"credentials": {}}"#, "<html></html>"] {
        papita.serve_body(200, body.to_owned());
        let told = sentence(&papita).await;
        assert!(told.contains("the operator must") && !told.contains("again soon"), "{body}: {told}");
    }
    papita.stop().await;
    let told = sentence(&papita).await;
    assert!(told.contains("PAPITA_API_URL"), "{told}");
}

#[tokio::test]
async fn info_tells_of_the_local_key() {
    let model = FakeModel::start().await;
    let service = TestSetup::for_model(&model).start().await;
    let told = info(&service).await;
    assert_eq!(told["credentials_valid"], true);
    let about = &told["credentials_info"];
    assert_eq!(about["credential_source"], "local_env");
    assert_eq!((&about["openai_api_key_set"], &about["openai_api_key_length"]), (&json!(true), &json!(8)));
}

#[tokio::test]
async fn info_tells_that_there_is_no_key_and_why() {
    let papita = FakePapita::start().await;
    let failing = TestSetup::new().with("PAPITA_API_URL", &papita.url());
    for setup in [TestSetup::new(), failing] {
        let told = info(&setup.start().await).await;
        assert!(told["error"].as_str().is_some_and(|error| !error.is_empty()), "{told}");
        assert!(told.get("credentials_valid").is_none() && told.get("model").is_none(), "{told}");
        let about = &told["credentials_info"];
        assert_eq!((&about["openai_api_key_set"], &about["openai_api_key_length"]), (&json!(false), &json!(0)));
        assert_eq!(about["credential_source"], "none");
        assert_eq!(about["openai_api_key_prefix"], Value::Null);
        assert_eq!(about["openai_model"], "gpt-4o-mini");
    }
}

#[tokio::test]
async fn the_test_asks_the_model_and_tells_what_came_of_it() {
    let model = FakeModel::start().await;
    let service = TestSetup::for_model(&model).start().await;
    model.behave_once(Behaviour::Answer(Reply { text: "OK".into(), ..Reply::default() }));
    let told = service.client.get("/api/openai/test").await.assert_ok();
    assert!(told["message"].as_str().is_some_and(|text| !text.is_empty()), "{told}");
    assert_eq!((&told["status"], &told["test_response"]), (&json!("success"), &json!("OK")));
    assert_eq!(told["model"], "gpt-4o-mini");
    assert_eq!((&told["usage"]["total_tokens"], &told["usage"]["model"]), (&json!(18), &json!("gpt-4o-mini")));
    model.accept_only(&["sk-good"]);
    let told = service.client.get("/api/openai/test").await.assert_ok();
    assert_eq!((&told["status"], &told["model"]), (&json!("error"), &json!("gpt-4o-mini")));
    assert!(told["message"].as_str().is_some_and(|text| text.contains("key")), "{told}");
    assert!(told.get("test_response").is_none() && told.get("usage").is_none(), "{told}");
}

#[tokio::test]
async fn the_test_without_a_key_is_an_error_where_a_turn_would_be_one() {
    let papita = FakePapita::start().await;
    let failing = TestSetup::new().with("PAPITA_API_URL", &papita.url());
    for setup in [TestSetup::new().with("AI_SERVICE", "openai"), failing] {
        let told = setup.start().await.client.get("/api/openai/test").await.assert_ok();
        assert_eq!((&told["status"], &told["model"]), (&json!("error"), &json!("gpt-4o-mini")));
        assert!(told["message"].as_str().is_some_and(|text| !text.is_empty()), "{told}");
    }
}

#[tokio::test]
async fn no_piece_of_a_key_is_in_any_answer_log_line_or_diagnostic() {
    const KEYS: [&str; 3] = ["sk-Zq7vXw2LpN8rTb4KcYh6", "sk-Jd5mUs9GaE3fWo1HiVx0", "sk-Pt6yRk8BnQ2jMz7CeDl4"];
    let (model, papita) = fakes().await;
    papita.serve_key(KEYS[0]);
    let setup = TestSetup::for_papita(&model, &papita).with("OPENAI_API_KEY", KEYS[2]).with("LOG_LEVEL", "debug");
    let setup = setup.with("SESSION_LOG_CONTENT", "on");
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
