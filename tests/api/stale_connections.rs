//! Pooled connections to the model that its server closes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::sleep,
};

use crate::{
    fakes::byte_server::ByteServer,
    support::service::{Service, TestSetup},
};

/// The way in which a server closes a connection on which it has answered once, without announcing it.
#[derive(Clone, Copy, Debug)]
enum Closing {
    /// Closes the connection after the response.
    WithTheAnswer,
    /// Resets the connection after the response.
    WithTheAnswerByReset,
    /// Closes the connection when the next request has arrived.
    OnRequest,
    /// Resets the connection when the next request has arrived.
    OnRequestByReset,
    /// Closes the connection before the next request has arrived completely.
    InRequest,
    /// Closes the connection this long after the next request has arrived.
    After(Duration),
    /// Closes new connections, too, when their first request has arrived.
    Immediate,
}

/// Starts a model server that closes connections in this way. Also returns the count of its requests.
async fn start_model(closing: Closing) -> (ByteServer, Arc<AtomicUsize>) {
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    let server = ByteServer::start(move |stream| serve(stream, closing, Arc::clone(&counted))).await;
    (server, requests)
}

async fn serve(mut stream: TcpStream, closing: Closing, requests: Arc<AtomicUsize>) {
    if let Some(request) = read_request(&mut stream).await
        && !matches!(closing, Closing::Immediate)
    {
        requests.fetch_add(1, Relaxed);
        let _ = stream.write_all(answer(&request).as_bytes()).await;
    } else {
        requests.fetch_add(1, Relaxed);
        return;
    }
    match closing {
        Closing::WithTheAnswer | Closing::Immediate => return,
        Closing::WithTheAnswerByReset => {}
        Closing::InRequest => drop(stream.read_u8().await),
        Closing::OnRequest | Closing::OnRequestByReset | Closing::After(_) => {
            if read_request(&mut stream).await.is_some() {
                requests.fetch_add(1, Relaxed);
            }
        }
    }
    match closing {
        Closing::WithTheAnswerByReset | Closing::OnRequestByReset => stream.set_zero_linger().expect("a reset"),
        Closing::After(pause) => sleep(pause).await,
        _ => {}
    }
}

/// Reads a whole request; returns `None` if the client has closed the connection.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.to_ascii_lowercase().lines().find_map(|line| {
                line.strip_prefix("content-length:").map(|length| length.trim().parse::<usize>().expect("a length"))
            });
            if body.len() >= length.unwrap_or(0) {
                return Some(text.into_owned());
            }
        }
        if stream.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
    }
}

fn answer(request: &str) -> String {
    if request.contains("\"stream\":true") {
        let delta = json!({ "choices": [{ "delta": { "content": "Hi" }, "finish_reason": "stop" }] });
        let body = format!("data: {delta}\n\ndata: [DONE]\n\n");
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        return format!("{head}{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    }
    let body = json!({ "choices": [{ "message": { "content": "Hi" }, "finish_reason": "stop" }] }).to_string();
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")
}

async fn start_with_clock(model: &ByteServer) -> (TestSetup, Service) {
    let base = format!("http://{}/v1", model.address);
    let setup = TestSetup::new().with("OPENAI_BASE_URL", &base).with("OPENAI_API_KEY", "sk-local");
    let setup = setup.with("MODEL_RETRIES", "0");
    let service = setup.start().await;
    (setup, service)
}

/// Runs rounds of turns, sequentially or concurrently, and returns how many failed.
async fn failures(service: &Service, rounds: usize, at_once: usize, stream: bool) -> usize {
    let mut failed = 0;
    for _ in 0..rounds {
        let turns = (0..at_once).map(async |_| {
            let request = service.client.json_request("/api/chat", &json!({ "message": "hi", "stream": stream }));
            let answer = service.client.send(request).await;
            answer.status == 200 && (!stream || answer.text.contains("event: done"))
        });
        let answered = futures_util::future::join_all(turns).await;
        failed += answered.iter().filter(|answered| !**answered).count();
    }
    failed
}

#[tokio::test]
async fn a_closed_pooled_connection_fails_no_turn() {
    for closing in [
        Closing::WithTheAnswer,
        Closing::WithTheAnswerByReset,
        Closing::InRequest,
        Closing::OnRequest,
        Closing::OnRequestByReset,
    ] {
        let (model, _) = start_model(closing).await;
        let (setup, service) = start_with_clock(&model).await;
        for (at_once, stream) in [(1, false), (1, true), (4, false), (4, true)] {
            assert_eq!(failures(&service, 20, at_once, stream).await, 0, "{closing:?}, {at_once} at once, {stream}");
        }
        let lines = setup.log_lines("chat");
        assert_eq!(lines.len(), 200);
        assert!(
            lines.iter().all(|line| line["attempts"] == 1),
            "a request on a closed connection counts as an attempt"
        );
    }
}

#[tokio::test]
async fn a_new_connection_that_is_closed_is_a_failed_attempt() {
    let (model, requests) = start_model(Closing::Immediate).await;
    let (_setup, service) = start_with_clock(&model).await;
    for turn in 1..=3 {
        service.client.chat("hi").await.assert_error(502, "model_connection_lost");
        assert_eq!(requests.load(Relaxed), turn);
    }
}

#[tokio::test]
async fn a_connection_closed_long_after_the_request_is_a_failure() {
    let (model, requests) = start_model(Closing::After(Duration::from_millis(1100))).await;
    let (_setup, service) = start_with_clock(&model).await;
    service.client.chat("hi").await.assert_ok();
    service.client.chat("hi").await.assert_error(502, "model_connection_lost");
    assert_eq!(requests.load(Relaxed), 2, "a retry of a request that the model had read");
    service.client.chat("hi").await.assert_ok();
}
