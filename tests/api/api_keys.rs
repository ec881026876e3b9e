//! API keys of servers: the commands that make, list and revoke them, and requests with them.

use std::{
    fs,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    command_line::{CommandOutput, assert_wrong_arguments, run},
    fakes::model::{Behaviour, FakeModel, Gate, Pace, PieceGate, Script},
    support::{
        client::{Client, HttpResponse},
        manual_clock::ManualClock,
        service::{TestSetup, start_with, wait_until},
    },
};

/// An image of one pixel.
const IMAGE: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// The time within which a running service knows of a change: two seconds, and more on a machine that is busy with other tests.
const TIME_TO_NOTICE: Duration = Duration::from_secs(15);

#[track_caller]
fn succeeded(output: &CommandOutput) -> &str {
    assert_eq!(output.code, Some(0), "{output:?}");
    &output.out
}

/// Makes a key with these further arguments.
async fn create(setup: &TestSetup, name: &str, arguments: &[&str]) -> String {
    let made = run(setup, &[&["keys", "create", name], arguments].concat()).await;
    let key = succeeded(&made).trim_end().to_owned();
    assert!(made.err.contains("shown only now"), "{made:?}");
    key
}

async fn listed(setup: &TestSetup) -> Vec<Value> {
    let listed = run(setup, &["keys", "list", "--format", "json"]).await;
    serde_json::from_str(succeeded(&listed)).unwrap()
}

fn start_session(client: &Client, key: &str) -> RequestBuilder {
    client.request(Method::POST, "/api/session/start").bearer_auth(key)
}

/// Waits until a service answers a request with a key with this status, and returns the answer.
async fn noticed(client: &Client, key: &str, status: u16) -> HttpResponse {
    let since = Instant::now();
    let answer = wait_until("the change of a key", async || {
        let answer = client.send(start_session(client, key)).await;
        (answer.status == status).then_some(answer)
    });
    let answer = answer.await;
    assert!(since.elapsed() < TIME_TO_NOTICE, "after {:?}", since.elapsed());
    answer
}

/// Makes a key, and waits until the service accepts it.
pub async fn accepted_key(setup: &TestSetup, client: &Client, name: &str, arguments: &[&str]) -> String {
    let key = create(setup, name, arguments).await;
    noticed(client, &key, 200).await;
    key
}

fn chat(client: &Client, key: &str, body: &Value) -> RequestBuilder {
    client.json_request("/api/chat", body).bearer_auth(key)
}

/// Returns a key of the right form that was never made.
fn made_up(key: &str) -> String {
    let last = if key.ends_with('0') { '1' } else { '0' };
    format!("{}{last}", &key[..key.len() - 1])
}

#[tokio::test]
async fn a_key_is_accepted_where_turns_and_sessions_are() {
    let (model, setup, service) = start_with(&[("VISION_MODELS", "gpt-4o-mini")]).await;
    let client = &service.client;
    let key = accepted_key(&setup, client, "shop", &[]).await;
    let session = client.send(start_session(client, &key)).await.assert_ok()["session_id"].clone();
    let body = json!({ "message": "hello", "username": "ada", "isGuest": false, "sessionId": session });
    client.send(chat(client, &key, &body)).await.assert_ok();
    let image = client.json_request("/api/chat/image", &json!({ "image": IMAGE })).bearer_auth(&key);
    client.send(image).await.assert_ok();

    let gate = PieceGate::new();
    let pieces = ["One ", "two."].map(str::to_owned).to_vec();
    model.set_behaviour(Behaviour::Stream(Script { pieces, pace: Pace::Gated(gate.clone()), ..Script::default() }));
    let stream = client.json_request("/api/chat/stream", &json!({ "message": "count" })).bearer_auth(&key);
    let mut events = client.open_stream(stream).await;
    gate.release(1);
    events.read_deltas(1).await;
    let path = |what: &str| format!("/api/chat/{}/{what}", events.request_id());
    let resumed = client.open_stream(client.request(Method::GET, &path("events")).bearer_auth(&key)).await;
    let stopped = client.request(Method::POST, &path("stop")).bearer_auth(&key);
    client.send(stopped).await.assert_ok();
    assert_eq!(resumed.text_and_end().await.1.data["finish_reason"], "stopped");

    let stop = client.json_request("/api/session/stop", &json!({ "session_id": session })).bearer_auth(&key);
    client.send(stop).await.assert_ok();
    let lines = setup.wait_for_log_lines("chat", 3).await;
    assert!(lines.iter().all(|line| line["api_key"] == "shop"), "{lines:?}");
    let line = lines.iter().find(|line| line["session_id"] == session).unwrap();
    assert_eq!((&line["username"], &line["is_guest"]), (&json!("ada"), &json!(false)));
    gate.open();
    client.chat("without a key").await.assert_ok();
    let lines = setup.wait_for_log_lines("chat", 4).await;
    assert!(lines[3].get("api_key").is_none(), "{}", lines[3]);
    client.send(chat(client, &key, &json!({}))).await.assert_error(400, "message_required");
    assert_eq!(setup.wait_for_log_lines("refusal", 1).await[0]["api_key"], "shop");
}

#[tokio::test]
async fn only_the_key_that_asked_reads_stops_and_rates_its_turn() {
    let (model, setup, service) = start_with(&[]).await;
    let client = &service.client;
    let key = accepted_key(&setup, client, "shop", &[]).await;
    let other = accepted_key(&setup, client, "crm", &[]).await;
    let gate = PieceGate::new();
    let pieces = ["One ", "two."].map(str::to_owned).to_vec();
    model.set_behaviour(Behaviour::Stream(Script { pieces, pace: Pace::Gated(gate.clone()), ..Script::default() }));
    let stream = client.json_request("/api/chat/stream", &json!({ "message": "count" })).bearer_auth(&key);
    let mut events = client.open_stream(stream).await;
    gate.release(1);
    events.read_deltas(1).await;
    let turn = events.request_id().clone();
    let strangers = [Some(&other), None];
    let path = |what: &str| format!("/api/chat/{turn}/{what}");
    let send = async |bearer: Option<&String>, what: &str| {
        let request = match what {
            "events" => client.request(Method::GET, &path(what)),
            "stop" => client.request(Method::POST, &path(what)),
            _ => client.json_request(&path(what), &json!({ "rating": "up" })),
        };
        client.send(bearer.map_or(request.try_clone().unwrap(), |bearer| request.bearer_auth(bearer))).await
    };
    for bearer in strangers {
        send(bearer, "events").await.assert_error(404, "turn_not_found");
        send(bearer, "stop").await.assert_error(404, "turn_not_found");
    }
    send(Some(&key), "stop").await.assert_ok();
    assert_eq!(events.text_and_end().await.1.data["finish_reason"], "stopped");
    for bearer in strangers {
        send(bearer, "events").await.assert_error(404, "turn_not_found");
        send(bearer, "feedback").await.assert_error(404, "turn_not_found");
    }
    send(Some(&key), "feedback").await.assert_ok();
    assert_eq!(setup.log_lines("feedback").len(), 1);
    // A turn without a key is still that of everybody who knows its id.
    gate.open();
    let turn = client.chat("hello").await.header("x-request-id").to_owned();
    let rated =
        client.json_request(&format!("/api/chat/{turn}/feedback"), &json!({ "rating": "up" })).bearer_auth(&key);
    client.send(rated).await.assert_ok();
}

#[tokio::test]
async fn a_revoked_key_is_refused_within_seconds() {
    let (model, setup, service) = start_with(&[]).await;
    let client = &service.client;
    let key = accepted_key(&setup, client, "shop", &[]).await;
    succeeded(&run(&setup, &["keys", "revoke", "shop"]).await);
    noticed(client, &key, 401).await.assert_unauthorized("api_key_revoked");
    let message = json!({ "message": "hello" });
    let paths = ["/api/chat", "/api/chat/stream", "/api/chat/x/stop", "/api/session/start", "/api/session/stop"];
    for path in paths {
        let request = client.json_request(path, &message).bearer_auth(&key);
        client.send(request).await.assert_unauthorized("api_key_revoked");
        // Neither is a key that never was, however it looks.
        for unknown in [made_up(&key).as_str(), "alk_", &key[..20], &format!("{key}0"), &key.to_lowercase()] {
            let request = client.json_request(path, &message).bearer_auth(unknown);
            client.send(request).await.assert_unauthorized("api_key_unknown");
        }
    }
    assert_eq!(model.call_count(), 0);
    let refusals = setup.wait_for_log_lines("refusal", 1).await;
    assert_eq!(refusals[0]["code"], "api_key_revoked");
    service.stop().await;
    let again = setup.start().await;
    again.client.send(start_session(&again.client, &key)).await.assert_unauthorized("api_key_revoked");
}

#[tokio::test]
async fn each_key_has_its_own_limits_and_models() {
    let settings = [("ALLOWED_MODELS", "large, huge"), ("LIMIT_KEY", "2/day"), ("LIMIT_VISITOR", "1/day")];
    let (model, setup, service) = start_with(&settings).await;
    let client = &service.client;
    let common = create(&setup, "common", &[]).await;
    let own = create(&setup, "own", &["--limits", "3/day", "--models", "huge, large"]).await;
    for key in [&common, &own] {
        noticed(client, key, 200).await;
    }
    for (key, turns) in [(&common, 2), (&own, 3)] {
        for _ in 0..turns {
            let answer = client.send(chat(client, key, &json!({ "message": "hello" }))).await;
            answer.assert_ok();
            assert_eq!(answer.header("ratelimit-policy"), format!("\"key\";q={turns};w=86400"));
        }
        let refused = client.send(chat(client, key, &json!({ "message": "hello" }))).await;
        refused.assert_error(429, "limit_reached");
        assert_eq!(refused.json()["details"]["limit"], "key");
    }
    let asked = model.calls().iter().map(|call| call.body["model"].clone()).collect::<Vec<_>>();
    assert_eq!(asked, ["gpt-4o-mini", "gpt-4o-mini", "huge", "huge", "huge"].map(Value::from));
    let refused = client.send(chat(client, &own, &json!({ "message": "hello", "model": "gpt-4o-mini" }))).await;
    refused.assert_error(400, "model_not_allowed");
}

#[tokio::test]
async fn no_request_asks_the_database_for_its_key() {
    let (_model, setup, service) = start_with(&[]).await;
    let client = &service.client;
    let key = accepted_key(&setup, client, "shop", &[]).await;
    setup.change_database("ALTER TABLE api_keys RENAME TO api_keys_away").await;
    client.send(chat(client, &key, &json!({ "message": "hello" }))).await.assert_ok();
    for _ in 0..20 {
        let request = client.send(start_session(client, &made_up(&key))).await;
        request.assert_unauthorized("api_key_unknown");
    }
    setup.change_database("ALTER TABLE api_keys_away RENAME TO api_keys").await;
    accepted_key(&setup, client, "blog", &[]).await;
    client.send(start_session(client, &key)).await.assert_ok();
}

#[tokio::test]
async fn the_last_use_is_written_once_a_minute() {
    let (model, clock) = (FakeModel::start().await, ManualClock::at("2026-05-04T12:00:00Z"));
    let setup = TestSetup::for_model(&model);
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    let client = &service.client;
    let key = accepted_key(&setup, client, "shop", &[]).await;
    let last_use = async || listed(&setup).await[0]["last_used_at"].clone();
    let wait_for_use = async |time: &str| {
        wait_until(time, async || last_use().await.as_str().is_some_and(|at| at.contains(time)).then_some(())).await;
    };
    wait_for_use("12:00:00").await;
    clock.advance(Duration::from_secs(30));
    client.send(start_session(client, &key)).await.assert_ok();
    // Two reads of the keys follow each other, with a write of uses in between.
    for other in ["first", "second"] {
        accepted_key(&setup, client, other, &[]).await;
    }
    assert!(last_use().await.as_str().unwrap().contains("12:00:00"));
    clock.advance(Duration::from_secs(30));
    client.send(start_session(client, &key)).await.assert_ok();
    wait_for_use("12:01:00").await;
    clock.advance(Duration::from_secs(5));
    client.send(start_session(client, &key)).await.assert_ok();
    service.stop().await;
    assert!(last_use().await.as_str().unwrap().contains("12:01:05"), "the end of the process writes it");
}

#[tokio::test]
async fn a_server_starts_sessions_for_many_people() {
    let (_model, setup, service) = start_with(&[("LIMIT_SESSIONS", "1/day")]).await;
    let client = &service.client;
    let start = client.request(Method::POST, "/api/session/start");
    client.send(start.try_clone().unwrap()).await.assert_ok();
    client.send(start).await.assert_error(429, "session_limit_reached");
    let key = accepted_key(&setup, client, "shop", &[]).await;
    client.send(start_session(client, &key)).await.assert_ok();
    let stop = client.json_request("/api/session/stop", &json!({ "session_id": "made-up" })).bearer_auth(&key);
    client.send(stop).await.assert_ok();
}

#[tokio::test]
async fn a_server_can_use_all_permits() {
    let (model, setup, service) = start_with(&[("MAX_TURNS", "4"), ("TURN_QUEUE", "0"), ("PROXIES", "1")]).await;
    let (client, gate) = (&service.client, Gate::new());
    let key = accepted_key(&setup, client, "shop", &[]).await;
    model.set_behaviour(Behaviour::Held(gate.clone()));
    let asked = (0..4).map(|_| {
        client.send(chat(client, &key, &json!({ "message": "hello" })).header("x-forwarded-for", "192.0.2.1"))
    });
    let all_are_asked = async {
        model.wait_for_calls(4).await;
        gate.open();
    };
    let (answers, ()) = tokio::join!(join_all(asked), all_are_asked);
    for answer in answers {
        answer.assert_ok();
    }
}

#[tokio::test]
async fn an_idempotency_key_is_that_of_one_api_key() {
    let (model, setup, service) = start_with(&[]).await;
    let client = &service.client;
    let [first, second] = ["first", "second"].map(|name| create(&setup, name, &[]));
    let (first, second) = (first.await, second.await);
    for key in [&first, &second] {
        noticed(client, key, 200).await;
    }
    let ask = async |key: &str, session: &str| {
        let body = json!({ "message": "hello", "session_id": session });
        client.send(chat(client, key, &body).header("idempotency-key", "order-1")).await.assert_ok();
    };
    ask(&first, "a").await;
    ask(&first, "a").await;
    ask(&first, "b").await;
    assert_eq!(model.call_count(), 1);
    ask(&second, "a").await;
    assert_eq!(model.call_count(), 2);
}

#[tokio::test]
async fn a_key_is_shown_once_and_stored_as_a_hash() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).with("LOG_LEVEL", "trace").with("ADMIN_TOKEN", "");
    let mut process = setup.start_process().await;
    let key = create(&setup, "shop", &[]).await;
    assert!(key.len() == 47 && key.starts_with("alk_"), "{key}");
    noticed(&process.client, &key, 200).await;
    let body = json!({ "message": "hello" });
    process.client.send(chat(&process.client, &key, &body)).await.assert_ok();
    process.client.send(chat(&process.client, &made_up(&key), &body)).await.assert_error(401, "api_key_unknown");
    let hash = format!("{:x}", Sha256::digest(&key));
    assert_eq!(setup.count_rows(&format!("api_keys WHERE hash = '{hash}'")).await, 1);
    let metrics = process.client.get("/metrics").await.text;
    process.terminate();
    assert_eq!(process.exit_code().await, Some(0));
    let holds_key = |text: &str| text.contains(&key[4..46]);
    assert!(!holds_key(&metrics));
    while let Some(line) = process.diagnostics.recv().await {
        assert!(!holds_key(&line), "{line}");
    }
    let folders = [setup.path().to_owned(), setup.log_dir()];
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    for file in files.filter(|file| file.is_file()) {
        assert!(!holds_key(&String::from_utf8_lossy(&fs::read(&file).unwrap())), "{}", file.display());
    }
}

#[tokio::test]
async fn the_list_shows_terms_and_uses() {
    let (_model, setup, service) = start_with(&[]).await;
    assert_eq!(succeeded(&run(&setup, &["keys", "list"]).await), "There are no API keys.\n");
    let key = accepted_key(&setup, &service.client, "shop", &[]).await;
    create(&setup, "crm.eu", &["--limits", "5usd/day, 10/minute", "--models", "gpt-4o-mini"]).await;
    let used = wait_until("a use", async || {
        let keys = listed(&setup).await;
        (!keys[0]["last_used_at"].is_null()).then_some(keys)
    });
    let keys = used.await;
    assert_eq!(keys.iter().map(|key| &key["name"]).collect::<Vec<_>>(), ["shop", "crm.eu"]);
    assert_eq!((&keys[0]["limits"], &keys[0]["models"]), (&Value::Null, &Value::Null));
    assert_eq!((&keys[1]["limits"], &keys[1]["last_used_at"]), (&json!("5usd/day, 10/minute"), &Value::Null));
    assert_eq!((&keys[1]["models"], &keys[1]["revoked_at"]), (&json!(["gpt-4o-mini"]), &Value::Null));
    succeeded(&run(&setup, &["keys", "revoke", "crm.eu"]).await);
    assert!(listed(&setup).await[1]["revoked_at"].is_string());
    let table = run(&setup, &["keys", "list"]).await;
    let lines = succeeded(&table).lines().collect::<Vec<_>>();
    assert_eq!(lines.len(), 3, "{table:?}");
    assert!(lines[0].starts_with("name") && lines[1].ends_with("LIMIT_KEY            all"), "{table:?}");
    assert!(lines[2].contains("5usd/day, 10/minute") && !table.out.contains(&key), "{table:?}");
}

#[tokio::test]
async fn a_name_is_given_once() {
    let (_model, setup, _service) = start_with(&[]).await;
    let made = run(&setup, &["keys", "create", "shop", "--format", "json"]).await;
    let made: Value = serde_json::from_str(succeeded(&made)).unwrap();
    assert!(made["name"] == "shop" && made["key"].as_str().unwrap().starts_with("alk_"), "{made}");
    for _ in 0..2 {
        let again = run(&setup, &["keys", "create", "shop"]).await;
        assert!(again.code == Some(1) && again.out.is_empty() && again.err.contains("choose another"), "{again:?}");
        succeeded(&run(&setup, &["keys", "revoke", "shop"]).await);
    }
    let unknown = run(&setup, &["keys", "revoke", "blog"]).await;
    assert!(unknown.code == Some(1) && unknown.err.contains("no key of the name blog"), "{unknown:?}");
    let foreign = run(&setup, &["keys", "create", "blog", "--models", "gpt-4o-mini, huge"]).await;
    assert!(foreign.code == Some(2) && foreign.err.contains("huge is neither"), "{foreign:?}");
    assert_eq!(listed(&setup).await.len(), 1);
}

#[tokio::test]
async fn wrong_names_limits_and_models_are_refused() {
    let rows: [(&[&str], &str); 4] = [
        (&["create", "Shop"], "a name has up to 40"),
        (&["create", "shop", "--limits", "many"], "limits such as"),
        (&["create", "shop", "--models", " ,"], "at least one model"),
        (&["revoke", "a b"], "a name has up to 40"),
    ];
    assert_wrong_arguments(&TestSetup::new(), &["keys"], &rows).await;
}

#[tokio::test]
async fn keys_are_made_while_the_service_is_busy() {
    let (_model, setup, service) = start_with(&[]).await;
    let names = (0..6).map(|number| format!("key-{number}")).collect::<Vec<_>>();
    let turns = async {
        for _ in 0..30 {
            service.client.chat("hello").await.assert_ok();
        }
    };
    let made = join_all(names.iter().map(|name| create(&setup, name, &[])));
    let (keys, ()) = tokio::join!(made, turns);
    for key in &keys {
        noticed(&service.client, key, 200).await;
    }
    service.stop().await;
    let last = create(&setup, "last", &[]).await;
    let service = setup.start().await;
    for key in keys.iter().chain([&last]) {
        service.client.send(start_session(&service.client, key)).await.assert_ok();
    }
}

#[tokio::test]
async fn without_a_database_no_key_is_made() {
    let setup = TestSetup::new().on_sqlite();
    let made = run(&setup, &["keys", "create", "shop"]).await;
    assert!(made.code == Some(1) && made.out.is_empty() && made.err.contains("al-chat migrate"), "{made:?}");
    assert!(!setup.path().join("al-chat.db").exists());
    succeeded(&run(&setup, &["migrate"]).await);
    create(&setup, "shop", &[]).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_file_in_use_by_another_path_is_not_written() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).on_sqlite();
    let service = setup.start().await;
    let other = setup.path().join("other.db");
    fs::hard_link(setup.path().join("al-chat.db"), &other).unwrap();
    let mut command = setup.command(&["keys", "create", "shop"]);
    command.env("DATABASE_URL", format!("sqlite:///{}", other.display()));
    let made = crate::command_line::output_of(command).await;
    assert!(made.code == Some(1) && made.err.contains("by another path"), "{made:?}");
    assert_eq!(setup.count_rows("api_keys").await, 0);
    service.client.chat("hello").await.assert_ok();
}
