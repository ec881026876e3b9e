//! Visitors who ask for a person: one event for the owner's receiver, with a contact that stays nowhere else.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    fakes::event_receiver::EventReceiver,
    support::{
        client::{Client, HttpResponse},
        event_check::assert_described,
        manual_clock::ManualClock,
        service::{Service, TestSetup, wait_until},
    },
};

const CONTACT: &str = "ada.lovelace@shop.example";

async fn start(settings: &[(&str, &str)]) -> (EventReceiver, TestSetup, Service) {
    let receiver = EventReceiver::start().await;
    let setup = setup_for(&receiver).with_all(settings);
    let service = setup.start().await;
    (receiver, setup, service)
}

fn setup_for(receiver: &EventReceiver) -> TestSetup {
    TestSetup::new().with("AI_SERVICE", "basic").with_receiver(receiver)
}

async fn hand_over(client: &Client, session: &str, body: &Value) -> HttpResponse {
    client.post(&format!("/api/session/{session}/handover"), body).await
}

#[track_caller]
fn assert_requested(answer: &HttpResponse) {
    assert_eq!(answer.status, 202, "{answer:?}");
    let body = answer.json();
    assert_eq!(body["status"], "requested");
    assert!(body["timestamp"].as_str().is_some_and(|time| time.parse::<jiff::Timestamp>().is_ok()), "{body}");
}

/// Returns the contacts of the events that were received.
fn contacts(receiver: &EventReceiver) -> Vec<Value> {
    let mut bodies = receiver.bodies();
    bodies.retain(|body| body["type"] == "handover.requested");
    bodies.iter().map(|body| body["data"]["contact"].clone()).collect()
}

#[tokio::test]
async fn a_request_for_a_person_follows_the_turns_of_its_session() {
    let (receiver, setup, service) = start(&[]).await;
    let started = service.client.post("/api/session/start", &json!({})).await.assert_ok();
    assert_eq!(started["handover"], true);
    let session = started["session_id"].as_str().expect("an id");
    for _ in 0..3 {
        service.client.post("/api/chat", &json!({ "message": "hello", "sessionId": session })).await.assert_ok();
    }
    assert_requested(&hand_over(&service.client, session, &json!({ "contact": format!(" {CONTACT} ") })).await);
    let posts = receiver.wait_for(4).await;
    let types = posts.iter().map(|event| event.body["type"].as_str().unwrap_or_default());
    assert_eq!(types.collect::<Vec<_>>(), ["turn.ended", "turn.ended", "turn.ended", "handover.requested"]);
    assert_described(&posts[3].body);
    assert_eq!(posts[3].body["data"], json!({ "session_id": session, "contact": CONTACT }));
    let line = setup.log_lines("handover").remove(0);
    assert_eq!((&line["session_id"], &line["has_contact"]), (&json!(session), &json!(true)));
    assert!(!setup.log().iter().any(|line| line.to_string().contains(CONTACT)));
    wait_until("the end of the event", async || (setup.count_rows("event_outbox").await == 0).then_some(())).await;
}

#[tokio::test]
async fn the_same_request_is_one_event_while_it_waits() {
    let (receiver, setup, service) = start(&[]).await;
    receiver.stop().await;
    let without_body = service.client.request(Method::POST, "/api/session/s-1/handover");
    assert_requested(&service.client.send(without_body).await);
    for body in [json!({}), json!({ "contact": null }), json!({ "contact": " " })] {
        assert_requested(&hand_over(&service.client, "s-1", &body).await);
    }
    for session in ["s-1", "s-1", "s-2"] {
        assert_requested(&hand_over(&service.client, session, &json!({ "contact": CONTACT })).await);
    }
    assert_eq!((setup.count_rows("event_outbox").await, setup.log_lines("handover").len()), (3, 3));
    service.stop().await;
    receiver.restart().await;
    let service = setup.start().await;
    receiver.wait_for(3).await;
    wait_until("an empty queue", async || (setup.count_rows("event_outbox").await == 0).then_some(())).await;
    // What was delivered can be asked for again.
    assert_requested(&hand_over(&service.client, "s-1", &json!({ "contact": CONTACT })).await);
    receiver.wait_for(4).await;
    let without = contacts(&receiver).iter().filter(|contact| contact.is_null()).count();
    assert_eq!((contacts(&receiver).len(), without), (4, 1));
}

#[tokio::test]
async fn a_repeated_request_waits_for_three_more_days() {
    let (receiver, clock) = (EventReceiver::start().await, ManualClock::at("2026-05-04T12:00:00Z"));
    // PostgreSQL has a clock of its own.
    let setup = setup_for(&receiver).on_sqlite();
    receiver.set_status(503);
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    let body = json!({ "contact": CONTACT });
    assert_requested(&hand_over(&service.client, "s-1", &body).await);
    receiver.wait_for_attempts(1).await;
    clock.advance(Duration::from_hours(48));
    assert_requested(&hand_over(&service.client, "s-1", &body).await);
    clock.advance(Duration::from_hours(48));
    receiver.set_status(204);
    receiver.wait_for(1).await;
    assert_eq!(contacts(&receiver), [CONTACT]);
}

#[tokio::test]
async fn without_a_receiver_nobody_can_be_asked() {
    let service = TestSetup::new().start().await;
    let started = service.client.post("/api/session/start", &json!({})).await.assert_ok();
    assert_eq!(started["handover"], false);
    hand_over(&service.client, "s-1", &json!({})).await.assert_error(404, "handover_not_available");
}

#[tokio::test]
async fn contacts_and_ids_of_other_forms_are_refused() {
    let (receiver, setup, service) = start(&[]).await;
    for contact in [json!("a\nb"), json!("x".repeat(201)), json!(7)] {
        let answer = hand_over(&service.client, "s-1", &json!({ "contact": contact })).await;
        answer.assert_error(400, "invalid_request");
        assert_eq!(answer.json()["details"]["field"], "contact");
    }
    hand_over(&service.client, "a%20b", &json!({})).await.assert_error(400, "invalid_session_id");
    assert_eq!((receiver.attempts(), setup.log_lines("handover").len()), (0, 0));
    assert_requested(&hand_over(&service.client, "s-1", &json!({ "contact": "é".repeat(200) })).await);
    receiver.wait_for(1).await;
}

#[tokio::test]
async fn an_address_that_asks_too_often_is_refused() {
    let (receiver, _setup, service) = start(&[("LIMIT_HANDOVERS", "2/day")]).await;
    for session in ["s-1", "s-2"] {
        assert_requested(&hand_over(&service.client, session, &json!({})).await);
    }
    let refused = hand_over(&service.client, "s-3", &json!({})).await;
    refused.assert_error(429, "handover_limit_reached");
    let details = &refused.json()["details"];
    assert_eq!((&details["unit"], &details["window"]), (&json!("handovers"), &json!("day")));
    receiver.wait_for(2).await;
    service.stop().await;
    assert_eq!(receiver.attempts(), 2);
}

#[tokio::test]
async fn a_full_queue_refuses_a_request_for_a_person() {
    let (receiver, _setup, service) = start(&[("EVENTS_QUEUE_LIMIT", "1")]).await;
    receiver.stop().await;
    assert_requested(&hand_over(&service.client, "s-1", &json!({})).await);
    hand_over(&service.client, "s-2", &json!({})).await.assert_error(503, "event_queue_full");
    assert_requested(&hand_over(&service.client, "s-1", &json!({})).await);
}

#[tokio::test]
async fn a_contact_is_not_in_the_diagnostics() {
    let receiver = EventReceiver::start().await;
    receiver.set_status(422);
    let setup = setup_for(&receiver).with("LOG_LEVEL", "trace");
    let mut process = setup.start_process().await;
    assert_requested(&hand_over(&process.client, "s-1", &json!({ "contact": CONTACT })).await);
    receiver.wait_for_attempts(2).await;
    process.terminate();
    assert_eq!(process.exit_code().await, Some(0));
    let mut has_failure = false;
    while let Some(line) = process.diagnostics.recv().await {
        assert!(!line.contains(CONTACT), "{line}");
        has_failure |= line.contains("it answers with status 422");
    }
    assert!(has_failure);
    let process = setup.start_process().await;
    receiver.set_status(200);
    receiver.wait_for(1).await;
    drop(process);
}
