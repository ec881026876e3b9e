//! Targets of the load: the model, AL-Chat in front of it, or nginx; with their connections.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    connection::Connection,
    fakes::model::FakeModel,
    measured::Measured,
    server::{Server, cpu_time},
};

/// The size of each request body in bytes, for all targets.
const BODY: usize = 400;

/// The maximum number of requests in one round.
const ROUND_LIMIT: usize = 40_000;

/// The name of AL-Chat as a target.
pub(crate) const AL_CHAT: &str = "al-chat";

/// The name of AL-Chat by `/v1/chat/completions` as a target.
const IN_OPENAI_FORM: &str = "al-chat /v1";

/// A server under load: the model itself, or a server in front of it.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    /// The process whose CPU time is measured.
    process: Option<u32>,
    pub(crate) lanes: Vec<Lane>,
    pub(crate) measured: Measured,
}

impl Target {
    pub(crate) async fn of_model(model: &FakeModel, concurrency: usize) -> Self {
        let url = model.base_url();
        let address = url.trim_start_matches("http://").trim_end_matches("/v1");
        Self::completions("direct", None, address.parse().expect("an address of the fake"), concurrency).await
    }

    pub(crate) async fn of_nginx(nginx: &Server, concurrency: usize) -> Self {
        Self::completions("nginx", Some(nginx.id()), nginx.address, concurrency).await
    }

    async fn completions(name: &'static str, process: Option<u32>, address: SocketAddr, concurrency: usize) -> Self {
        let body = padded(|text| json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]}));
        let mut lanes = Vec::new();
        for _ in 0..concurrency {
            lanes.push(Lane::open(address, "/v1/chat/completions", body.clone()).await.expect("a connection"));
        }
        Self { name, process, lanes, measured: Measured::default() }
    }

    /// Starts a session for each lane, which all turns of the lane name.
    pub(crate) async fn of_chat(chat: &Server, concurrency: usize) -> Self {
        let mut lanes = Vec::new();
        for _ in 0..concurrency {
            let mut lane = Lane::open(chat.address, "/api/session/start", Bytes::new()).await.expect("a connection");
            let started: Value = serde_json::from_slice(&lane.send().await.1).expect("a session");
            let session = started["session_id"].as_str().expect("a session's id");
            lane.path = "/api/chat";
            lane.body = padded(
                |text| json!({"message": text, "sessionId": session, "username": "ada", "isGuest": false, "history": []}),
            );
            lanes.push(lane);
        }
        Self { name: AL_CHAT, process: Some(chat.id()), lanes, measured: Measured::default() }
    }

    /// Asks by `/v1/chat/completions`, with an API key.
    pub(crate) async fn in_openai_form(chat: &Server, concurrency: usize, key: &str) -> Self {
        let mut this = Self::completions(IN_OPENAI_FORM, Some(chat.id()), chat.address, concurrency).await;
        for lane in &mut this.lanes {
            lane.bearer = Some(key.to_owned());
        }
        this
    }

    /// Asks for streams from now on.
    pub(crate) fn ask_for_streams(&mut self) {
        for lane in &mut self.lanes {
            let mut body: Value = serde_json::from_slice(&lane.body).expect("a body");
            body["stream"] = true.into();
            lane.body = Bytes::from(body.to_string());
        }
    }

    /// Starts a session for each lane, all at one address behind a proxy.
    pub(crate) async fn behind_proxy(chat: &Server, concurrency: usize, address: &'static str) -> Self {
        let mut this = Self::of_chat(chat, concurrency).await;
        for lane in &mut this.lanes {
            lane.forwarded_for = Some(address);
        }
        this
    }

    /// Sends requests on all lanes, each after the previous response, until the time is over.
    pub(crate) async fn load(&mut self, time: Duration) -> Measured {
        self.send(ROUND_LIMIT / self.lanes.len(), time).await
    }

    /// Sends so many requests on each lane, each after the previous response.
    pub(crate) async fn ask(&mut self, turns: usize) -> Measured {
        self.send(turns, Duration::MAX).await
    }

    async fn send(&mut self, most: usize, time: Duration) -> Measured {
        let cpu_before = self.process.map(cpu_time);
        let started = Instant::now();
        let mut running = JoinSet::new();
        for mut lane in self.lanes.drain(..) {
            running.spawn(async move {
                let mut latencies = Vec::new();
                while latencies.len() < most && started.elapsed() < time {
                    let sent = Instant::now();
                    let (status, body) = lane.send().await;
                    latencies.push(sent.elapsed());
                    assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
                }
                (lane, latencies)
            });
        }
        let (lanes, latencies): (Vec<_>, Vec<_>) = running.join_all().await.into_iter().unzip();
        self.lanes = lanes;
        let time = started.elapsed();
        let cpu = self.process.map(cpu_time).zip(cpu_before).map(|(after, before)| after.saturating_sub(before));
        Measured { latencies: latencies.concat(), time, cpu }
    }
}

/// Returns a body of `BODY` bytes, filled up by the text in it.
fn padded(body: impl Fn(&str) -> Value) -> Bytes {
    let frame = body("").to_string().len();
    Bytes::from(body(&"word ".repeat(BODY)[..BODY - frame]).to_string())
}

/// A connection and the request that is sent on it.
pub(crate) struct Lane {
    pub(crate) connection: Connection,
    path: &'static str,
    body: Bytes,
    forwarded_for: Option<&'static str>,
    bearer: Option<String>,
}

impl Lane {
    async fn open(address: SocketAddr, path: &'static str, body: Bytes) -> std::io::Result<Self> {
        Ok(Self { connection: Connection::open(address).await?, path, body, forwarded_for: None, bearer: None })
    }

    pub(crate) async fn send(&mut self) -> (StatusCode, Bytes) {
        let mut request = Request::post(self.path);
        if let Some(address) = self.forwarded_for {
            request = request.header("x-forwarded-for", address);
        }
        if let Some(bearer) = &self.bearer {
            request = request.header("authorization", format!("Bearer {bearer}"));
        }
        let request = request.body(Full::new(self.body.clone())).expect("a request");
        let (head, body) = self.connection.send(request).await;
        (head.status, body)
    }
}
