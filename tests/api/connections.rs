//! Serving: connections and their limits, and stopping in order.

use std::{
    collections::HashSet,
    net::TcpListener,
    time::{Duration, Instant},
};

use serde_json::json;
use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};
use tokio::{task::JoinSet, time::timeout};

use crate::{
    fakes::model::{Behaviour, FakeModel, Gate},
    support::{
        client::{Client, HttpResponse},
        raw_connection::RawConnection,
        service::{Process, TEST_TIMEOUT, TestSetup, wait_until},
    },
};

/// Far below the default of what is set short in a test, and far above what that takes.
const SOON: Duration = Duration::from_secs(5);

fn interrupt(process: &Process) {
    let id = process.child.id().expect("the process runs").to_string();
    let sent = std::process::Command::new("kill").args(["-INT", &id]).status().expect("kill runs");
    assert!(sent.success());
}

/// A turn that the model holds back until the gate opens.
async fn held_turn(model: &FakeModel, client: &Client) -> (Gate, JoinSet<HttpResponse>) {
    let gate = Gate::new();
    model.set_behaviour(Behaviour::Held(gate.clone()));
    let calls = model.call_count();
    let mut turn = JoinSet::new();
    let client = client.clone();
    turn.spawn(async move { client.chat("hold on").await });
    model.wait_for_calls(calls + 1).await;
    (gate, turn)
}

async fn wait_until_unready(client: &Client) -> HttpResponse {
    wait_until("readiness to end", async || {
        let answer = client.get("/api/health/ready").await;
        (answer.status != 200).then_some(answer)
    })
    .await
}

#[tokio::test]
async fn on_sigterm_the_service_is_unready_at_once_and_finishes_its_turns() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model);
    let mut process = setup.start_process().await;
    let client = process.client.clone();
    client.get("/api/health/ready").await.assert_ok();
    let (gate, mut turn) = held_turn(&model, &client).await;

    process.terminate();
    let unready = wait_until_unready(&client).await;
    unready.assert_error(503, "not_ready");
    assert_eq!(unready.json()["details"]["parts"]["serving"], "stopping");
    assert_eq!(client.get("/api/health").await.assert_ok()["status"], "stopping");
    client.get("/api/health/live").await.assert_ok();
    let refused = client.chat("too late").await;
    refused.assert_error(503, "stopping");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert!(turn.try_join_next().is_none(), "the turn in flight goes on");

    gate.open();
    let answer = turn.join_next().await.unwrap().unwrap();
    assert_eq!(answer.assert_ok()["message"], "hold on");
    assert_eq!(process.exit_code().await, Some(0));
    assert_eq!(model.call_count(), 1);
    let chats = setup.log_lines("chat");
    assert_eq!(chats.len(), 1, "{chats:?}");
    assert_eq!(chats[0]["request_id"], answer.header("x-request-id"));
    let log = setup.log();
    let last = log.last().unwrap();
    assert_eq!((&last["event"], &last["turns_cut_off"]), (&json!("service_stop"), &json!(0)));
}

#[tokio::test]
async fn past_the_drain_timeout_a_turn_is_ended_and_logged_once() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).with("DRAIN_TIMEOUT", "200ms");
    let mut process = setup.start_process().await;
    let (_gate, mut turn) = held_turn(&model, &process.client).await;

    process.terminate();
    let answer = turn.join_next().await.unwrap().unwrap();
    answer.assert_error(503, "stopping");
    assert_eq!(process.exit_code().await, Some(0));
    model.wait_for_disconnects(1).await;
    let chats = setup.log_lines("chat");
    assert_eq!(chats.len(), 1, "{chats:?}");
    let line = &chats[0];
    assert_eq!(line["request_id"], answer.header("x-request-id"));
    assert_eq!((&line["status"], &line["code"], &line["finish"]), (&json!(503), &json!("stopping"), &json!("stopped")));
    let stops = setup.log_lines("service_stop");
    assert_eq!((stops.len(), &stops[0]["turns_cut_off"]), (1, &json!(1)));
}

#[tokio::test]
async fn ctrl_c_stops_in_order_even_with_idle_connections_open() {
    let setup = TestSetup::new();
    let mut process = setup.start_process().await;
    let address = process.address;
    process.client.chat("hello").await.assert_ok();
    let mut idle = RawConnection::connect(address).await;
    assert!(idle.get("/api/health").await.starts_with("HTTP/1.1 200"));

    interrupt(&process);
    assert_eq!(idle.read_to_end().await, "");
    assert_eq!(process.exit_code().await, Some(0));
    assert_eq!(setup.log_lines("service_stop").len(), 1);
}

#[tokio::test]
async fn clients_that_say_nothing_or_half_a_thing_do_not_hold_up_the_stop() {
    let setup = TestSetup::new();
    let mut process = setup.start_process().await;
    // Browsers open connections ahead of need.
    let _silent = RawConnection::connect(process.address).await;
    let mut half_heard = RawConnection::connect(process.address).await;
    half_heard.send("GET /api/health HTTP/1.1\r\nHost: al-").await;
    // Connections are taken in order: by now, so are those two.
    RawConnection::connect(process.address).await.get("/api/health").await;

    let asked = Instant::now();
    process.terminate();
    assert_eq!(process.exit_code().await, Some(0));
    assert!(asked.elapsed() < Duration::from_secs(3), "it took {:?}", asked.elapsed());
}

#[tokio::test]
async fn a_second_signal_stops_at_once() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model);
    let mut process = setup.start_process().await;
    let (_gate, _turn) = held_turn(&model, &process.client).await;
    process.terminate();
    wait_until_unready(&process.client).await;
    process.terminate();
    assert_eq!(process.exit_code().await, Some(1));
}

#[tokio::test]
async fn a_service_that_serves_is_alive_ready_and_healthy() {
    let service = TestSetup::new().start().await;
    assert_eq!(service.client.get("/api/health/live").await.assert_ok(), json!({ "status": "alive" }));
    let ready = service.client.get("/api/health/ready").await.assert_ok();
    assert_eq!(ready["status"], "ready");
    let parts = ready["parts"].as_object().unwrap();
    for part in ["serving", "database", "session_log", "tasks"] {
        assert_eq!(parts[part], "ok");
    }
    assert_eq!(service.client.get("/api/health").await.assert_ok()["status"], "healthy");
}

#[tokio::test]
async fn clients_that_send_no_whole_header_in_time_are_hung_up_on() {
    let service = TestSetup::new().with("HEADER_TIMEOUT", "200ms").start().await;
    let begun = Instant::now();
    for start in ["", "GET /api/health HTTP/1.1\r\nHost: al-"] {
        let mut wire = RawConnection::connect(service.address()).await;
        wire.send(start).await;
        let said = wire.read_to_end().await;
        assert!(!said.contains("200 OK"), "{said}");
    }
    assert!(begun.elapsed() < SOON, "it took {:?}", begun.elapsed());
}

#[tokio::test]
async fn an_idle_connection_outlives_the_time_for_headers() {
    let service = TestSetup::new().with("HEADER_TIMEOUT", "300ms").start().await;
    let mut wire = RawConnection::connect(service.address()).await;
    wire.get("/api/health/live").await;
    assert!(timeout(Duration::from_millis(700), wire.read_to_end()).await.is_err(), "it was closed");
    assert!(wire.get("/api/health/live").await.contains("alive"));
}

#[tokio::test]
async fn half_a_second_request_is_hung_up_on_however_long_the_connection_was_idle_before() {
    let service = TestSetup::new().with("HEADER_TIMEOUT", "300ms").start().await;
    for idle in [0, 700].map(Duration::from_millis) {
        let mut wire = RawConnection::connect(service.address()).await;
        wire.get("/api/health/live").await;
        assert!(timeout(idle, wire.read_to_end()).await.is_err(), "it was closed while it was idle");
        let begun = Instant::now();
        wire.send("GET /api/health HTTP/1.1\r\nHost: al-").await;
        let said = wire.read_to_end().await;
        assert!(!said.contains("200 OK"), "{said}");
        assert!(begun.elapsed() < SOON, "after {idle:?} it took {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_time_which_every_answer_begins_anew() {
    const KEEPALIVE_TIMEOUT: Duration = Duration::from_millis(800);
    let service = TestSetup::new().with("KEEPALIVE_TIMEOUT", "800ms").start().await;
    let mut wire = RawConnection::connect(service.address()).await;
    for _ in 0..3 {
        wire.get("/api/health/live").await;
        assert!(timeout(Duration::from_millis(300), wire.read_to_end()).await.is_err(), "it was closed too early");
    }
    wire.get("/api/health/live").await;
    let begun = Instant::now();
    assert_eq!(wire.read_to_end().await, "");
    let took = begun.elapsed();
    assert!(KEEPALIVE_TIMEOUT / 2 < took && took < SOON, "it took {took:?}");
}

#[tokio::test]
async fn an_answer_that_nobody_reads_gives_up_its_place() {
    const KEEPALIVE_TIMEOUT: Duration = Duration::from_millis(400);
    // Who may come in only when the other is gone tells when that is.
    let service = TestSetup::new().with("KEEPALIVE_TIMEOUT", "400ms").with("MAX_CONNECTIONS", "1").start().await;
    let mut deaf = RawConnection::connect(service.address()).await;
    // More than a hundred megabytes: no machine keeps so much for a reader that doesn't read.
    deaf.send(&"GET /docs HTTP/1.1\r\nHost: al-chat\r\n\r\n".repeat(80)).await;
    let begun = Instant::now();
    let mut next = RawConnection::connect(service.address()).await;
    assert!(next.get("/api/health/live").await.contains("alive"));
    let took = begun.elapsed();
    assert!(KEEPALIVE_TIMEOUT / 2 < took && took < SOON, "it took {took:?}");
}

#[tokio::test]
async fn a_body_that_does_not_arrive_in_time_is_answered_408() {
    let service = TestSetup::new().with("BODY_TIMEOUT", "200ms").start().await;
    let begun = Instant::now();
    for (path, start) in [("/api/chat", ""), ("/api/chat", "{\"mess"), ("/api/session/stop", "{")] {
        let mut wire = RawConnection::connect(service.address()).await;
        let head = "Host: al-chat\r\nContent-Type: application/json\r\nContent-Length: 100";
        wire.send(&format!("POST {path} HTTP/1.1\r\n{head}\r\n\r\n{start}")).await;
        let answer = wire.read_to_end().await;
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert!(answer.contains("\"code\":\"body_timeout\"") && answer.contains("request_id"), "{answer}");
    }
    assert!(begun.elapsed() < SOON, "it took {:?}", begun.elapsed());
}

#[tokio::test]
async fn connections_past_the_limit_wait_until_another_leaves() {
    let service = TestSetup::new().with("MAX_CONNECTIONS", "2").start().await;
    let mut first = RawConnection::connect(service.address()).await;
    let mut second = RawConnection::connect(service.address()).await;
    first.get("/api/health").await;
    second.get("/api/health").await;

    let mut third = RawConnection::connect(service.address()).await;
    third.send("GET /api/health/live HTTP/1.1\r\nHost: al-chat\r\n\r\n").await;
    // Time enough for a server that would serve it.
    for _ in 0..50 {
        first.get("/api/health").await;
    }
    assert!(!third.has_arrived(), "the third was served, too");

    drop(second);
    assert!(third.response().await.contains("alive"));
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_request_and_every_answer_has_its_own_id() {
    let service = TestSetup::new().start().await;
    let mut wire = RawConnection::connect(service.address()).await;
    let mut ids = HashSet::new();
    for path in ["/api/health", "/nowhere", "/api/health/live", "/openapi.json", "/api/chat", "/api/health"] {
        let answer = wire.get(path).await;
        let head = answer.split("\r\n\r\n").next().unwrap().to_ascii_lowercase();
        let id = head.lines().find_map(|line| line.strip_prefix("x-request-id: ")).expect("an id").to_owned();
        assert!(ids.insert(id), "{answer}");
        assert!(!head.contains("connection: close"), "{head}");
    }
    let preflight = service.client.request(reqwest::Method::OPTIONS, "/api/chat");
    let preflight = service.client.send(preflight).await;
    assert!(ids.insert(preflight.header("x-request-id").to_owned()));
}

#[tokio::test]
async fn a_port_in_use_is_told_clearly() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let setup = TestSetup::new().with("PORT", &address.port().to_string());
    let ran = timeout(TEST_TIMEOUT, setup.command(&[]).output()).await.expect("it ends").unwrap();
    assert_eq!(ran.status.code(), Some(1));
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(said.contains(&address.to_string()) && said.contains("PORT"), "{said}");
}

#[tokio::test]
async fn readiness_names_a_database_that_cannot_be_written_in_good_time_and_recovers() {
    let setup = TestSetup::new().on_sqlite();
    let service = setup.start().await;
    let file = setup.path().join("al-chat.db");
    let mut other = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
    sqlx::query("BEGIN EXCLUSIVE").execute(&mut other).await.unwrap();

    // Whoever probes waits for a second or a few, not more.
    let asked = Instant::now();
    let unready = service.client.get("/api/health/ready").await;
    let took = asked.elapsed();
    unready.assert_error(503, "not_ready");
    let parts = &unready.json()["details"]["parts"];
    assert_ne!(parts["database"], "ok", "{parts}");
    assert_eq!(parts["session_log"], "ok", "{parts}");
    assert!(took < Duration::from_secs(3), "it took {took:?}");

    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    wait_until("readiness", async || (service.client.get("/api/health/ready").await.status == 200).then_some(())).await;
}
