//! Bearers: which kind an address takes, and that no other is taken for an anonymous visitor.

use reqwest::Method;
use serde_json::json;

use crate::support::user::{User, start_with_ada};

const ADMIN: &str = "N3v2Zr7mQy0LxWbTt1k8Jd5uHc9sAfGe";

const TICKET: &str = "alt_5f0c7bd1a3e94f7c8b21d6e09a4c3f58";

#[tokio::test]
async fn a_bearer_of_another_kind_is_refused_by_its_kind() {
    let (model, _setup, service, ada) = start_with_ada(&[]).await;
    let client = &service.client;
    let chat = ada.create_chat().await;
    let message = json!({ "text": "hello", "message": "hello" });
    let paths = [
        (Method::GET, "/api/auth/me".to_owned()),
        (Method::GET, "/api/chat/histories".to_owned()),
        (Method::POST, format!("/api/messages/{chat}/send")),
        (Method::POST, format!("/api/messages/{chat}/send/stream")),
        (Method::DELETE, "/api/session/s-1/content".to_owned()),
    ];
    for (method, path) in paths {
        let key = format!("alk_{}", "0".repeat(43));
        for (bearer, code) in [(key.as_str(), "api_key_not_accepted"), (TICKET, "ticket_not_accepted")] {
            for scheme in ["Bearer", "bearer", "BEARER "] {
                let request = client.request(method.clone(), &path).header("content-type", "application/json");
                let request = request.header("authorization", format!("{scheme} {bearer}")).body(message.to_string());
                client.send(request).await.assert_unauthorized(code);
            }
        }
    }
    assert_eq!(model.call_count(), 0);
}

#[tokio::test]
async fn a_ticket_that_is_none_starts_no_turn() {
    let (model, _setup, service, _ada) = start_with_ada(&[]).await;
    for path in ["/api/chat", "/api/chat/stream", "/api/chat/image"] {
        let request = service.client.json_request(path, &json!({ "message": "hello" })).bearer_auth(TICKET);
        service.client.send(request).await.assert_unauthorized("ticket_invalid");
    }
    assert_eq!(model.call_count(), 0);
}

#[tokio::test]
async fn two_authorization_headers_are_refused() {
    let (model, _setup, service, ada) = start_with_ada(&[("ADMIN_TOKEN", ADMIN)]).await;
    let grace = User::register(&service.client, "grace").await;
    for path in ["/api/chat", "/api/chat/stream"] {
        let request = service.client.json_request(path, &json!({ "message": "hello" }));
        let request = request.bearer_auth(&ada.token).bearer_auth(&grace.token);
        service.client.send(request).await.assert_unauthorized("token_invalid");
    }
    let twice = ada.request(Method::GET, "/api/auth/me").bearer_auth(&ada.token);
    service.client.send(twice).await.assert_unauthorized("token_invalid");
    let operator = || service.client.request(Method::GET, "/api/admin/limits").bearer_auth(ADMIN);
    service.client.send(operator()).await.assert_ok();
    service.client.send(operator().bearer_auth(ADMIN)).await.assert_unauthorized("operator_only");
    assert_eq!(model.call_count(), 0);
}

#[tokio::test]
async fn the_portal_takes_nobody_with_a_bearer_for_a_visitor() {
    let (model, setup, service, ada) = start_with_ada(&[]).await;
    let client = &service.client;
    let key = format!("alk_{}", "0".repeat(43));
    let requests = || {
        [
            client.json_request("/chat", &json!({ "message": "hello" })),
            client.request(Method::GET, "/chat_history"),
            client.json_request("/clear_chat", &json!({})),
        ]
    };
    for bearer in ["Bearer null", "bearer", &format!("Bearer {}", ada.token), &format!("Bearer {key}")] {
        for request in requests() {
            client.send(request.header("authorization", bearer)).await.assert_unauthorized("bearer_not_accepted");
        }
    }
    for request in requests() {
        let twice = request.bearer_auth(TICKET).bearer_auth(TICKET);
        client.send(twice).await.assert_unauthorized("bearer_not_accepted");
    }
    assert_eq!((model.call_count(), setup.count_rows("visitors").await), (0, 0));
    // A proxy with a password in front, to whose pages browsers send it.
    for request in requests() {
        client.send(request.basic_auth("owner", Some("secret"))).await.assert_ok();
    }
}
