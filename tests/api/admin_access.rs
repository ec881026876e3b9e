//! Who may read the metrics, what the model has cost, and the source of its key.

use reqwest::{Method, RequestBuilder};
use serde_json::json;

use crate::{
    command_line::{output_of, run},
    fakes::model::FakeModel,
    support::{
        client::Client,
        service::{Service, TestSetup, start_with},
        user::User,
    },
};

const TOKEN: &str = "Wq8nR2vTz5LxYb1kCd7uHs9aFg3eJm6P";

const USAGE: &str = "/api/openai/usage";
const TEST: &str = "/api/openai/test";
const INFO: &str = "/api/openai/info";
const METRICS: &str = "/metrics";

const FOR_OTHERS: (&str, &str) = ("SERVER_HOST", "0.0.0.0");
const WITH_TOKEN: (&str, &str) = ("ADMIN_TOKEN", TOKEN);

/// A kind of request.
#[derive(Clone, Copy, Debug)]
enum Sender {
    /// A program on this machine.
    Local,
    /// A page in a browser on this machine.
    Page,
    /// Somebody behind a proxy on this machine.
    Proxied,
    /// The operator, behind a proxy.
    Operator,
}

impl Sender {
    fn request(self, client: &Client, path: &str) -> RequestBuilder {
        let request = client.request(Method::GET, path);
        match self {
            Self::Local => request,
            Self::Page => request.header("origin", "http://localhost:3000"),
            Self::Proxied => request.header("x-forwarded-for", "192.0.2.1"),
            Self::Operator => request.header("x-forwarded-for", "192.0.2.1").bearer_auth(TOKEN),
        }
    }
}

/// Asserts that a sender may read a path, or gets status 401; of the information about the model, that it has the source of the
/// key, or has not.
async fn assert_access(client: &Client, path: &str, sender: Sender, is_granted: bool) {
    let answer = client.send(sender.request(client, path)).await;
    if path == INFO {
        let info = answer.assert_ok();
        assert_eq!(info.get("credentials_info").is_some(), is_granted, "{sender:?} {info}");
        assert_eq!(info["credentials_valid"], true);
    } else if is_granted {
        assert_eq!(answer.status, 200, "{sender:?} {path} {}", answer.text);
    } else {
        answer.assert_error(401, "operator_only");
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{sender:?} {path}");
    }
}

/// Asserts for each path which senders may read it.
async fn assert_accesses(service: &Service, figures: &[Sender], metrics: &[Sender]) {
    let names = |senders: &[Sender]| senders.iter().map(|sender| format!("{sender:?}")).collect::<Vec<_>>();
    let (figures, metrics) = (names(figures), names(metrics));
    for sender in [Sender::Local, Sender::Page, Sender::Proxied, Sender::Operator] {
        let name = format!("{sender:?}");
        if matches!(sender, Sender::Operator) && !figures.contains(&name) {
            // A token that is not the operator's is never left out of account.
            service.client.send(sender.request(&service.client, INFO)).await.assert_error(401, "operator_only");
        } else {
            assert_access(&service.client, INFO, sender, figures.contains(&name)).await;
        }
        for path in [USAGE, TEST] {
            assert_access(&service.client, path, sender, figures.contains(&name)).await;
        }
        assert_access(&service.client, METRICS, sender, metrics.contains(&name)).await;
    }
}

#[tokio::test]
async fn on_loopback_this_machine_needs_no_token() {
    let (model, _setup, service) = start_with(&[]).await;
    let local = [Sender::Local, Sender::Page];
    assert_accesses(&service, &local, &local).await;
    assert_eq!(model.call_count(), 2, "only this machine has tested the model");
}

#[tokio::test]
async fn a_service_for_others_is_open_to_its_operator() {
    use Sender::{Local, Operator, Page};
    let (_model, _setup, service) = start_with(&[FOR_OTHERS]).await;
    assert_accesses(&service, &[Local], &[Local]).await;
    let (_model, _setup, service) = start_with(&[FOR_OTHERS, WITH_TOKEN]).await;
    assert_accesses(&service, &[Operator], &[Operator]).await;
    let (_model, _setup, service) = start_with(&[WITH_TOKEN]).await;
    assert_accesses(&service, &[Operator], &[Local, Page, Operator]).await;
}

#[tokio::test]
async fn a_setting_opens_or_closes_the_metrics() {
    use Sender::{Local, Operator, Page, Proxied};
    let (_model, _setup, service) = start_with(&[FOR_OTHERS, WITH_TOKEN, ("METRICS", "Public")]).await;
    assert_accesses(&service, &[Operator], &[Local, Page, Proxied, Operator]).await;
    let (_model, _setup, service) = start_with(&[WITH_TOKEN, ("METRICS", "admin")]).await;
    assert_accesses(&service, &[Operator], &[Operator]).await;
    let (_model, _setup, service) = start_with(&[("METRICS", "admin")]).await;
    assert_accesses(&service, &[Local, Page], &[Local]).await;
}

#[tokio::test]
async fn no_other_bearer_opens_what_is_for_the_operator() {
    let (_model, _setup, service) = start_with(&[FOR_OTHERS, WITH_TOKEN]).await;
    let ada = User::register(&service.client, "ada").await;
    let key = format!("alk_{}", "0".repeat(43));
    let almost = format!("{TOKEN}x");
    for path in [USAGE, TEST, INFO, METRICS] {
        for bearer in [ada.token.as_str(), &key, "alt_x", &almost, &TOKEN.to_lowercase(), ""] {
            let request = service.client.request(Method::GET, path).bearer_auth(bearer);
            service.client.send(request).await.assert_error(401, "operator_only");
        }
    }
}

#[tokio::test]
async fn reconcile_sends_the_operators_token() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).with_all(&[WITH_TOKEN, ("METRICS", "admin")]);
    let service = setup.start().await;
    service.client.post("/api/chat", &json!({ "message": "hello" })).await.assert_ok();
    let server = format!("http://{}", service.address());
    let arguments = ["log", "reconcile", "--server", &server];
    let same = run(&setup, &arguments).await;
    assert_eq!(same.code, Some(0), "{same:?}");
    let mut command = setup.command(&arguments);
    command.env_remove("ADMIN_TOKEN");
    let refused = output_of(command).await;
    assert!(refused.code == Some(2) && refused.err.contains("set ADMIN_TOKEN"), "{refused:?}");
    assert!(!same.out.contains(TOKEN) && !same.err.contains(TOKEN), "{same:?}");
}

#[tokio::test]
async fn own_pages_at_this_machine_are_the_operators() {
    let service = TestSetup::new().start().await;
    let ask = async |headers: &[(&str, &str)]| {
        let request = service.client.request(Method::GET, "/api/admin/sites");
        let request = headers.iter().fold(request, |request, &(name, value)| request.header(name, value));
        service.client.send(request).await
    };
    let own = format!("http://{}", service.address());
    let by_name = format!("localhost:{}", service.address().port());
    for headers in [
        &[("sec-fetch-site", "same-origin")][..],
        &[("sec-fetch-site", "same-origin"), ("origin", &own)],
        &[("sec-fetch-site", "same-origin"), ("host", &by_name)],
        &[("origin", &own)],
    ] {
        assert_eq!(ask(headers).await.status, 200, "{headers:?}");
    }
    for headers in [
        &[("sec-fetch-site", "same-site")][..],
        &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
        &[("origin", "http://localhost:3000")],
        &[("origin", "null")],
        // Pages whose name was pointed at this machine after they were loaded. Without TLS, browsers send no `Sec-Fetch-Site`.
        &[("host", "evil.example:5000")],
        &[("host", "evil.example:5000"), ("origin", "http://evil.example:5000")],
        &[("host", "evil.example:5000"), ("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "same-origin"), ("via", "1.1 proxy")],
    ] {
        ask(headers).await.assert_error(401, "operator_only");
    }
    let (_model, _setup, service) = start_with(&[WITH_TOKEN]).await;
    let request = service.client.request(Method::GET, "/api/admin/sites").header("sec-fetch-site", "same-origin");
    service.client.send(request).await.assert_error(401, "operator_only");
}
