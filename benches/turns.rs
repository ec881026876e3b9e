//! Measures turns with all features on: `cargo bench --bench turns`, or with `-- --quick` for a short run.
//!
//! Loads AL-Chat over loopback in front of the fake model. If nginx is installed, the same requests go through nginx as
//! a plain proxy for comparison. Takes less than a minute and removes its files.
#![expect(clippy::expect_used, reason = "a failed setup ends the bench")]
#![expect(clippy::print_stdout, reason = "its output is a table")]

mod connection;
#[path = "../tests/api/fakes/mod.rs"]
#[allow(unreachable_pub, clippy::needless_pass_by_value, clippy::panic, reason = "written for the tests")]
mod fakes;
mod measured;
#[allow(dead_code, reason = "each bench uses some of it")]
mod server;

use std::{
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};

use bytes::Bytes;
use connection::Connection;
use fakes::model::FakeModel;
use http_body_util::Full;
use hyper::{Request, StatusCode};
use measured::{Measured, micros};
use serde_json::{Value, json};
use server::{Server, cpu_time, logged_turns};
use tokio::{task::JoinSet, time::sleep};

/// The size of each request body in bytes, for all targets.
const BODY: usize = 400;

/// The maximum number of requests in one round.
const ROUND_LIMIT: usize = 40_000;

const AL_CHAT: &str = "al-chat";

/// The extent of the measurement.
struct Plan {
    round: Duration,
    rounds: usize,
    starts: usize,
}

#[tokio::main]
async fn main() {
    let arguments = std::env::args().collect::<Vec<_>>();
    let has = |wanted: &str| arguments.iter().any(|argument| argument == wanted);
    // `cargo test` runs this without `--bench`, to check that it works.
    let quick = has("--quick") || !has("--bench");
    let plan = if quick {
        Plan { round: Duration::from_millis(250), rounds: 2, starts: 2 }
    } else {
        Plan { round: Duration::from_secs(1), rounds: 5, starts: 7 }
    };

    let dir = tempfile::tempdir().expect("a folder");
    let model = FakeModel::start().await.without_recording();
    print_starts(dir.path(), &model, plan.starts).await;

    let mut chat = Server::al_chat(dir.path(), &model).await;
    sleep(Duration::from_secs(1)).await;
    let idle = chat.memory("VmRSS");
    let mut nginx = Server::nginx(dir.path(), &model).await;
    if nginx.is_none() {
        println!("nginx: left out, for there is none here");
    }

    let mut turns = 0;
    for concurrency in [1, 8, 64] {
        let mut targets = vec![Target::of_model(&model, concurrency).await, Target::of_chat(&chat, concurrency).await];
        if let Some(nginx) = &nginx {
            targets.push(Target::of_nginx(nginx, concurrency).await);
        }
        turns += measure(&mut targets, &plan).await;
        print_load(&targets, concurrency);
    }
    println!("memory: {idle:.1} MiB idle, {:.1} MiB at the most", chat.memory("VmHWM"));

    chat.stop().await;
    if let Some(nginx) = &mut nginx {
        nginx.stop().await;
    }
    let logged = logged_turns(dir.path()).len();
    println!("session log: {logged} of {turns} turns");
    assert_eq!(logged, turns, "every answered turn is in the session log");
    print_beside_an_abuser(&model).await;
}

/// Measures 100 visitors behind one address, alone and beside an abuser at another one who sends at 100 times their limit.
async fn print_beside_an_abuser(model: &FakeModel) {
    /// Each visitor asks so often in a round: in four rounds, as often as a visitor may in a minute.
    const TURNS: usize = 5;
    /// The refusals of the abuser that are measured without the visitors.
    const REFUSALS: usize = 2000;
    /// The pause of the abuser, who may ask 20 times a minute.
    const PAUSE: Duration = Duration::from_millis(30);

    let (dir, url) = (tempfile::tempdir().expect("a folder"), model.base_url());
    let settings = [
        ("OPENAI_BASE_URL", url.as_str()),
        ("OPENAI_API_KEY", "sk-bench"),
        ("PROXIES", "1"),
        ("LIMIT_VISITOR", "20/minute"),
        ("LIMIT_ADDRESS", "2000/minute"),
    ];
    let mut chat = Server::al_chat_with(dir.path(), &settings).await;
    let mut visitors = Target::behind_proxy(&chat, 100, "192.0.2.1").await;
    let mut abuser = Target::behind_proxy(&chat, 1, "192.0.2.2").await.lanes.remove(0);
    let (mut alone, mut beside) = (Measured::default(), Measured::default());
    for _ in 0..2 {
        alone.add(visitors.ask(TURNS).await);
        let abuse = async {
            loop {
                let (status, _) = abuser.send().await;
                assert!(matches!(status, StatusCode::OK | StatusCode::TOO_MANY_REQUESTS), "{status}");
                sleep(PAUSE).await;
            }
        };
        tokio::select! {
            measured = visitors.ask(TURNS) => beside.add(measured),
            () = abuse => {}
        }
        // The request that was cut off has left its connection in the middle of a response.
        abuser.connection = Connection::open(chat.address).await.expect("a connection");
    }
    println!("100 visitors behind one address, and an abuser at another one at 100 times the limit:");
    for (name, measured) in [("alone", &alone), ("beside", &beside)] {
        measured.print(name, &alone);
    }
    let mut refused = Measured::default();
    while refused.latencies.len() < REFUSALS {
        let sent = Instant::now();
        if abuser.send().await.0 == StatusCode::TOO_MANY_REQUESTS {
            refused.latencies.push(sent.elapsed());
        }
    }
    refused.latencies.sort_unstable();
    let [p50, p99] = [0.5, 0.99].map(|part| refused.percentile(part));
    println!("  refusals, one after the other: p50 {p50:.0} µs   p99 {p99:.0} µs");
    chat.stop().await;
}

/// Measures several starts of the program; the first creates the database.
async fn print_starts(dir: &Path, model: &FakeModel, starts: usize) {
    let mut times = Vec::new();
    for _ in 0..starts {
        let mut chat = Server::al_chat(dir, model).await;
        times.push(micros(chat.start_time) / 1e3);
        chat.stop().await;
    }
    let first = times.remove(0);
    times.sort_by(f64::total_cmp);
    println!("start: {first:.0} ms with a new database, {:.0} ms later (median)", times[times.len() / 2]);
}

/// Runs the rounds of all targets in alternation, so that other load on the machine affects all targets alike. Returns
/// the number of turns.
async fn measure(targets: &mut [Target], plan: &Plan) -> usize {
    let mut turns = 0;
    // The first of these rounds is a warm-up.
    for round in 0..=plan.rounds {
        for target in &mut *targets {
            let measured = target.load(plan.round).await;
            turns += if target.name == AL_CHAT { measured.latencies.len() } else { 0 };
            if round > 0 {
                target.measured.add(measured);
            }
        }
    }
    turns
}

fn print_load(targets: &[Target], concurrency: usize) {
    println!("concurrency {concurrency}:");
    let direct = &targets[0].measured;
    for Target { name, measured, .. } in targets {
        measured.print(name, direct);
    }
    if let [_, chat, nginx] = targets {
        let ratio = |of: &dyn Fn(&Measured) -> f64| of(&chat.measured) / of(&nginx.measured);
        let cpu = ratio(&|it| it.cpu_each().unwrap_or(f64::NAN));
        let added = ratio(&|it| it.percentile(0.5) - direct.percentile(0.5));
        println!("  al-chat / nginx: {cpu:.1} times the CPU, {added:.1} times the added p50");
    }
}

/// A server under load: the model itself, or a server in front of it.
struct Target {
    name: &'static str,
    /// The process whose CPU time is measured.
    process: Option<u32>,
    lanes: Vec<Lane>,
    measured: Measured,
}

impl Target {
    async fn of_model(model: &FakeModel, concurrency: usize) -> Self {
        let url = model.base_url();
        let address = url.trim_start_matches("http://").trim_end_matches("/v1");
        Self::completions("direct", None, address.parse().expect("an address of the fake"), concurrency).await
    }

    async fn of_nginx(nginx: &Server, concurrency: usize) -> Self {
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
    async fn of_chat(chat: &Server, concurrency: usize) -> Self {
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

    /// Starts a session for each lane, all at one address behind a proxy.
    async fn behind_proxy(chat: &Server, concurrency: usize, address: &'static str) -> Self {
        let mut this = Self::of_chat(chat, concurrency).await;
        for lane in &mut this.lanes {
            lane.forwarded_for = Some(address);
        }
        this
    }

    /// Sends requests on all lanes, each after the previous response, until the time is over.
    async fn load(&mut self, time: Duration) -> Measured {
        self.send(ROUND_LIMIT / self.lanes.len(), time).await
    }

    /// Sends so many requests on each lane, each after the previous response.
    async fn ask(&mut self, turns: usize) -> Measured {
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
struct Lane {
    connection: Connection,
    path: &'static str,
    body: Bytes,
    forwarded_for: Option<&'static str>,
}

impl Lane {
    async fn open(address: SocketAddr, path: &'static str, body: Bytes) -> std::io::Result<Self> {
        Ok(Self { connection: Connection::open(address).await?, path, body, forwarded_for: None })
    }

    async fn send(&mut self) -> (StatusCode, Bytes) {
        let mut request = Request::post(self.path);
        if let Some(address) = self.forwarded_for {
            request = request.header("x-forwarded-for", address);
        }
        let request = request.body(Full::new(self.body.clone())).expect("a request");
        let (head, body) = self.connection.send(request).await;
        (head.status, body)
    }
}
