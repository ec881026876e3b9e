//! Lines of refused requests for turns: one for each, and counts under a flood.

use std::{collections::BTreeMap, time::Instant};

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use crate::{
    breaker::refusal,
    command_line::run,
    fakes::model::{Behaviour, FakeModel, Gate},
    support::{
        client::{Client, HttpResponse},
        service::{TestSetup, start_with, wait_until},
        user::start_with_ada,
        visitor::Visitor,
    },
    tickets::{BLOG, SHOP, SITES, start_sites, ticket},
};

/// The most lines of their own that one code gets in a second, and the one that counts the others.
const LINES_PER_CODE: usize = 6;

/// Returns the number of refused requests in the log, by code.
fn counts(setup: &TestSetup) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for line in setup.log_lines("refusal") {
        *counts.entry(line["code"].as_str().unwrap().to_owned()).or_default() += line["count"].as_u64().unwrap();
    }
    counts
}

/// Waits until the log has this many refused requests, whose line or count has been written.
async fn wait_for_refusals(setup: &TestSetup, count: u64) {
    wait_until(&format!("{count} refusals"), async || (counts(setup).values().sum::<u64>() >= count).then_some(()))
        .await;
}

/// Sends requests that are refused, `parallel` at a time, and returns how many got each code.
async fn flood(client: &Client, requests: usize, parallel: usize) -> BTreeMap<String, u64> {
    let send = async |number: usize| {
        let request = client.json_request("/api/chat", &json!({ "message": "" }));
        let request = if number.is_multiple_of(3) { request.bearer_auth("invalid") } else { request };
        client.send(request).await.json()["code"].as_str().unwrap().to_owned()
    };
    let codes = stream::iter(0..requests).map(send).buffer_unordered(parallel).collect::<Vec<_>>().await;
    let mut counts = BTreeMap::new();
    for code in codes {
        *counts.entry(code).or_default() += 1;
    }
    counts
}

/// Asserts that the line is that of a request that was refused with this answer, and has the expected fields.
#[track_caller]
fn assert_line(line: &Value, answer: &HttpResponse, endpoint: &str, expected: &Value) {
    let body = answer.json();
    assert_eq!(
        (&line["request_id"], &line["code"], &line["status"], &line["count"], &line["endpoint"]),
        (&body["request_id"], &body["code"], &json!(answer.status.as_u16()), &json!(1), &json!(endpoint)),
        "{line}"
    );
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&line[field], value, "{field} of {line}");
    }
    assert!(line["latency_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{line}");
    assert!(line.get("since").is_none() && !line.to_string().contains("a secret"), "{line}");
}

#[tokio::test]
async fn each_refused_request_for_a_turn_has_a_line() {
    let (model, setup, service, ada) = start_with_ada(&[("MAX_TURNS", "1"), ("TURN_QUEUE", "0")]).await;
    let client = &service.client;
    let chat = ada.create_chat().await;
    let portal = Visitor::first_visit(client).await;
    let unknown = json!({ "username": null, "is_guest": null });
    let guest = json!({ "username": "guest", "is_guest": true });
    let of_ada = json!({ "username": "ada", "is_guest": false, "user_id": 1 });
    let post = |path: &str, body: &str| {
        let request = client.request(reqwest::Method::POST, path).header("content-type", "application/json");
        request.header("x-session-id", "session_named").body(body.to_owned())
    };
    let secret = r#"{"message": "a secret", "username": "eve", "isGuest": false, "model": "another"}"#;
    let send = format!("/api/messages/{chat}/send");
    let requests = [
        (post("/api/chat", "{\"message\": \"a secret"), "POST /api/chat", 400, &unknown),
        (post("/api/chat", "{}"), "POST /api/chat", 400, &guest),
        (post("/api/chat", secret), "POST /api/chat", 400, &json!({ "username": "eve", "is_guest": false })),
        (post("/api/chat/stream", "{}").bearer_auth("x"), "POST /api/chat/stream", 401, &unknown),
        (post("/api/chat/stream", "{}").bearer_auth(&ada.token), "POST /api/chat/stream", 400, &of_ada),
        (post("/api/chat/image", "{}"), "POST /api/chat/image", 400, &unknown),
        (post("/chat", "{\"message\": \" \"}"), "POST /chat", 400, &guest),
        (post(&send, "{}"), "POST /api/messages/{chat_id}/send", 401, &unknown),
        (post(&send, "{}").bearer_auth(&ada.token), "POST /api/messages/{chat_id}/send", 400, &of_ada),
        (
            post("/api/messages/999/send/stream", "{\"text\": \"a secret\"}").bearer_auth(&ada.token),
            "POST /api/messages/{chat_id}/send/stream",
            404,
            &of_ada,
        ),
        (
            post("/api/messages/999/retry", "").bearer_auth(&ada.token),
            "POST /api/messages/{message_id}/retry",
            404,
            &of_ada,
        ),
    ];
    let mut seen = 0;
    for (request, endpoint, status, expected) in requests {
        let answer = client.send(request).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        seen += 1;
        let lines = setup.wait_for_log_lines("refusal", seen).await;
        assert_line(&lines[seen - 1], &answer, endpoint, expected);
        assert_eq!(lines[seen - 1]["session_id"], "session_named", "{endpoint}");
    }

    // Without a permit, and with an image that must not be read.
    let gate = Gate::new();
    model.behave_once(Behaviour::Held(gate.clone()));
    let image = json!({ "message": "a secret", "image": "https://127.0.0.1/a.png", "session_id": "session_body" });
    let held = client.chat("hello");
    let refused = async {
        model.wait_for_calls(1).await;
        let busy = client.post("/api/chat", &json!({ "message": "a secret", "session_id": "session_body" })).await;
        busy.assert_error(503, "too_busy");
        let of_portal = portal.post(&json!({ "message": "a secret" })).await;
        of_portal.assert_error(503, "too_busy");
        gate.open();
        (busy, of_portal)
    };
    let (answered, (busy, of_portal)) = tokio::join!(held, refused);
    answered.assert_ok();
    let of_image = wait_until("an image that is read", async || {
        let answer = client.post("/api/chat", &image).await;
        (answer.status == 400).then_some(answer)
    })
    .await;
    of_image.assert_error(400, "image_not_public");
    wait_until("the lines", async || counts(&setup).contains_key("image_not_public").then_some(())).await;
    let lines = setup.log_lines("refusal");
    let in_session = json!({ "session_id": "session_body", "username": "guest", "is_guest": true });
    assert_line(&lines[seen], &busy, "POST /api/chat", &in_session);
    assert_line(&lines[seen + 1], &of_portal, "POST /chat", &guest);
    assert_line(lines.last().unwrap(), &of_image, "POST /api/chat", &in_session);
    assert_eq!(setup.log_lines("chat").len(), 1, "a refused request has no line of a turn");
    service.stop().await;
}

#[tokio::test]
async fn other_refused_requests_and_failed_turns_have_no_refusal() {
    let settings = [("MAX_TURNS", "1"), ("TURN_QUEUE_TIMEOUT", "50ms"), ("MODEL_RETRIES", "0")];
    let (model, setup, service) = start_with(&settings).await;
    let client = &service.client;
    client.get("/api/messages/1").await.assert_error(401, "token_missing");
    client.post("/api/session/stop", &json!({ "session_id": "\u{1}" })).await.assert_error(400, "invalid_session_id");
    client.get("/api/chat").await.assert_error(405, "method_not_allowed");
    model.behave_once(refusal(400));
    client.chat("hello").await.assert_error(400, "request_refused");
    let gate = Gate::new();
    model.behave_once(Behaviour::Held(gate.clone()));
    let waiting = async {
        model.wait_for_calls(2).await;
        client.chat("hello").await.assert_error(503, "too_busy");
        gate.open();
    };
    tokio::join!(client.chat("hello"), waiting).0.assert_ok();
    service.stop().await;
    assert_eq!(setup.log_lines("refusal"), Vec::<Value>::new());
    let lines = setup.log_lines("chat");
    let codes = lines.iter().map(|line| (line["code"].clone(), line["attempts"].clone())).collect::<Vec<_>>();
    assert_eq!(codes, [(json!("request_refused"), json!(1)), (json!("too_busy"), json!(0)), (Value::Null, json!(1))]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_refusals_is_counted_in_few_lines() {
    let (_model, setup, service) = start_with(&[]).await;
    let started = Instant::now();
    let sent = flood(&service.client, 1500, 16).await;
    // An orderly stop writes what is counted, in front of its own line.
    service.stop().await;
    let seconds = usize::try_from(started.elapsed().as_secs()).unwrap() + 2;
    assert_eq!(counts(&setup), sent);
    assert_eq!(sent.len(), 2, "{sent:?}");
    let lines = setup.log_lines("refusal");
    assert!(lines.len() <= seconds * LINES_PER_CODE * sent.len(), "{} lines in {seconds} s", lines.len());
    let counting = lines.iter().filter(|line| line["count"].as_u64() > Some(1)).collect::<Vec<_>>();
    assert!(!counting.is_empty());
    for line in counting {
        assert!(line["request_id"].is_null() && line["username"].is_null() && line["latency_ms"].is_null(), "{line}");
        assert!(line["since"].as_str() <= line["timestamp"].as_str(), "{line}");
    }
    assert_eq!(setup.log().last().unwrap()["event"], "service_stop");
}

#[tokio::test]
async fn refusals_in_a_gap_of_the_log_are_counted_after_it() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model);
    let service = setup.start().await;
    let client = &service.client;
    setup.block_log();
    for _ in 0..20 {
        client.chat("hello").await.assert_error(503, "session_log_unavailable");
    }
    let sent = flood(client, 30, 4).await;
    setup.unblock_log();
    let mut expected = sent;
    expected.insert("session_log_unavailable".to_owned(), 20);
    wait_for_refusals(&setup, 50).await;
    service.stop().await;
    assert_eq!(counts(&setup), expected);
    // They have their lines, so that the gap does not count them: only the turn whose line could not be written.
    assert_eq!(setup.log_lines("log_gap")[0]["lines_refused"], 1);
}

#[tokio::test]
async fn a_killed_process_has_logged_the_refusals_before() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model);
    let mut process = setup.start_process().await;
    process.client.post("/api/chat", &json!({})).await.assert_error(400, "message_required");
    setup.wait_for_log_lines("refusal", 1).await;
    let sent = flood(&process.client, 40, 4).await;
    wait_for_refusals(&setup, 41).await;
    process.kill().await;
    let process = setup.start_process().await;
    process.client.chat("hello").await.assert_ok();
    let mut expected = sent;
    *expected.get_mut("message_required").unwrap() += 1;
    assert_eq!(counts(&setup), expected);
    assert_eq!(setup.log_lines("service_start")[1]["previous"]["stopped"], false);
}

#[tokio::test]
async fn a_later_second_has_lines_of_its_own_again() {
    let (_model, setup, service) = start_with(&[]).await;
    let own = || setup.log_lines("refusal").iter().filter(|line| line["request_id"].is_string()).count();
    flood(&service.client, 30, 1).await;
    wait_for_refusals(&setup, 30).await;
    let before = own();
    wait_until("another line", async || {
        flood(&service.client, 1, 1).await;
        (own() > before).then_some(())
    })
    .await;
    service.stop().await;
}

#[tokio::test]
async fn refusals_of_visitors_of_a_site_name_and_count_it() {
    let (_model, setup, service) = start_sites(SITES).await;
    let client = &service.client;
    for (site, origin, requests) in [("shop", SHOP, 3), ("blog", BLOG, 12)] {
        let ticket = ticket(client, site, origin).await;
        for _ in 0..requests {
            let request = client.json_request("/api/chat", &json!({ "message": "" })).bearer_auth(&ticket);
            client.send(request).await.assert_error(400, "message_required");
        }
        let of_other_page = client.json_request("/api/chat", &json!({ "message": "" })).bearer_auth(&ticket);
        let of_other_page = of_other_page.header("origin", "https://evil.example");
        client.send(of_other_page).await.assert_unauthorized("ticket_of_other_page");
    }
    client.chat("hello").await.assert_unauthorized("ticket_required");
    service.stop().await;
    let mut counts = BTreeMap::<String, u64>::new();
    for line in setup.log_lines("refusal") {
        *counts.entry(line["site"].to_string()).or_default() += line["count"].as_u64().unwrap();
    }
    assert_eq!(counts, [("\"blog\"", 13), ("\"shop\"", 4), ("null", 1)].map(|(site, n)| (site.to_owned(), n)).into());
    for (arguments, requests, by_site) in [
        (&[][..], 18, json!({ "blog": 13, "shop": 4 })),
        (&["--by", "site"], 18, json!({ "blog": 13, "shop": 4 })),
        (&["--site", "blog"], 13, json!({ "blog": 13 })),
    ] {
        let ran = run(&setup, &[&["log", "report", "--format", "json"], arguments].concat()).await;
        let refusals = serde_json::from_str::<Value>(&ran.out).unwrap()["refusals"].clone();
        assert_eq!((&refusals["requests"], &refusals["by_site"]), (&json!(requests), &by_site), "{arguments:?}");
    }
    let text = run(&setup, &["log", "report"]).await.out;
    assert!(text.contains("ticket_required 1; of sites blog 13, shop 4\n"), "{text}");
}
