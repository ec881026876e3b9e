//! Large bodies: their memory, and clients that pause while they send one.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    fakes::model::FakeModel,
    support::{
        raw_connection::{RawAnswer, RawConnection},
        service::{TestSetup, wait_until},
    },
};

const MIB: usize = 1 << 20;

/// `BODY_MEMORY`.
const MEMORY: usize = 16 * MIB;

/// Begins a question of 31 MB and sends only a part of it, as far as the server reads it.
async fn begin(address: SocketAddr, from: &str, size: usize) -> RawConnection {
    let mut wire = RawConnection::connect(address).await;
    let head = "Host: al-chat\r\nContent-Type: application/json\r\nContent-Length: 31000000";
    let part = format!("{{\"message\":\"{}", "x".repeat(size));
    let request = format!("POST /api/chat HTTP/1.1\r\n{head}\r\nX-Forwarded-For: {from}\r\n\r\n{part}");
    // The server may have refused it before the end.
    let _ = wire.try_send(&request).await;
    wire
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unfinished_large_bodies_leave_room_for_others() {
    const COUNT: usize = 34;
    const SENT: usize = 5 * MIB;
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model)
        .with("BODY_MEMORY", "16MiB")
        .with("PROXIES", "1")
        .with("LIMIT_ANONYMOUS_INPUT", "32MiB");
    let process = setup.start_process().await;
    process.client.chat("hi").await.assert_ok();
    let before = process.peak_memory();

    let mut unfinished = Vec::new();
    for _ in 0..COUNT {
        unfinished.push(begin(process.address, "192.0.2.1", SENT).await);
    }
    // One client can have half of the memory: one such body.
    wait_until("all bodies but one are refused", async || {
        let refused = unfinished.iter().filter(|wire| wire.has_arrived()).count();
        (refused >= COUNT - MEMORY / 2 / SENT).then_some(())
    })
    .await;
    let mut refused = unfinished.iter_mut().filter(|wire| wire.has_arrived()).collect::<Vec<_>>();
    let answer = RawAnswer::parse(&refused.first_mut().expect("a refused body").response().await);
    answer.assert_error(503, "body_memory_used_up");
    assert_eq!(answer.header("retry-after"), Some("2"));
    let growth = process.peak_memory().saturating_sub(before);
    assert!(growth < 4 * MEMORY, "{} MiB", growth >> 20);

    // Small bodies need no room, and other clients have some.
    process.client.chat("hi").await.assert_ok();
    let question = json!({ "message": "x".repeat(2 * MIB) });
    let large = process.client.json_request("/api/chat", &question);
    process.client.send(large.header("x-forwarded-for", "192.0.2.2")).await.assert_ok();

    drop(unfinished);
    let question = json!({ "message": "x".repeat(7 * MIB) });
    wait_until("room for the same client", async || {
        let large = process.client.json_request("/api/chat", &question);
        (process.client.send(large.header("x-forwarded-for", "192.0.2.1")).await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_was_sent_quickly_is_no_time_for_a_later_pause() {
    let service = TestSetup::new().with("BODY_TIMEOUT", "200ms").start().await;
    let started = Instant::now();
    let mut wire = begin(service.address(), "192.0.2.1", 8 * MIB).await;
    RawAnswer::parse(&wire.response().await).assert_error(408, "body_timeout");
    assert!(started.elapsed() < Duration::from_secs(20), "the operation took {:?}", started.elapsed());
}

#[tokio::test]
async fn more_than_ten_thousand_files_are_refused() {
    let service = TestSetup::new().start().await;
    let files = vec![json!({ "content": "" }); 10_001];
    let answer = service.client.post("/api/chat", &json!({ "message": "hello", "attached_files": files })).await;
    answer.assert_error(400, "invalid_request");
    assert_eq!(answer.json()["error"], "attached_files must be a list of at most 10000 items");
}
