//! Connections: limits, timeouts, and graceful shutdown.

use std::{
    collections::HashSet,
    net::TcpListener,
    time::{Duration, Instant},
};

use serde_json::json;
use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};
use tokio::{task::JoinSet, time::timeout};

use crate::{
    command_line::run,
    fakes::model::{Behaviour, FakeModel, Gate},
    support::{
        client::{Client, HttpResponse},
        raw_connection::{RawAnswer, RawConnection},
        service::{Process, Service, TestSetup, wait_until},
    },
};

/// Far below the defaults of the settings that these tests shorten, and far above the shortened values.
const SHORT: Duration = Duration::from_secs(5);

fn interrupt(process: &Process) {
    let id = process.child.id().expect("a running process").to_string();
    let sent = std::process::Command::new("kill").args(["-INT", &id]).status().expect("kill runs");
    assert!(sent.success());
}

/// Sends a turn in the background that the model holds back until the gate opens.
async fn start_held_turn(model: &FakeModel, client: &Client) -> (Gate, JoinSet<HttpResponse>) {
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
    wait_until("the service to become unready", async || {
        let answer = client.get("/api/health/ready").await;
        (answer.status != 200).then_some(answer)
    })
    .await
}

#[tokio::test]
async fn sigterm_makes_the_service_unready_and_finishes_turns() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model);
    let mut process = setup.start_process().await;
    let client = process.client.clone();
    client.get("/api/health/ready").await.assert_ok();
    let (gate, mut turn) = start_held_turn(&model, &client).await;

    process.terminate();
    let unready = wait_until_unready(&client).await;
    unready.assert_error(503, "not_ready");
    assert_eq!(unready.json()["details"]["parts"]["serving"], "stopping");
    assert_eq!(client.get("/api/health").await.assert_ok()["status"], "stopping");
    client.get("/api/health/live").await.assert_ok();
    let refused = client.chat("too late").await;
    refused.assert_error(503, "stopping");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert!(turn.try_join_next().is_none(), "the running turn was interrupted");

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
async fn a_turn_past_the_drain_timeout_is_ended_and_logged_once() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).with("DRAIN_TIMEOUT", "200ms");
    let mut process = setup.start_process().await;
    let (_gate, mut turn) = start_held_turn(&model, &process.client).await;

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
async fn sigint_shuts_down_gracefully_with_idle_connections_open() {
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
async fn incomplete_requests_do_not_delay_the_shutdown() {
    let setup = TestSetup::new();
    let mut process = setup.start_process().await;
    // Browsers open connections in advance.
    let _silent = RawConnection::connect(process.address).await;
    let mut half_heard = RawConnection::connect(process.address).await;
    half_heard.send("GET /api/health HTTP/1.1\r\nHost: al-").await;
    // Connections are accepted in order, so that the two above are accepted now.
    RawConnection::connect(process.address).await.get("/api/health").await;

    let started = Instant::now();
    process.terminate();
    assert_eq!(process.exit_code().await, Some(0));
    assert!(started.elapsed() < Duration::from_secs(3), "the operation took {:?}", started.elapsed());
}

#[tokio::test]
async fn a_running_service_is_alive_ready_and_healthy() {
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
async fn a_connection_without_a_whole_head_in_time_is_closed() {
    let service = TestSetup::new().with("HEADER_TIMEOUT", "200ms").start().await;
    let started = Instant::now();
    for start in ["", "GET /api/health HTTP/1.1\r\nHost: al-"] {
        let mut wire = RawConnection::connect(service.address()).await;
        wire.send(start).await;
        let response = wire.read_to_end().await;
        assert!(!response.contains("200 OK"), "{response}");
    }
    assert!(started.elapsed() < SHORT, "the operation took {:?}", started.elapsed());
}

#[tokio::test]
async fn an_idle_connection_is_not_closed_by_the_header_timeout() {
    let service = TestSetup::new().with("HEADER_TIMEOUT", "300ms").start().await;
    let mut wire = RawConnection::connect(service.address()).await;
    wire.get("/api/health/live").await;
    assert!(timeout(Duration::from_millis(700), wire.read_to_end()).await.is_err(), "the connection was closed");
    assert!(wire.get("/api/health/live").await.contains("alive"));
}

#[tokio::test]
async fn the_header_timeout_applies_to_every_request_of_a_connection() {
    let service = TestSetup::new().with("HEADER_TIMEOUT", "300ms").start().await;
    for idle in [0, 700].map(Duration::from_millis) {
        let mut wire = RawConnection::connect(service.address()).await;
        wire.get("/api/health/live").await;
        assert!(timeout(idle, wire.read_to_end()).await.is_err(), "an idle connection was closed");
        let started = Instant::now();
        wire.send("GET /api/health HTTP/1.1\r\nHost: al-").await;
        let response = wire.read_to_end().await;
        assert!(!response.contains("200 OK"), "{response}");
        assert!(started.elapsed() < SHORT, "after {idle:?} it took {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_keepalive_timeout() {
    const KEEPALIVE_TIMEOUT: Duration = Duration::from_millis(800);
    let service = TestSetup::new().with("KEEPALIVE_TIMEOUT", "800ms").start().await;
    let mut wire = RawConnection::connect(service.address()).await;
    for _ in 0..3 {
        wire.get("/api/health/live").await;
        assert!(
            timeout(Duration::from_millis(300), wire.read_to_end()).await.is_err(),
            "the connection was closed too early"
        );
    }
    wire.get("/api/health/live").await;
    let started = Instant::now();
    assert_eq!(wire.read_to_end().await, "");
    let took = started.elapsed();
    assert!(KEEPALIVE_TIMEOUT / 2 < took && took < SHORT, "the operation took {took:?}");
}

#[tokio::test]
async fn a_response_that_is_not_read_releases_its_connection() {
    const KEEPALIVE_TIMEOUT: Duration = Duration::from_millis(400);
    // With a limit of one connection, the second one is served when the first is closed.
    let service = TestSetup::new().with("KEEPALIVE_TIMEOUT", "400ms").with("MAX_CONNECTIONS", "1").start().await;
    let mut deaf = RawConnection::connect(service.address()).await;
    // More than a hundred megabytes, which no socket buffer can hold.
    deaf.send(&"GET /docs HTTP/1.1\r\nHost: al-chat\r\n\r\n".repeat(80)).await;
    let started = Instant::now();
    wait_for_connection(&service).await;
    let took = started.elapsed();
    assert!(KEEPALIVE_TIMEOUT / 2 < took && took < SHORT, "the operation took {took:?}");
}

#[tokio::test]
async fn a_body_that_does_not_arrive_in_time_gets_a_408() {
    let service = TestSetup::new().with("BODY_TIMEOUT", "200ms").start().await;
    let started = Instant::now();
    for (path, start) in [("/api/chat", ""), ("/api/chat", "{\"mess"), ("/api/session/stop", "{")] {
        let mut wire = RawConnection::connect(service.address()).await;
        let head = "Host: al-chat\r\nContent-Type: application/json\r\nContent-Length: 100";
        wire.send(&format!("POST {path} HTTP/1.1\r\n{head}\r\n\r\n{start}")).await;
        let answer = wire.read_to_end().await;
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert!(answer.contains("\"code\":\"body_timeout\"") && answer.contains("request_id"), "{answer}");
    }
    assert!(started.elapsed() < SHORT, "the operation took {:?}", started.elapsed());
}

/// Waits until a new connection is within the limit.
pub async fn wait_for_connection(service: &Service) {
    wait_until("a connection within the limit", async || {
        let mut next = RawConnection::connect(service.address()).await;
        next.get("/api/personas").await.contains("200 OK").then_some(())
    })
    .await;
}

/// The start of a request's head.
const HALF_A_HEAD: &str = "GET /api/health HTTP/1.1\r\nHost: al-";

/// Opens a connection whose request does not arrive.
async fn open_slow(service: &Service) -> RawConnection {
    let mut slow = RawConnection::connect(service.address()).await;
    slow.send(HALF_A_HEAD).await;
    slow
}

#[tokio::test]
async fn past_the_connection_limit_only_health_is_answered() {
    let service = TestSetup::new().with("MAX_CONNECTIONS", "2").start().await;
    let (_first, second) = (open_slow(&service).await, open_slow(&service).await);

    for path in ["/health", "/api/health", "/api/health/live", "/api/health/ready", "/metrics"] {
        let mut third = RawConnection::connect(service.address()).await;
        let answer = RawAnswer::parse(&third.get(path).await);
        assert_eq!((answer.status(), answer.header("connection")), (200, Some("close")), "{path}");
        assert_eq!(third.read_to_end().await, "");
    }
    let body = "Content-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"message\":\"hi\"}";
    for start in ["GET /api/personas", "GET /", "GET /nowhere", "POST /api/chat", "POST /chat"] {
        let mut third = RawConnection::connect(service.address()).await;
        third.send(&format!("{start} HTTP/1.1\r\nHost: al-chat\r\n{body}")).await;
        let answer = RawAnswer::parse(&third.response().await);
        answer.assert_error(503, "too_busy");
        assert_eq!((answer.header("retry-after"), answer.header("connection")), (Some("1"), Some("close")));
    }

    // A client that sends nothing holds up no health check for long.
    let _silent = [RawConnection::connect(service.address()).await, RawConnection::connect(service.address()).await];
    let answer = RawConnection::connect(service.address()).await.get("/api/health/live").await;
    assert!(answer.contains("alive"), "{answer}");

    drop(second);
    wait_for_connection(&service).await;
}

#[tokio::test]
async fn an_idle_connection_makes_room_for_another_at_once() {
    for proxies in ["0", "1"] {
        let service = TestSetup::new().with("MAX_CONNECTIONS", "2").with("PROXIES", proxies).start().await;
        let _slow = open_slow(&service).await;
        let mut idle = RawConnection::connect(service.address()).await;
        for _ in 0..20 {
            assert!(idle.get("/api/personas").await.contains("200 OK"));
            let mut next = RawConnection::connect(service.address()).await;
            assert!(next.get("/api/personas").await.contains("200 OK"));
            assert_eq!(idle.read_to_end().await, "");
            idle = next;
        }
    }
}

/// An address that opens connections without end, and another one.
const GREEDY: [u8; 4] = [127, 0, 0, 2];
const OTHER: [u8; 4] = [127, 0, 0, 3];

#[tokio::test]
async fn slow_clients_of_one_address_make_room_for_others() {
    let half_a_body = "POST /api/chat HTTP/1.1\r\nHost: al-chat\r\nContent-Type: application/json\r\n\
                       Content-Length: 100\r\n\r\n{\"mess";
    // More than a hundred megabytes, which no socket buffer can hold.
    let unread = "GET /docs HTTP/1.1\r\nHost: al-chat\r\n\r\n".repeat(80);
    for sent in ["", HALF_A_HEAD, half_a_body, &unread] {
        let service = TestSetup::new().with("MAX_CONNECTIONS", "8").start().await;
        let mut greedy = Vec::new();
        for _ in 0..60 {
            let mut slow = RawConnection::connect_from(GREEDY, service.address()).await;
            // The server has refused it if it has its share.
            let _ = slow.try_send(sent).await;
            greedy.push(slow);
        }
        // Of a response that is not read, the server first has to notice that.
        wait_until("a place", async || {
            let mut next = RawConnection::connect_from(OTHER, service.address()).await;
            next.get("/api/personas").await.contains("200 OK").then_some(())
        })
        .await;
        let started = Instant::now();
        for _ in 0..3 {
            let mut next = RawConnection::connect_from(OTHER, service.address()).await;
            assert!(next.get("/api/personas").await.contains("200 OK"));
        }
        assert!(started.elapsed() < Duration::from_secs(1), "the operation took {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn a_kept_alive_connection_gets_a_new_request_id_per_request() {
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
async fn a_port_in_use_is_reported_at_start() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let setup = TestSetup::new().with("PORT", &address.port().to_string());
    let ran = run(&setup, &[]).await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains(&address.to_string()) && ran.err.contains("PORT"), "{ran:?}");
}

#[tokio::test]
async fn readiness_reports_an_unwritable_database_and_recovers() {
    let setup = TestSetup::new().on_sqlite();
    let service = setup.start().await;
    let file = setup.path().join("al-chat.db");
    let mut other = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
    sqlx::query("BEGIN EXCLUSIVE").execute(&mut other).await.unwrap();

    // A probe waits for a few seconds at most.
    let started = Instant::now();
    let unready = service.client.get("/api/health/ready").await;
    let took = started.elapsed();
    unready.assert_error(503, "not_ready");
    let parts = &unready.json()["details"]["parts"];
    assert_ne!(parts["database"], "ok", "{parts}");
    assert_eq!(parts["session_log"], "ok", "{parts}");
    assert!(took < Duration::from_secs(3), "the operation took {took:?}");

    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    service.client.wait_for_readiness(200).await;
}
