//! Embed tickets: who gets one, and what it is good for.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::{
    config_file::{with_file, write_file},
    fakes::model::{Behaviour, FakeModel, Pace, PieceGate, Script},
    limits::assert_limited,
    support::{
        client::{Client, HttpResponse},
        manual_clock::ManualClock,
        service::{Service, TestSetup},
        user::{User, text},
        visitor::Visitor,
    },
};

pub const SHOP: &str = "https://shop.example";
pub const BLOG: &str = "https://blog.example";

/// Two sites.
pub const SITES: &str = "[[sites]]\nid = \"shop\"\norigins = [\"https://shop.example\", \"https://www.shop.example\"]\n\
                         [[sites]]\nid = \"blog\"\norigins = [\"https://blog.example\"]\n";

/// Starts a fake model, and a service with this configuration file.
pub async fn start_sites(file: &str) -> (FakeModel, TestSetup, Service) {
    let model = FakeModel::start().await;
    let setup = with_file(TestSetup::for_model(&model), file);
    let service = setup.start().await;
    (model, setup, service)
}

/// Requests a ticket as a page of an origin.
pub async fn request_ticket(client: &Client, origin: &str, body: &Value) -> HttpResponse {
    client.send(client.json_request("/api/embed/ticket", body).header("origin", origin)).await
}

/// Returns a ticket of a site for a page of an origin.
pub async fn ticket(client: &Client, site: &str, origin: &str) -> String {
    text(&request_ticket(client, origin, &json!({ "site": site })).await.assert_ok()["ticket"])
}

/// Returns a question with a ticket, as a page of an origin sends it.
pub fn question(client: &Client, ticket: &str, origin: &str) -> RequestBuilder {
    client.json_request("/api/chat", &json!({ "message": "hello" })).bearer_auth(ticket).header("origin", origin)
}

#[tokio::test]
async fn a_page_of_a_site_asks_with_a_ticket() {
    let (model, setup, service) = start_sites(SITES).await;
    let client = &service.client;
    let answer = request_ticket(client, SHOP, &json!({ "site": "shop" })).await;
    let body = answer.assert_ok();
    assert_eq!((&body["expires_in"], answer.header("access-control-allow-origin")), (&json!(900), SHOP));
    let ticket = text(&body["ticket"]);
    assert!(ticket.starts_with("alt_"), "{ticket}");
    for path in ["/api/chat", "/api/chat/stream"] {
        let request = client.json_request(path, &json!({ "message": "hello" })).bearer_auth(&ticket);
        let answer = client.send(request.header("origin", SHOP)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    // A client without the header of a page.
    let request = client.json_request("/api/chat", &json!({ "message": "hello" })).bearer_auth(&ticket);
    client.send(request).await.assert_ok();
    let lines = setup.wait_for_log_lines("chat", 3).await;
    assert!(lines.iter().all(|line| line["site"] == "shop" && line["is_guest"] == true), "{lines:#?}");
    assert_eq!(model.call_count(), 3);
}

#[tokio::test]
async fn a_page_of_another_origin_gets_no_ticket() {
    let (_model, _setup, service) = start_sites(SITES).await;
    let client = &service.client;
    for origin in ["https://evil.example", "http://shop.example", BLOG, "null", "https://shop.example.evil.example"] {
        request_ticket(client, origin, &json!({ "site": "shop" })).await.assert_error(403, "origin_not_listed");
    }
    client.post("/api/embed/ticket", &json!({ "site": "shop" })).await.assert_error(403, "origin_not_listed");
    request_ticket(client, SHOP, &json!({ "site": "other" })).await.assert_error(404, "site_not_found");
    request_ticket(client, SHOP, &json!({ "site": 7 })).await.assert_error(400, "invalid_request");
    let preflight = client.request(Method::OPTIONS, "/api/embed/ticket").header("origin", "https://evil.example");
    let preflight = client.send(preflight.header("access-control-request-method", "POST")).await;
    assert_eq!(preflight.header("access-control-allow-origin"), SHOP, "the browser blocks the request");
}

#[tokio::test]
async fn with_sites_a_turn_needs_a_ticket_account_or_own_page() {
    let (model, _setup, service) = start_sites(SITES).await;
    let client = &service.client;
    let paths = ["/api/chat", "/api/chat/stream", "/api/chat/image"];
    for path in paths {
        let body = json!({ "message": "hello", "image": "https://image.example/a.png" });
        client.post(path, &body).await.assert_unauthorized("ticket_required");
        let foreign = client.json_request(path, &body).header("origin", SHOP);
        client.send(foreign).await.assert_unauthorized("ticket_required");
    }
    assert_eq!(model.call_count(), 0);
    let own = format!("http://{}", service.address());
    let by_own_page = client.json_request("/api/chat", &json!({ "message": "hello" })).header("origin", &own);
    client.send(by_own_page).await.assert_ok();
    User::register(client, "ada").await.post("/api/chat", &json!({ "message": "hello" })).await.assert_ok();
    Visitor::first_visit(client).await.ask("hello").await;
    assert_eq!(model.call_count(), 3);
}

#[tokio::test]
async fn without_the_portal_no_page_of_the_server_is_exempt() {
    let model = FakeModel::start().await;
    let service = with_file(TestSetup::for_model(&model).with("PORTAL", "off"), SITES).start().await;
    let client = &service.client;
    let own = format!("http://{}", service.address());
    let body = json!({ "message": "hello", "image": "https://image.example/a.png" });
    for path in ["/api/chat", "/api/chat/stream", "/api/chat/image"] {
        let by_own_page = client.json_request(path, &body).header("origin", &own);
        client.send(by_own_page).await.assert_unauthorized("ticket_required");
        let forwarded = client.json_request(path, &body).header("x-forwarded-host", "chat.example");
        client.send(forwarded.header("origin", "https://chat.example")).await.assert_unauthorized("ticket_required");
    }
    client.post("/chat", &json!({ "message": "hello" })).await.assert_error(403, "portal_off");
    let visitor = Visitor::first_visit(client).await;
    for stream in [false, true] {
        visitor.post(&json!({ "message": "hello", "stream": stream })).await.assert_error(403, "portal_off");
    }
    assert_eq!(model.call_count(), 0);
    client.send(question(client, &ticket(client, "shop", SHOP).await, SHOP)).await.assert_ok();
}

#[tokio::test]
async fn a_ticket_is_for_its_own_page_only() {
    let (_model, _setup, service) = start_sites(SITES).await;
    let client = &service.client;
    let ticket = ticket(client, "shop", SHOP).await;
    for origin in [BLOG, "https://www.shop.example", "null"] {
        client.send(question(client, &ticket, origin)).await.assert_unauthorized("ticket_of_other_page");
    }
    let last = ticket.chars().last().unwrap();
    let changed = format!("{}{}", &ticket[..ticket.len() - 1], if last == 'A' { 'Q' } else { 'A' });
    for bad in [&changed, &ticket[..40], "alt_"] {
        client.send(question(client, bad, SHOP)).await.assert_unauthorized("ticket_invalid");
    }
}

#[tokio::test]
async fn a_ticket_ends_and_is_renewed_as_the_same_visitor() {
    let (model, clock) = (FakeModel::start().await, ManualClock::at("2026-05-04T12:00:00Z"));
    let file = format!("{SITES}limits.visitor = \"2/day\"\n");
    let setup = with_file(TestSetup::for_model(&model), &file);
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    let client = &service.client;
    let first = ticket(client, "blog", BLOG).await;
    client.send(question(client, &first, BLOG)).await.assert_ok();
    clock.advance(Duration::from_mins(15));
    client.send(question(client, &first, BLOG)).await.assert_unauthorized("ticket_expired");
    let renewed = request_ticket(client, BLOG, &json!({ "site": "blog", "previous": first })).await;
    let renewed = text(&renewed.assert_ok()["ticket"]);
    client.send(question(client, &renewed, BLOG)).await.assert_ok();
    assert_limited(&client.send(question(client, &renewed, BLOG)).await, "limit_reached", "visitor", "turns", "day");
    // Another visitor, one whose ticket is long over, and one with a ticket of another site.
    let other_site = ticket(client, "shop", SHOP).await;
    clock.advance(Duration::from_mins(75));
    for previous in [Value::Null, json!(first), json!(other_site), json!("alt_made.up")] {
        let body = json!({ "site": "blog", "previous": previous });
        let new = text(&request_ticket(client, BLOG, &body).await.assert_ok()["ticket"]);
        client.send(question(client, &new, BLOG)).await.assert_ok();
    }
}

#[tokio::test]
async fn a_visitors_stream_is_resumed_and_stopped_by_the_visitor() {
    let (model, _setup, service) = start_sites(SITES).await;
    let client = &service.client;
    let gate = PieceGate::new();
    model.set_behaviour(Behaviour::Stream(Script { pace: Pace::Gated(gate.clone()), ..Script::default() }));
    let (own, other) = (ticket(client, "shop", SHOP).await, ticket(client, "shop", SHOP).await);
    let request = client.json_request("/api/chat/stream", &json!({ "message": "hello" })).bearer_auth(&own);
    let mut events = client.open_stream(request).await;
    let id = events.request_id();
    gate.release(1);
    events.read_deltas(1).await;
    let resume = || client.request(Method::GET, &format!("/api/chat/{id}/events"));
    client.send(resume()).await.assert_error(404, "turn_not_found");
    client.send(resume().bearer_auth(&other)).await.assert_error(404, "turn_not_found");
    let mut resumed = client.open_stream(resume().bearer_auth(&own)).await;
    assert_eq!(resumed.next().await.unwrap().name, "start");
    let stop = |ticket: &str| client.request(Method::POST, &format!("/api/chat/{id}/stop")).bearer_auth(ticket);
    client.send(stop(&other)).await.assert_error(404, "turn_not_found");
    assert_eq!(client.send(stop(&own)).await.assert_ok()["status"], "stopped");
    let (_, end) = events.text_and_end().await;
    assert_eq!(end.data["finish_reason"], "stopped");
}

#[tokio::test]
async fn a_key_of_one_visitor_is_none_of_another() {
    let (model, _setup, service) = start_sites(SITES).await;
    let client = &service.client;
    let (ada, eva) = (ticket(client, "shop", SHOP).await, ticket(client, "shop", SHOP).await);
    let ask = async |ticket: &str| {
        let request =
            question(client, ticket, SHOP).header("idempotency-key", "same-key").header("x-session-id", "s-1");
        client.send(request).await.assert_ok()["request_id"].clone()
    };
    let first = ask(&ada).await;
    assert_eq!(ask(&ada).await, first);
    assert_ne!(ask(&eva).await, first);
    assert_eq!(model.call_count(), 2);
}

#[tokio::test]
async fn tickets_of_one_address_are_bounded() {
    let (_model, _setup, service) = start_sites(SITES).await;
    let mut answers = Vec::new();
    for _ in 0..605 {
        answers.push(request_ticket(&service.client, SHOP, &json!({ "site": "shop" })).await);
    }
    let refused = answers.iter().filter(|answer| answer.status == 429).collect::<Vec<_>>();
    assert!((1..=5).contains(&refused.len()), "{}", refused.len());
    for answer in refused {
        answer.assert_error(429, "too_many_tickets");
        assert!((1..=60).contains(&answer.header("retry-after").parse::<u64>().unwrap()));
    }
}

#[tokio::test]
async fn a_ticket_is_invalid_once_its_site_is_gone() {
    let model = FakeModel::start().await;
    let setup = with_file(TestSetup::for_model(&model), SITES);
    let mut process = setup.start_process().await;
    let ticket = ticket(&process.client, "blog", BLOG).await;
    let (sites, _) = SITES.rsplit_once("[[sites]]").unwrap();
    write_file(&setup, sites);
    process.signal("HUP");
    process.wait_for_line("sites.toml was read again").await;
    let answer = process.client.send(question(&process.client, &ticket, BLOG)).await;
    answer.assert_unauthorized("ticket_invalid");
}
