//! Frames: which pages of which websites may show a page of this server, and the questions that are asked there.

use reqwest::Method;
use serde_json::json;

use crate::{
    config_file::{with_file, write_file},
    limits::assert_limited,
    support::{
        client::{Client, HttpResponse},
        service::{TestSetup, wait_until},
        user::text,
    },
    tickets::{SHOP, SITES, question, request_ticket, start_sites, ticket},
};

/// Returns the sources of the rule for frames in an answer.
fn frame_ancestors(answer: &HttpResponse) -> String {
    assert_eq!(answer.header("x-frame-options"), "", "it would contradict");
    let policy = answer.header("content-security-policy");
    let rules = policy.split("; ").filter_map(|rule| rule.strip_prefix("frame-ancestors "));
    let [rule] = rules.collect::<Vec<_>>()[..] else { panic!("not one rule in {policy}") };
    rule.to_owned()
}

async fn ancestors_of(client: &Client, path: &str) -> String {
    frame_ancestors(&client.get(path).await)
}

#[tokio::test]
async fn only_the_demo_page_names_the_origins_of_its_site() {
    let wildcard = "[[sites]]\nid = \"any\"\norigins = [\"https://*.any.example\"]\n";
    let (_model, _setup, service) = start_sites(&format!("{SITES}{wildcard}")).await;
    for (path, expected) in [
        ("/embed-demo?site=shop", "'self' https://shop.example https://www.shop.example"),
        ("/embed-demo?theme=dark&site=blog", "'self' https://blog.example"),
        ("/embed-demo?site=any", "'self' https://*.any.example"),
        ("/embed-demo?site=other", "'self'"),
        ("/embed-demo?site=https%3A%2F%2Fevil.example", "'self'"),
        ("/embed-demo", "'self'"),
        ("/?site=shop", "'self'"),
        ("/admin?site=shop", "'none'"),
        ("/docs?site=shop", "'none'"),
        ("/chat-window.js?site=shop", "'none'"),
        ("/api/admin/sites?site=shop", "'none'"),
        ("/nowhere?site=shop", "'none'"),
    ] {
        assert_eq!(ancestors_of(&service.client, path).await, expected, "{path}");
    }
    let service = TestSetup::new().start().await;
    assert_eq!(ancestors_of(&service.client, "/embed-demo?site=shop").await, "'self'");
}

#[tokio::test]
async fn a_changed_file_changes_who_may_frame_at_once() {
    let setup = with_file(TestSetup::new(), SITES);
    let process = setup.start_process().await;
    let page = process.client.get("/embed-demo?site=shop").await;
    assert!(frame_ancestors(&page).contains(SHOP));
    write_file(&setup, "[[sites]]\nid = \"shop\"\norigins = [\"https://new.example\"]\n");
    process.signal("HUP");
    // Browsers take over the header of an answer that the page has not changed.
    let cached = async || {
        let request = process.client.request(Method::GET, "/embed-demo?site=shop");
        let answer = process.client.send(request.header("if-none-match", page.header("etag"))).await;
        assert_eq!(answer.status, 304);
        (frame_ancestors(&answer) == "'self' https://new.example").then_some(())
    };
    wait_until("the new origin", cached).await;
}

#[tokio::test]
async fn a_page_of_this_server_asks_for_a_site() {
    let (model, setup, service) = start_sites(&format!("{SITES}limits.visitor = \"2/day\"\n")).await;
    let client = &service.client;
    let own = format!("http://{}", service.address());
    let first = ticket(client, "blog", &own).await;
    client.send(question(client, &first, &own)).await.assert_ok();
    for origin in [SHOP, "https://blog.example", "null"] {
        client.send(question(client, &first, origin)).await.assert_unauthorized("ticket_of_other_page");
    }
    let of_site = ticket(client, "blog", "https://blog.example").await;
    client.send(question(client, &of_site, &own)).await.assert_unauthorized("ticket_of_other_page");
    // The renewed ticket has the same visitor, whose limit is that of the site.
    let renewed = request_ticket(client, &own, &json!({ "site": "blog", "previous": first })).await;
    let renewed = text(&renewed.assert_ok()["ticket"]);
    client.send(question(client, &renewed, &own)).await.assert_ok();
    assert_limited(&client.send(question(client, &renewed, &own)).await, "limit_reached", "visitor", "turns", "day");
    let lines = setup.wait_for_log_lines("chat", 2).await;
    assert!(lines.iter().all(|line| line["site"] == "blog"), "{lines:#?}");
    assert_eq!(model.call_count(), 2);
    let pause = client.request(Method::POST, "/api/admin/sites/shop/pause");
    client.send(pause).await.assert_ok();
    let of_paused = ticket(client, "shop", &own).await;
    client.send(question(client, &of_paused, &own)).await.assert_error(503, "site_paused");
}

#[tokio::test]
async fn without_the_portal_no_page_is_framed_or_gets_a_ticket() {
    let service = with_file(TestSetup::new().with("PORTAL", "off"), SITES).start().await;
    let client = &service.client;
    client.get("/embed-demo?site=shop").await.assert_error(404, "not_found");
    let own = format!("http://{}", service.address());
    request_ticket(client, &own, &json!({ "site": "shop" })).await.assert_error(403, "origin_not_listed");
    request_ticket(client, SHOP, &json!({ "site": "shop" })).await.assert_ok();
}
