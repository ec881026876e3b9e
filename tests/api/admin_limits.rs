//! `/api/admin/limits`: who is near a limit, and resets of counts, for the operator.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::join;

use crate::{
    fakes::model::{Behaviour, FakeModel, Gate},
    limits::{assert_limited, rest},
    support::{
        client::{Client, HttpResponse},
        service::{Service, TestSetup, start_with, wait_until},
        user::{list, start_with_ada, text},
    },
};

const PATH: &str = "/api/admin/limits";

const TOKEN: &str = "Wq8nR2vTz5LxYb1kCd7uHs9aFg3eJm6P";

/// Returns the request of the operator.
fn admin(client: &Client, method: Method, path: &str) -> RequestBuilder {
    client.request(method, path).bearer_auth(TOKEN)
}

async fn read(client: &Client, query: &str) -> Value {
    client.send(admin(client, Method::GET, &format!("{PATH}{query}"))).await.assert_ok()
}

async fn reset(client: &Client, id: &str) -> HttpResponse {
    client.send(admin(client, Method::DELETE, &format!("{PATH}/{id}"))).await
}

/// Returns the limits of an answer, each as `scope unit window used+reserved/quota`.
fn lines(answer: &Value) -> Vec<String> {
    let line = |limit: &Value| {
        let [scope, unit, window] = ["scope", "unit", "window"].map(|name| text(&limit[name]));
        let [used, reserved, quota] = ["used", "reserved", "quota"].map(|name| limit[name].as_u64().unwrap());
        assert!((1..=86_400).contains(&limit["resets_in_seconds"].as_u64().unwrap()), "{limit}");
        format!("{scope} {unit} {window} {used}+{reserved}/{quota}")
    };
    list(&answer["limits"]).iter().map(line).collect()
}

/// Starts a session, and asks so often in it. Returns the session and the last answer.
async fn visit(client: &Client, turns: u32) -> (String, HttpResponse) {
    let session = text(&client.post("/api/session/start", &json!({})).await.assert_ok()["session_id"]);
    let mut answer = chat_in(client, &session).await;
    for _ in 1..turns {
        answer = chat_in(client, &session).await;
    }
    (session, answer)
}

async fn chat_in(client: &Client, session: &str) -> HttpResponse {
    let request = client.json_request("/api/chat", &json!({ "message": "hello" })).header("x-session-id", session);
    client.send(request.header("x-forwarded-for", "192.0.2.1")).await
}

#[tokio::test]
async fn the_operator_sees_who_is_near_a_limit() {
    let limits = [
        ("LIMIT_VISITOR", "5/day, 0.0001usd/day"),
        ("LIMIT_ADDRESS", "10/day"),
        ("MAX_ANSWER_TOKENS", "6"),
        ("PROXIES", "1"),
        ("ADMIN_TOKEN", TOKEN),
    ];
    let (model, _setup, service) = start_with(&limits).await;
    let client = &service.client;
    assert_eq!(read(client, "").await, json!({ "limits": [], "has_more": false }));
    let (session, _) = visit(client, 4).await;
    visit(client, 1).await.1.assert_ok();
    let near = read(client, "").await;
    assert_eq!(lines(&near), ["visitor turns day 4+0/5"]);
    // A turn costs $0.0000054.
    let half = ["visitor turns day 4+0/5", "address turns day 5+0/10", "visitor usd-micros day 21+0/100"];
    assert_eq!(lines(&read(client, "?percent=21").await), half);
    let first = read(client, "?percent=0&limit=1").await;
    assert_eq!((lines(&first), &first["has_more"]), (lines(&near), &json!(true)));
    for secret in [session.as_str(), "192.0.2.1"] {
        assert!(!near.to_string().contains(secret), "{near}");
    }

    let gate = Gate::new();
    model.behave_once(Behaviour::Held(gate.clone()));
    let (answer, running) = join!(chat_in(client, &session), async {
        model.wait_for_calls(6).await;
        let running = read(client, "").await;
        gate.open();
        running
    });
    answer.assert_ok();
    assert_eq!(lines(&running)[0], "visitor turns day 4+1/5");
    for query in ["?percent=101", "?limit=0", "?limit=x"] {
        client.send(admin(client, Method::GET, &format!("{PATH}{query}"))).await.assert_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn a_reset_forgets_the_usage_of_one_visitor() {
    let limits = [("LIMIT_VISITOR", "2/day"), ("LIMIT_ADDRESS", "20/day"), ("PROXIES", "1"), ("ADMIN_TOKEN", TOKEN)];
    let (model, setup, service) = start_with(&limits).await;
    let client = &service.client;
    let (session, _) = visit(client, 2).await;
    let (other, refused) = visit(client, 3).await;
    assert_limited(&refused, "limit_reached", "visitor", "turns", "day");
    let near = list(&read(client, "").await["limits"]);
    assert_eq!(near.len(), 2);
    chat_in(client, &session).await.assert_error(429, "limit_reached");
    // A turn that runs keeps its place.
    let id = text(&near[0]["count_id"]);
    reset(client, &id).await.assert_ok();
    // A replica that has refused a turn asks for the sum by adding nothing to it.
    let rows = format!("limit_counts WHERE counted = '{id}' AND turns + tokens + cost_pico > 0");
    assert_eq!(setup.count_rows(&rows).await, 0);
    let (mut free, mut full) = (session, other);
    if chat_in(client, &free).await.status != 200 {
        std::mem::swap(&mut free, &mut full);
        chat_in(client, &free).await.assert_ok();
    }
    chat_in(client, &full).await.assert_error(429, "limit_reached");
    let gate = Gate::new();
    model.behave_once(Behaviour::Held(gate.clone()));
    let calls = model.call_count();
    let (running, ()) = join!(chat_in(client, &free), async {
        model.wait_for_calls(calls + 1).await;
        reset(client, &id).await.assert_ok();
        assert_eq!(rest(&chat_in(client, &free).await), 0);
        gate.open();
    });
    running.assert_ok();
    chat_in(client, &free).await.assert_error(429, "limit_reached");
    service.stop().await;

    let service = setup.start().await;
    let client = &service.client;
    chat_in(client, &free).await.assert_error(429, "limit_reached");
    reset(client, &id).await.assert_ok();
    chat_in(client, &free).await.assert_ok();
    for unknown in ["visitor:5f0c7bd1a3e94f7c8b21d6e09a4c3f58", "total:0", "visitor", "nobody:1", "visitor:x"] {
        reset(client, unknown).await.assert_error(404, "limit_count_not_found");
    }
}

#[tokio::test]
async fn only_the_operator_sees_and_resets_limits() {
    let paths = [(Method::GET, PATH.to_owned()), (Method::DELETE, format!("{PATH}/total:0"))];
    let (_model, _setup, service, ada) = start_with_ada(&[("ADMIN_TOKEN", TOKEN)]).await;
    for (method, path) in &paths {
        let request = || service.client.request(method.clone(), path);
        let wrong = format!("{TOKEN}x");
        for refused in [request(), request().bearer_auth(wrong), request().bearer_auth(&ada.token)] {
            let answer = service.client.send(refused).await;
            answer.assert_error(401, "operator_only");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
    }
    let (_model, _setup, service) = start_with(&[]).await;
    service.client.get(PATH).await.assert_ok();
    for (header, value) in [("x-forwarded-for", "127.0.0.1"), ("via", "1.1 a"), ("origin", "http://localhost")] {
        let request = service.client.request(Method::GET, PATH).header(header, value);
        service.client.send(request).await.assert_error(401, "operator_only");
    }
    service.client.send(admin(&service.client, Method::GET, PATH)).await.assert_error(401, "operator_only");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn all_replicas_see_and_reset_the_same_limits() {
    let (database, model) = (crate::postgres::cluster::shared().database(), FakeModel::start().await);
    let settings = [("DATABASE_URL", database.as_str()), ("LIMIT_TOTAL", "2/day"), ("ADMIN_TOKEN", TOKEN)];
    let setups = [(); 2].map(|()| TestSetup::for_model(&model).with_all(&settings));
    let [first, second]: [Service; 2] = [setups[0].start().await, setups[1].start().await];
    for _ in 0..2 {
        first.client.chat("hello").await.assert_ok();
    }
    let is_seen = async || (lines(&read(&second.client, "").await) == ["total turns day 2+0/2"]).then_some(());
    wait_until("the usage at the other replica", is_seen).await;
    // This replica has refused a turn, and knows the sum.
    first.client.chat("hello").await.assert_error(429, "limit_reached");
    let id = text(&read(&second.client, "").await["limits"][0]["count_id"]);
    reset(&second.client, &id).await.assert_ok();
    let is_admitted = async || (first.client.chat("hello").await.status == 200).then_some(());
    wait_until("room at the other replica", is_admitted).await;
}

#[tokio::test]
async fn sessions_of_an_address_are_listed_and_reset_as_turns_are() {
    let sessions = [("LIMIT_SESSIONS", "2/day"), ("PROXIES", "1"), ("ADMIN_TOKEN", TOKEN)];
    let (_model, _setup, service) = start_with(&sessions).await;
    let client = &service.client;
    let start = || client.json_request("/api/session/start", &json!({})).header("x-forwarded-for", "192.0.2.1");
    client.send(start()).await.assert_ok();
    client.send(start()).await.assert_ok();
    client.send(start()).await.assert_error(429, "session_limit_reached");
    let [used] = <[_; 1]>::try_from(list(&read(client, "").await["limits"])).expect("one limit");
    assert_eq!((&used["scope"], &used["used"]), (&json!("sessions"), &json!(2)));
    reset(client, &text(&used["count_id"])).await.assert_ok();
    client.send(start()).await.assert_ok();
}
