//! `PUBLIC_URL`: the service below a path of a website, behind proxies that remove the path and others that pass it on.

use reqwest::Method;
use serde_json::json;

use crate::{
    command_line::run,
    fakes::model::FakeModel,
    support::{
        client::{Client, HttpResponse},
        service::{TestSetup, start_with},
        user::User,
    },
};

const PUBLIC_URL: &str = "https://shop.example/help/chat/";

/// The path of the public address, as proxies remove it or pass it on.
const PREFIXES: [&str; 2] = ["", "/help/chat"];

async fn ask_portal(client: &Client, prefix: &str, headers: &[(&str, &str)]) -> HttpResponse {
    // What another request gets is not described for a path with a prefix.
    let mut request = client.json_request(&format!("{prefix}/chat"), &json!({ "message": "hello" }));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.expect("the server answers");
    let (status, headers) = (answer.status(), answer.headers().clone());
    HttpResponse { status, headers, text: answer.text().await.expect("a body") }
}

/// Returns the status of a path, without comparing the answer with the contract, which has no prefix.
async fn status(client: &Client, path: &str) -> u16 {
    client.request(Method::GET, path).send().await.expect("the server answers").status().as_u16()
}

#[tokio::test]
async fn paths_are_found_with_the_public_path_and_without() {
    let (_model, _setup, service) = start_with(&[("PUBLIC_URL", PUBLIC_URL)]).await;
    for prefix in PREFIXES {
        for path in ["/", "/portal.css", "/chat-window.js", "/docs", "/api/health/ready", "/api/personas", "/metrics"] {
            assert_eq!(status(&service.client, &format!("{prefix}{path}")).await, 200, "{prefix}{path}");
        }
        assert_eq!(ask_portal(&service.client, prefix, &[]).await.status, 200);
    }
    for path in ["/help/", "/help/chats/", "/help/chat/help/chat/", "/other/"] {
        assert_eq!(status(&service.client, path).await, 404, "{path}");
    }
}

#[tokio::test]
async fn the_public_address_without_its_slash_is_redirected() {
    let (_model, _setup, service) = start_with(&[("PUBLIC_URL", PUBLIC_URL)]).await;
    let page = service.client.request(Method::GET, "/help/chat?a=b").send().await.expect("the page");
    assert_eq!((page.status().as_u16(), page.url().path(), page.url().query()), (200, "/help/chat/", Some("a=b")));
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
}

#[tokio::test]
async fn the_cookie_is_for_the_public_path_alone() {
    let tls = (PUBLIC_URL, "__Secure-al_chat_visitor", "Path=/help/chat/; HttpOnly; SameSite=Lax", true);
    let plain = ("http://shop.example/help/chat", "al_chat_visitor", "Path=/help/chat/; HttpOnly; SameSite=Lax", false);
    let root = ("https://shop.example", "__Host-al_chat_visitor", "Path=/; HttpOnly; SameSite=Lax", true);
    for (url, name, attributes, is_secure) in [tls, plain, root] {
        let (_model, _setup, service) = start_with(&[("PUBLIC_URL", url)]).await;
        let first = ask_portal(&service.client, "", &[]).await;
        let cookie = first.header("set-cookie");
        assert!(cookie.starts_with(&format!("{name}=")) && cookie.contains(attributes), "{cookie}");
        assert_eq!(cookie.ends_with("; Secure"), is_secure, "{cookie}");
        let own = cookie.split(';').next().expect("a cookie");
        let again = ask_portal(&service.client, "", &[("cookie", own)]).await;
        assert_eq!(again.header("set-cookie"), cookie);
    }
}

#[tokio::test]
async fn a_visitor_of_before_stays_known_below_the_path() {
    let (_model, _setup, service) = start_with(&[("PUBLIC_URL", PUBLIC_URL)]).await;
    let cookie = ask_portal(&service.client, "", &[]).await.header("set-cookie").to_owned();
    let token = cookie.trim_start_matches("__Secure-al_chat_visitor=").split(';').next().expect("a token");
    let older = format!("__Host-al_chat_visitor={token}");
    let again = ask_portal(&service.client, "", &[("cookie", &older)]).await;
    assert_eq!(again.header("set-cookie"), cookie);
}

#[tokio::test]
async fn pages_of_the_public_address_are_own_pages() {
    let (_model, _setup, service) = start_with(&[("PUBLIC_URL", PUBLIC_URL)]).await;
    // The proxy passes on neither the host nor its port.
    for (origin, status) in
        [("https://shop.example", 200), ("http://shop.example", 403), ("https://other.example", 403)]
    {
        let headers = [("host", "al-chat.internal:5000"), ("origin", origin)];
        assert_eq!(ask_portal(&service.client, "", &headers).await.status, status, "{origin}");
    }
}

#[tokio::test]
async fn the_contract_and_links_have_the_public_address() {
    let (_model, _setup, service) = start_with(&[("PUBLIC_URL", PUBLIC_URL)]).await;
    let contract = service.client.get("/openapi.json").await.json();
    assert_eq!(contract["servers"][0]["url"], PUBLIC_URL);
    let user = User::register(&service.client, "ada").await;
    for _ in 0..2 {
        user.create_chat().await;
    }
    let page = user.get("/api/chat/histories?limit=1").await;
    assert!(page.header("link").starts_with("</help/chat/api/chat/histories?limit=1&before="), "{:?}", page.headers);
}

#[tokio::test]
async fn an_address_that_cannot_be_public_is_refused() {
    let model = FakeModel::start().await;
    for url in ["shop.example/chat", "https://shop.example/api/", "https://shop.example/?a=b", "https://a b/"] {
        let setup = TestSetup::for_model(&model).with("PUBLIC_URL", url);
        let output = run(&setup, &["serve"]).await;
        assert_eq!(output.code, Some(2), "{url}");
        assert!(output.err.contains("PUBLIC_URL"), "{}", output.err);
    }
}
