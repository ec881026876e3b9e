//! Feedback: the caller of an answered turn rates the answer, in the session log, the database, the metrics and the events.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::{
    api_keys::accepted_key,
    command_line::run,
    erasable_texts::erase,
    fakes::{
        event_receiver::EventReceiver,
        model::{Behaviour, FakeModel},
    },
    idempotency::ask as ask_with_key,
    support::{
        client::{Client, HttpResponse},
        event_check::assert_described,
        manual_clock::ManualClock,
        service::{TestSetup, start_with, wait_until},
        user::{User, start_with_ada},
        visitor::Visitor,
    },
    tickets::{SHOP, SITES, question, start_sites, ticket},
};

/// A comment that only its place in the log may have.
const COMMENT: &str = "the numbat was wrong about 4711";

fn rate_request(client: &Client, request_id: &str, body: &Value) -> RequestBuilder {
    client.json_request(&format!("/api/chat/{request_id}/feedback"), body)
}

pub async fn rate(client: &Client, request_id: &str, body: &Value) -> HttpResponse {
    client.send(rate_request(client, request_id, body)).await
}

fn up() -> Value {
    json!({ "rating": "up" })
}

fn down() -> Value {
    json!({ "rating": "down" })
}

/// Asks a question, and returns the id of the turn.
async fn asked(client: &Client) -> String {
    id_of(&client.chat("hello").await)
}

fn id_of(answer: &HttpResponse) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.header("x-request-id").to_owned()
}

#[track_caller]
fn assert_recorded(answer: &HttpResponse, rating: &str) {
    let body = answer.assert_ok();
    assert_eq!((&body["status"], &body["rating"]), (&json!("recorded"), &json!(rating)));
    assert!(body["timestamp"].as_str().is_some_and(|time| time.parse::<jiff::Timestamp>().is_ok()), "{body}");
}

/// Returns the ratings that were logged, each with the one that it has replaced.
pub fn logged(setup: &TestSetup) -> Vec<(Value, Value)> {
    let lines = setup.log_lines("feedback");
    lines.into_iter().map(|line| (line["rating"].clone(), line["previous_rating"].clone())).collect()
}

#[tokio::test]
async fn an_answer_is_rated_once_and_the_rating_can_change() {
    let (_model, setup, service) = start_with(&[("ALLOWED_MODELS", "gpt-4o")]).await;
    let client = &service.client;
    let body = json!({ "message": "hello", "session_id": "s-1", "model": "gpt-4o", "persona": "amaya" });
    let turn = id_of(&client.post("/api/chat", &body).await);
    for rating in [up(), up(), json!({ "rating": "up", "comment": " " }), down(), down(), up()] {
        assert_recorded(&rate(client, &turn, &rating).await, rating["rating"].as_str().unwrap());
    }
    let (up, down) = (json!("up"), json!("down"));
    assert_eq!(logged(&setup), [(up.clone(), Value::Null), (down.clone(), up.clone()), (up, down)]);
    let line = setup.log_lines("feedback").remove(0);
    let facts = ["request_id", "session_id", "model", "persona", "has_comment"].map(|name| line[name].clone());
    assert_eq!(facts, [json!(turn), json!("s-1"), json!("gpt-4o"), json!("amaya"), json!(false)]);
    let metrics = client.get("/metrics").await.text;
    for count in ["al_chat_feedback_total{rating=\"up\"} 2\n", "al_chat_feedback_total{rating=\"down\"} 1\n"] {
        assert!(metrics.contains(count), "{metrics}");
    }
}

#[tokio::test]
async fn the_same_rating_at_once_is_one_line() {
    let (_model, setup, service) = start_with(&[]).await;
    let turn = asked(&service.client).await;
    let body = up();
    for answer in join_all((0..8).map(|_| rate(&service.client, &turn, &body))).await {
        assert_recorded(&answer, "up");
    }
    assert_eq!(logged(&setup), [(json!("up"), Value::Null)]);
}

#[tokio::test]
async fn only_known_answered_turns_of_the_session_are_rated() {
    let (model, setup, service) = start_with(&[("MODEL_RETRIES", "0")]).await;
    let client = &service.client;
    let turn = id_of(&client.post("/api/chat", &json!({ "message": "hello", "session_id": "s-1" })).await);
    for id in ["x", "019aa5b1-7c3e-7d10-b1f4-5a5c1b0f9e27", &turn[1..]] {
        rate(client, id, &up()).await.assert_error(404, "turn_not_found");
    }
    let in_session = |session: &str| rate_request(client, &turn, &up()).header("x-session-id", session);
    client.send(in_session("s-2")).await.assert_error(404, "turn_not_found");
    client.send(in_session("a b")).await.assert_error(400, "invalid_session_id");
    model.behave_once(Behaviour::Respond { status: 400, headers: vec![], body: "{}".to_owned() });
    let failed = client.chat("hello").await;
    failed.assert_error(400, "request_refused");
    rate(client, failed.header("x-request-id"), &up()).await.assert_error(404, "turn_not_found");
    assert_eq!(logged(&setup), []);
    assert_recorded(&client.send(in_session("s-1")).await, "up");
}

#[tokio::test]
async fn only_the_owner_of_a_stored_chat_rates_its_answers() {
    let (_model, setup, service, ada) = start_with_ada(&[]).await;
    let (client, bob) = (&service.client, User::register(&service.client, "bob").await);
    let chat = ada.create_chat().await;
    let turn = id_of(&ada.send(chat, "hello").await);
    let path = format!("/api/chat/{turn}/feedback");
    rate(client, &turn, &up()).await.assert_error(404, "turn_not_found");
    bob.post(&path, &up()).await.assert_error(404, "turn_not_found");
    let expired = rate_request(client, &turn, &up()).bearer_auth(format!("{}x", ada.token));
    client.send(expired).await.assert_unauthorized("token_invalid");
    assert_recorded(&ada.post(&path, &up()).await, "up");
    // The chat of a visitor of the portal.
    let (visitor, other) = (Visitor::first_visit(client).await, Visitor::first_visit(client).await);
    let turn = id_of(&visitor.send("hello").await);
    let path = format!("/api/chat/{turn}/feedback");
    client.send(other.json_request(&path, &down())).await.assert_error(404, "turn_not_found");
    assert_recorded(&client.send(visitor.json_request(&path, &down())).await, "down");
    assert_eq!(logged(&setup).len(), 2);
}

#[tokio::test]
async fn only_the_visitor_of_a_ticket_rates_an_answer_of_a_site() {
    let (_model, setup, service) = start_sites(SITES).await;
    let client = &service.client;
    let (own, other) = (ticket(client, "shop", SHOP).await, ticket(client, "shop", SHOP).await);
    let turn = id_of(&client.send(question(client, &own, SHOP)).await);
    let by = |ticket: &str| rate_request(client, &turn, &down()).bearer_auth(ticket).header("origin", SHOP);
    client.send(by(&other)).await.assert_error(404, "turn_not_found");
    rate(client, &turn, &down()).await.assert_error(404, "turn_not_found");
    let answer = client.send(by(&own)).await;
    assert_recorded(&answer, "down");
    assert_eq!(answer.header("access-control-allow-origin"), SHOP);
    assert_eq!(setup.log_lines("feedback")[0]["site"], "shop");
}

#[tokio::test]
async fn a_server_rates_with_its_api_key_without_a_limit() {
    let (_model, setup, service) = start_with(&[("LIMIT_FEEDBACK", "1/day")]).await;
    let client = &service.client;
    let key = accepted_key(&setup, client, "crm", &[]).await;
    let request = client.json_request("/api/chat", &json!({ "message": "hello" })).bearer_auth(&key);
    let turn = id_of(&client.send(request).await);
    for rating in [up(), down(), up()] {
        client.send(rate_request(client, &turn, &rating).bearer_auth(&key)).await.assert_ok();
    }
    let wrong = rate_request(client, &turn, &up()).bearer_auth(format!("{key}x"));
    assert_eq!(client.send(wrong).await.status, 401);
    let lines = setup.log_lines("feedback");
    assert_eq!((lines.len(), &lines[0]["api_key"]), (3, &json!("crm")));
}

#[tokio::test]
async fn feedback_on_a_turn_changes_at_most_20_times() {
    let (_model, setup, service) = start_with(&[]).await;
    let client = &service.client;
    let key = accepted_key(&setup, client, "crm", &[]).await;
    let request = client.json_request("/api/chat", &json!({ "message": "hello" })).bearer_auth(&key);
    let turn = id_of(&client.send(request).await);
    let by_key = |rating: &Value| client.send(rate_request(client, &turn, rating).bearer_auth(&key));
    for change in 0..=20 {
        by_key(&if change % 2 == 0 { up() } else { down() }).await.assert_ok();
    }
    by_key(&down()).await.assert_error(409, "feedback_changes_used_up");
    assert_recorded(&by_key(&up()).await, "up");
    let revisions = setup.log_lines("feedback").iter().map(|line| line["revision"].clone()).collect::<Vec<_>>();
    assert_eq!(revisions, (1..=21).map(Value::from).collect::<Vec<_>>());
    // Another turn of the same caller can be rated.
    let request = client.json_request("/api/chat", &json!({ "message": "hello" })).bearer_auth(&key);
    let other = id_of(&client.send(request).await);
    assert_recorded(&client.send(rate_request(client, &other, &down()).bearer_auth(&key)).await, "down");
}

#[tokio::test]
async fn an_address_that_rates_too_often_is_refused() {
    let (_model, setup, service) = start_with(&[("LIMIT_FEEDBACK", "2/day")]).await;
    let turn = asked(&service.client).await;
    rate(&service.client, &turn, &up()).await.assert_ok();
    rate(&service.client, "x", &up()).await.assert_error(404, "turn_not_found");
    let refused = rate(&service.client, &turn, &down()).await;
    refused.assert_error(429, "feedback_limit_reached");
    let details = &refused.json()["details"];
    assert_eq!((&details["unit"], &details["window"]), (&json!("feedback"), &json!("day")));
    assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
    assert_eq!(logged(&setup).len(), 1);
}

#[tokio::test]
async fn an_address_over_its_limit_makes_no_look_up() {
    let (_model, setup, service) = start_with(&[("LIMIT_FEEDBACK", "1/day")]).await;
    let visitor = Visitor::first_visit(&service.client).await;
    let again = || service.client.send(visitor.json_request("/api/chat/x/feedback", &up()));
    again().await.assert_error(404, "turn_not_found");
    setup.change_database("ALTER TABLE visitors RENAME TO visitors_elsewhere").await;
    again().await.assert_error(429, "feedback_limit_reached");
}

#[tokio::test]
async fn feedback_of_other_forms_is_refused() {
    let (_model, setup, service) = start_with(&[]).await;
    let client = &service.client;
    let turn = asked(client).await;
    let invalid = [
        (json!({}), "rating"),
        (json!({ "rating": null }), "rating"),
        (json!({ "rating": "Up" }), "rating"),
        (json!({ "rating": 1 }), "rating"),
        (json!({ "rating": "up", "comment": "x".repeat(2001) }), "comment"),
        (json!({ "rating": "up", "comment": "a\u{0}b" }), "comment"),
        (json!({ "rating": "up", "comment": ["x"] }), "comment"),
    ];
    for (body, field) in invalid {
        let answer = rate(client, &turn, &body).await;
        answer.assert_error(400, "invalid_request");
        assert_eq!(answer.json()["details"]["field"], field, "{body}");
    }
    let path = format!("/api/chat/{turn}/feedback");
    let plain = client.request(Method::POST, &path).header("content-type", "text/plain").body(up().to_string());
    client.send(plain).await.assert_error(415, "unsupported_media_type");
    let get = client.get(&path).await;
    get.assert_error(405, "method_not_allowed");
    assert_eq!(logged(&setup), []);
    let longest = json!({ "rating": "up", "comment": "é".repeat(2000), "other": true });
    assert_recorded(&rate(client, &turn, &longest).await, "up");
}

#[tokio::test]
async fn a_comment_is_only_kept_where_texts_are_logged() {
    for (content, is_kept) in [("off", false), ("plain", true), ("on", true)] {
        let (_model, setup, service) = start_with(&[("SESSION_LOG_CONTENT", content)]).await;
        let turn = asked(&service.client).await;
        let with_comment = json!({ "rating": "down", "comment": format!(" {COMMENT}\r\n") });
        // The same comment again, and the same rating without one, change nothing.
        for body in [&with_comment, &with_comment, &down()] {
            let answer = rate(&service.client, &turn, body).await.assert_ok();
            assert_eq!(answer["has_comment"], is_kept, "{content}: {body}");
            assert_eq!(answer["takes_comments"], is_kept, "{content}: {body}");
        }
        let lines = setup.log_lines("feedback");
        assert_eq!((lines.len(), &lines[0]["has_comment"]), (1, &json!(is_kept)), "{content}");
        assert_eq!(lines[0]["comment"] == COMMENT, content == "plain");
        assert_eq!(lines[0]["sealed"].is_string(), content == "on");
        assert_eq!(setup.log().iter().any(|line| line.to_string().contains("numbat")), content == "plain");
        // Another comment, and another rating, replace both.
        let other = json!({ "rating": "down", "comment": "another" });
        assert_eq!(rate(&service.client, &turn, &other).await.assert_ok()["has_comment"], is_kept);
        assert_eq!(rate(&service.client, &turn, &up()).await.assert_ok()["has_comment"], false);
        assert_eq!(setup.log_lines("feedback").len(), if is_kept { 3 } else { 2 });
    }
}

#[tokio::test]
async fn a_sealed_comment_is_erased_with_the_texts_of_its_turn() {
    let (_model, setup, service) = start_with(&[("SESSION_LOG_CONTENT", "on")]).await;
    let client = &service.client;
    let turn = id_of(&client.post("/api/chat", &json!({ "message": "hello", "session_id": "s-1" })).await);
    let body = json!({ "rating": "down", "comment": COMMENT });
    rate(client, &turn, &body).await.assert_ok();
    let shown = run(&setup, &["log", "show", "s-1"]).await;
    assert!(shown.out.contains("feedback") && shown.out.contains(COMMENT), "{shown:?}");
    erase(client, "s-1").await.assert_ok();
    let shown = run(&setup, &["log", "show", &turn]).await;
    assert!(shown.out.contains("rating=down") && !shown.out.contains("numbat"), "{shown:?}");
    // Nothing is left that could seal it, and nothing that could be compared with it.
    assert_eq!(
        rate(client, &turn, &json!({ "rating": "up", "comment": COMMENT })).await.assert_ok()["has_comment"],
        false
    );
    assert_eq!(setup.log_lines("feedback").len(), 2);
}

#[tokio::test]
async fn a_comment_is_erased_with_its_chat_or_account() {
    for with_account in [false, true] {
        let (_model, setup, _service, ada) = start_with_ada(&[("SESSION_LOG_CONTENT", "on")]).await;
        let chat = ada.create_chat().await;
        let turn = id_of(&ada.send(chat, "hello").await);
        let body = json!({ "rating": "down", "comment": COMMENT });
        ada.post(&format!("/api/chat/{turn}/feedback"), &body).await.assert_ok();
        let shown = async || run(&setup, &["log", "show", &turn]).await.out;
        assert!(shown().await.contains(COMMENT));
        if with_account {
            ada.delete("/api/auth/me").await.assert_ok();
        } else {
            ada.delete_chat(chat).await;
        }
        let shown = shown().await;
        assert!(shown.contains("rating=down") && !shown.contains("numbat"), "{shown}");
    }
}

#[tokio::test]
async fn answers_of_the_built_in_responder_are_rated() {
    let (_model, setup, service) = start_with(&[("AI_SERVICE", "basic")]).await;
    let turn = asked(&service.client).await;
    assert_recorded(&rate(&service.client, &turn, &up()).await, "up");
    assert_eq!(setup.log_lines("feedback")[0]["model"], "basic");
}

#[tokio::test]
async fn a_streamed_and_a_repeated_answer_are_rated() {
    let (_model, setup, service) = start_with(&[]).await;
    let client = &service.client;
    let stream = client.stream_chat("hello").await;
    let streamed = stream.request_id();
    stream.text_and_end().await;
    assert_recorded(&rate(client, &streamed, &up()).await, "up");
    let (first, repeated) = (id_of(&ask_with_key(client, "a").await), id_of(&ask_with_key(client, "a").await));
    assert_recorded(&rate(client, &repeated, &down()).await, "down");
    assert_recorded(&rate(client, &first, &down()).await, "down");
    let turns = setup.log_lines("feedback").iter().map(|line| line["request_id"].clone()).collect::<Vec<_>>();
    assert_eq!(turns, [json!(streamed), json!(first)]);
}

#[tokio::test]
async fn a_rating_is_an_event_after_that_of_its_turn() {
    let receiver = EventReceiver::start().await;
    let setup = TestSetup::new().with("AI_SERVICE", "basic").with("SESSION_LOG_CONTENT", "plain");
    let setup = receiver.settings().iter().fold(setup, |setup, (name, value)| setup.with(name, value));
    let service = setup.start().await;
    let body = json!({ "message": "hello", "session_id": "s-1", "persona": "amaya" });
    let turn = id_of(&service.client.post("/api/chat", &body).await);
    rate(&service.client, &turn, &json!({ "rating": "up", "comment": COMMENT })).await.assert_ok();
    rate(&service.client, &turn, &up()).await.assert_ok();
    rate(&service.client, &turn, &down()).await.assert_ok();
    let events = receiver.wait_for(3).await;
    let types = events.iter().map(|event| event.body["type"].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(types, ["turn.ended", "feedback.given", "feedback.given"]);
    for event in &events {
        assert_described(&event.body);
    }
    let data = |revision: u32, rating: &str, previous: Value, has_comment: bool| {
        json!({ "request_id": turn, "session_id": "s-1", "api_key": null, "site": null, "persona": "amaya", "model": "basic",
                "revision": revision, "rating": rating, "previous_rating": previous, "has_comment": has_comment })
    };
    assert_eq!(events[1].body["data"], data(1, "up", Value::Null, true));
    assert_eq!(events[2].body["data"], data(2, "down", json!("up"), false));
    assert_ne!(events[1].id, events[2].id);
    assert!(!events.iter().any(|event| event.body.to_string().contains("numbat")));
    service.stop().await;
    assert_eq!(receiver.attempts(), 3);
}

#[tokio::test]
async fn a_rating_survives_a_restart_and_ends_after_seven_days() {
    let model = FakeModel::start().await;
    let clock = ManualClock::at("2026-11-20T12:00:00Z");
    let setup = TestSetup::for_model(&model).with("SESSION_IDLE_TIMEOUT", "400ms");
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    let turn = asked(&service.client).await;
    rate(&service.client, &turn, &up()).await.assert_ok();
    service.stop().await;
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    clock.advance(Duration::from_hours(7 * 24 - 1));
    for body in [up(), down()] {
        rate(&service.client, &turn, &body).await.assert_ok();
    }
    assert_eq!(logged(&setup).len(), 2);
    let later = asked(&service.client).await;
    clock.advance(Duration::from_hours(2));
    rate(&service.client, &turn, &up()).await.assert_error(404, "turn_not_found");
    assert_recorded(&rate(&service.client, &later, &up()).await, "up");
    // Rows are removed when their last day has ended.
    clock.advance(Duration::from_hours(24));
    assert_recorded(&rate(&service.client, &later, &down()).await, "down");
    assert_eq!(setup.count_rows("turn_origins").await, 2);
    // The time that has passed is stored when idle sessions are closed.
    for stops in 1..=2 {
        service.client.post("/api/session/start", &json!({})).await.assert_ok();
        clock.advance(Duration::from_millis(500));
        setup.wait_for_log_lines("session_stop", stops).await;
    }
    service.stop().await;
    let _service = setup.start_with_clock(clock.clock("UTC")).await;
    for table in ["turn_origins", "turn_ratings"] {
        wait_until("the removal", async || (setup.count_rows(table).await == 1).then_some(())).await;
    }
}

#[tokio::test]
async fn a_rating_that_only_the_log_has_is_recovered_with_its_event() {
    let receiver = EventReceiver::start().await;
    receiver.stop().await;
    let setup = TestSetup::new().with("AI_SERVICE", "basic").on_sqlite();
    let setup = receiver.settings().iter().fold(setup, |setup, (name, value)| setup.with(name, value));
    let service = setup.start().await;
    let turn = asked(&service.client).await;
    rate(&service.client, &turn, &up()).await.assert_ok();
    service.stop().await;
    // As if the process had been killed after the lines were written: the database holds the start only.
    setup.change_database("UPDATE log_instances SET counted = 1, complete = 0, chain = NULL").await;
    setup.change_database("DELETE FROM turn_origins").await;
    setup.change_database("DELETE FROM turn_ratings").await;
    setup.change_database("DELETE FROM event_outbox").await;
    receiver.restart().await;
    let service = setup.start().await;
    let events = receiver.wait_for(2).await;
    assert_eq!(events[1].body["data"]["rating"], "up");
    assert_recorded(&rate(&service.client, &turn, &up()).await, "up");
    assert_eq!(logged(&setup).len(), 1);
}

#[tokio::test]
async fn a_recovered_comment_is_recognized() {
    for content in ["plain", "on"] {
        let model = FakeModel::start().await;
        let setup = TestSetup::for_model(&model).with("SESSION_LOG_CONTENT", content).on_sqlite();
        let service = setup.start().await;
        let turn = asked(&service.client).await;
        let body = json!({ "rating": "down", "comment": COMMENT });
        for rating in [&up(), &body] {
            rate(&service.client, &turn, rating).await.assert_ok();
        }
        service.stop().await;
        // As if the process had been killed after the lines were written.
        setup.change_database("UPDATE log_instances SET counted = 1, complete = 0, chain = NULL").await;
        setup.change_database("DELETE FROM turn_origins").await;
        setup.change_database("DELETE FROM turn_ratings").await;
        let service = setup.start().await;
        assert_eq!(rate(&service.client, &turn, &body).await.assert_ok()["has_comment"], true, "{content}");
        assert_eq!(setup.log_lines("feedback").len(), 2, "{content}");
        rate(&service.client, &turn, &up()).await.assert_ok();
        assert_eq!(setup.log_lines("feedback")[2]["revision"], 3, "{content}");
    }
}

#[tokio::test]
async fn a_rating_that_cannot_be_logged_is_not_stored() {
    let (_model, setup, service) = start_with(&[]).await;
    let client = &service.client;
    let turn = asked(client).await;
    setup.block_log();
    let refused = wait_until("a refusal", async || {
        let answer = rate(client, &turn, &up()).await;
        (answer.status == StatusCode::SERVICE_UNAVAILABLE).then_some(answer)
    });
    refused.await.assert_error(503, "session_log_unavailable");
    setup.unblock_log();
    client.wait_for_readiness(200).await;
    let before = logged(&setup).len();
    rate(client, &turn, &down()).await.assert_ok();
    assert_eq!(logged(&setup).len(), before + 1);
}

#[tokio::test]
async fn a_report_counts_the_current_ratings_by_group() {
    let (_model, setup, service) = start_with(&[("ALLOWED_MODELS", "gpt-4o")]).await;
    let client = &service.client;
    let ask = async |model: &str, persona: &str| {
        let body = json!({ "message": "hello", "model": model, "persona": persona });
        id_of(&client.post("/api/chat", &body).await)
    };
    let small = setup.log_lines("service_start")[0]["model"].as_str().unwrap().to_owned();
    let turns = [ask("gpt-4o", "amaya").await, ask("gpt-4o", "assistant").await, ask(&small, "amaya").await];
    for (turn, rating) in [(0, up()), (0, down()), (1, up()), (1, down()), (1, up()), (2, up())] {
        rate(client, &turns[turn], &rating).await.assert_ok();
    }
    let report = async |arguments: &[&str]| {
        let output = run(&setup, &[&["log", "report", "--format", "json"], arguments].concat()).await;
        serde_json::from_str::<Value>(&output.out).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    };
    let rated = |of: &Value| (of["turns"].clone(), of["rated_up"].clone(), of["rated_down"].clone());
    let group = |report: &Value, name: &str| {
        let groups = report["groups"].as_array().unwrap();
        rated(groups.iter().find(|group| group["group"] == name).unwrap())
    };
    let by_model = report(&["--by", "model"]).await;
    assert_eq!(rated(&by_model["turns"]), (json!(3), json!(2), json!(1)));
    assert_eq!(group(&by_model, "gpt-4o"), (json!(2), json!(1), json!(1)));
    assert_eq!(group(&by_model, &small), (json!(1), json!(1), json!(0)));
    let by_persona = report(&["--by", "persona"]).await;
    assert_eq!(group(&by_persona, "amaya"), (json!(2), json!(1), json!(1)));
    assert_eq!(
        rated(&report(&["--model", "gpt-4o", "--persona", "assistant"]).await["turns"]),
        (json!(1), json!(1), json!(0))
    );
    assert_eq!(report(&["--by", "code"]).await["groups"].as_array().unwrap().len(), 1);
    let text = run(&setup, &["log", "report", "--by", "model"]).await.out;
    assert!(text.contains("Ratings      2 up, 1 down\n") && text.contains("down\n"), "{text}");
    let csv = run(&setup, &["log", "report", "--format", "csv"]).await.out;
    assert!(csv.contains(",rated_up,rated_down"), "{csv}");
}
