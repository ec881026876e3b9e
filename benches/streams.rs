//! Measures streams with all features on: `cargo bench --bench streams`, or with `-- --quick` for a short run.
//!
//! Sends requests over loopback to AL-Chat in front of the fake model and measures three things: the added latency of
//! the first piece, the CPU time of forwarding a piece, and the memory of the maximum number of concurrent streams.
//! Takes about a minute and a half and removes its files.
#![expect(clippy::expect_used, reason = "a failed setup ends the bench")]
#![expect(clippy::print_stdout, reason = "its output is a table")]

#[path = "../tests/api/fakes/mod.rs"]
#[allow(unreachable_pub, clippy::needless_pass_by_value, clippy::panic, reason = "written for the tests")]
mod fakes;
mod measured;
#[allow(dead_code, reason = "each bench uses some of it")]
mod server;

use std::{
    iter,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use fakes::model::{Behaviour, FakeModel, Pace, Script};
use measured::{Measured, micros, number, print_cpu};
use serde_json::{Value, json};
use server::{Server, cpu_time, logged_turns};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{interval, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// The text of each piece.
const WORD: &str = "word ";

/// The bytes of a piece, in AL-Chat's events as well as in the model's chunks, and in nothing else.
const PIECE: &[u8] = br#"{"content":"word "}"#;

/// The end of a chunked body, after the end of the chunk before it.
const END: &[u8] = b"\r\n0\r\n\r\n";

/// The number of pieces of a short answer.
const SHORT: usize = 8;

/// The number of pieces of a long answer.
const LONG: usize = 2000;

/// The number of concurrent readers of long answers.
const READERS: usize = 8;

/// The maximum number of answers in one round.
const ROUND_LIMIT: usize = 40_000;

/// The pause of a slow model before each piece.
const PAUSE: Duration = Duration::from_millis(300);

/// The maximum memory of a process with all streams open, in mebibytes.
const MEMORY_LIMIT: f64 = 300.0;

/// The longest time to wait for one event.
const PATIENCE: Duration = Duration::from_secs(20);

const AL_CHAT: &str = "al-chat";

/// The extent of the measurement.
struct Plan {
    round: Duration,
    rounds: usize,
    /// The number of concurrent streams; the default of `MAX_TURNS`.
    streams: usize,
    /// The number of streams opened per second.
    rate: usize,
    /// The time for which all streams are read at once.
    hold: Duration,
}

impl Plan {
    /// Returns the number of words of a stream that outlasts the opening and holding of all streams, even at half the
    /// rate.
    fn words(&self) -> usize {
        let opening = self.streams / self.rate * 2 + 1;
        let time = Duration::from_secs(opening as u64) + self.hold;
        usize::try_from(time.as_millis() / PAUSE.as_millis()).expect("a bounded run")
    }
}

#[tokio::main]
async fn main() {
    let arguments = std::env::args().collect::<Vec<_>>();
    let has = |wanted: &str| arguments.iter().any(|argument| argument == wanted);
    // `cargo test` runs this without `--bench`, to check that it works.
    let quick = has("--quick") || !has("--bench");
    let plan = if quick {
        Plan { round: Duration::from_millis(250), rounds: 2, streams: 500, rate: 500, hold: Duration::from_secs(2) }
    } else {
        Plan { round: Duration::from_secs(1), rounds: 5, streams: 5000, rate: 500, hold: Duration::from_secs(10) }
    };
    // This process holds both ends of each stream, the reader's and the model's.
    rlimit::increase_nofile_limit(u64::MAX).expect("a higher limit of open files");

    let dir = tempfile::tempdir().expect("a folder");
    let model = FakeModel::start().await.without_recording();
    let mut told = Vec::new();

    let mut chat = Server::al_chat(dir.path(), &model).await;
    model.set_behaviour(story(SHORT, Pace::Immediate));
    for concurrency in [1, 32] {
        let mut targets = both(&model, &chat, concurrency).await;
        told.extend(measure(&mut targets, &plan, SHORT).await);
        print_first_words(&targets, concurrency);
    }
    model.set_behaviour(story(LONG, Pace::Immediate));
    let mut targets = both(&model, &chat, READERS).await;
    told.extend(measure(&mut targets, &plan, LONG).await);
    print_throughput(&targets);
    drop(targets);
    println!("memory: {:.1} MiB at the most", chat.memory("VmHWM"));
    chat.stop().await;

    told.extend(hold_open(dir.path(), &model, &plan).await);

    let mut logged = logged_turns(dir.path());
    println!("session log: {} of {} turns", logged.len(), told.len());
    told.sort_unstable();
    logged.sort_unstable();
    assert!(logged == told, "every turn is in the session log, and exactly once");
}

fn story(words: usize, pace: Pace) -> Behaviour {
    let pieces = iter::repeat_n(WORD.to_owned(), words).collect();
    Behaviour::Stream(Script { pieces, pace, ..Script::default() })
}

/// Runs the rounds of all targets in alternation, so that other load on the machine affects all targets alike. Returns
/// the request IDs of the turns.
async fn measure(targets: &mut [Target], plan: &Plan, words: usize) -> Vec<String> {
    let mut turns = Vec::new();
    // The first of these rounds is a warm-up.
    for round in 0..=plan.rounds {
        for target in &mut *targets {
            let (measured, mut taken) = target.load(plan.round, words).await;
            turns.append(&mut taken);
            if round > 0 {
                target.measured.add(measured);
            }
        }
    }
    turns
}

fn print_first_words(targets: &[Target], concurrency: usize) {
    println!("first word of {SHORT}, concurrency {concurrency}:");
    let direct = &targets[0].measured;
    for Target { name, measured, .. } in targets {
        measured.print(name, direct);
    }
}

fn print_throughput(targets: &[Target]) {
    println!("answers of {LONG} words, {READERS} readers:");
    for Target { name, measured, .. } in targets {
        print!("  {name:8} {:7.0} words/s", measured.rate() * number(LONG));
        print_cpu(measured.cpu_each().map(|cpu| cpu / number(LONG)));
    }
}

/// Opens all streams to a new process and holds them open. Then half of the readers disconnect, and the others read to
/// the end. Returns the request IDs of the turns.
async fn hold_open(dir: &Path, model: &FakeModel, plan: &Plan) -> Vec<String> {
    let words = plan.words();
    model.set_behaviour(story(words, Pace::Every(PAUSE)));
    let mut chat = Server::al_chat(dir, model).await;
    sleep(Duration::from_secs(1)).await;
    let (before, cpu_at_start) = (chat.memory("VmRSS"), cpu_time(chat.id()));

    let heard: Arc<[AtomicUsize]> = (0..plan.streams).map(|_| AtomicUsize::new(0)).collect();
    let heard_now = || heard.iter().map(|words| words.load(Relaxed)).collect::<Vec<_>>();
    let leave = CancellationToken::new();
    let mut readers = JoinSet::new();
    let mut pace = interval(Duration::from_secs(1) / u32::try_from(plan.rate).expect("a bounded run"));
    for number in 0..plan.streams {
        pace.tick().await;
        let (address, heard) = (chat.address, Arc::clone(&heard));
        let stays = number % 2 == 0;
        let leave = leave.clone();
        readers.spawn(async move {
            let mut lane = Lane::of_chat(address).await;
            let turn = lane.begin().await;
            let reading = lane.read(|words| heard[number].store(words, Relaxed));
            let read = tokio::select! {
                read = reading => Some(read),
                () = leave.cancelled(), if !stays => None,
            };
            assert!(read.is_none_or(|read| read == words), "{read:?} of {words} words");
            turn
        });
    }
    let all_heard = async {
        while heard_now().contains(&0) {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, all_heard).await.expect("each stream starts");

    let (heard_before, cpu_before, watched) = (heard_now(), cpu_time(chat.id()), Instant::now());
    sleep(plan.hold).await;
    let (heard_after, cpu, time) = (heard_now(), cpu_time(chat.id()).saturating_sub(cpu_before), watched.elapsed());
    let open = chat.memory("VmRSS");
    assert_eq!(model.open_responses(), plan.streams, "all streams are open");
    let news = heard_after.iter().zip(&heard_before).map(|(after, before)| after - before).collect::<Vec<_>>();
    assert!(!news.contains(&0), "each stream delivers");

    leave.cancel();
    let mut turns = readers.join_all().await;
    // Abandoned turns continue for a while; the service waits for them before it exits.
    let highest = chat.memory("VmHWM");
    let cpu_of_all = cpu_time(chat.id()).saturating_sub(cpu_at_start);
    chat.stop().await;
    turns.retain(|turn| !turn.is_empty());
    assert_eq!(turns.len(), plan.streams, "no turn was rejected");

    let delivered = number(news.iter().sum());
    println!("{} streams open at once, a word every {} ms:", plan.streams, PAUSE.as_millis());
    println!("  memory   {before:.1} MiB before, {open:.1} MiB with all open, {highest:.1} MiB at the most");
    println!("           {:.1} KiB a stream", (open - before) * 1024.0 / number(plan.streams));
    println!(
        "  words    {:.0}/s delivered   CPU {:.1} % of a core, {:.1} µs each",
        delivered / time.as_secs_f64(),
        cpu.as_secs_f64() / time.as_secs_f64() * 100.0,
        micros(cpu) / delivered,
    );
    println!("  CPU      {:.0} µs a stream of up to {words} words", micros(cpu_of_all) / number(plan.streams));
    assert!(highest < MEMORY_LIMIT, "{highest:.1} MiB are more than {MEMORY_LIMIT} MiB");
    turns
}

/// A server under load: the model itself, or AL-Chat in front of it.
struct Target {
    name: &'static str,
    /// The process whose CPU time is measured.
    process: Option<u32>,
    lanes: Vec<Lane>,
    measured: Measured,
}

async fn both(model: &FakeModel, chat: &Server, concurrency: usize) -> [Target; 2] {
    let (mut direct, mut through) = (Vec::new(), Vec::new());
    for _ in 0..concurrency {
        direct.push(Lane::of_model(model.address()).await);
        through.push(Lane::of_chat(chat.address).await);
    }
    [
        Target { name: "direct", process: None, lanes: direct, measured: Measured::default() },
        Target { name: AL_CHAT, process: Some(chat.id()), lanes: through, measured: Measured::default() },
    ]
}

impl Target {
    /// Sends requests on all lanes, each after the end of the previous response, until the time is over. A latency is
    /// the time until the first word. Also returns the request IDs that AL-Chat assigned.
    async fn load(&mut self, time: Duration, words: usize) -> (Measured, Vec<String>) {
        let most = ROUND_LIMIT / self.lanes.len();
        let cpu_before = self.process.map(cpu_time);
        let started = Instant::now();
        let mut running = JoinSet::new();
        for mut lane in self.lanes.drain(..) {
            running.spawn(async move {
                let (mut first_words, mut turns) = (Vec::new(), Vec::new());
                while first_words.len() < most && started.elapsed() < time {
                    let asked = Instant::now();
                    let turn = lane.begin().await;
                    let mut first_word = None;
                    let read = lane.read(|words| {
                        if words > 0 {
                            first_word.get_or_insert_with(|| asked.elapsed());
                        }
                    });
                    assert_eq!(read.await, words, "an answer with words");
                    first_words.extend(first_word);
                    turns.extend(Some(turn).filter(|turn| !turn.is_empty()));
                }
                (lane, first_words, turns)
            });
        }
        let (mut measured, mut turns) = (Measured::default(), Vec::new());
        for (lane, first_words, taken) in running.join_all().await {
            self.lanes.push(lane);
            measured.latencies.extend(first_words);
            turns.extend(taken);
        }
        measured.time = started.elapsed();
        measured.cpu = self.process.map(cpu_time).zip(cpu_before).map(|(after, before)| after.saturating_sub(before));
        (measured, turns)
    }
}

/// A kept-alive connection and its request. It parses only the pieces of a response, so that thousands of lanes leave
/// the CPU to the server.
struct Lane {
    stream: TcpStream,
    question: Vec<u8>,
    /// The received bytes that are not parsed yet.
    bytes: Vec<u8>,
}

impl Lane {
    async fn of_model(address: SocketAddr) -> Self {
        let messages = [json!({"role": "user", "content": WORD.repeat(SHORT)})];
        let body = json!({"model": "gpt-4o-mini", "stream": true, "messages": messages});
        let question = post(address, "/v1/chat/completions", &body);
        Self { stream: connect(address).await, question, bytes: Vec::new() }
    }

    /// Opens a connection with a session of its own.
    async fn of_chat(address: SocketAddr) -> Self {
        let mut this = Self { stream: connect(address).await, question: Vec::new(), bytes: Vec::new() };
        this.question = post(address, "/api/session/start", &json!({}));
        this.begin().await;
        while !this.bytes.ends_with(b"}\n") {
            this.receive().await;
        }
        let started: Value = serde_json::from_slice(&this.bytes).expect("a session");
        let body = json!({
            "message": WORD.repeat(SHORT), "sessionId": started["session_id"], "username": "ada", "isGuest": false,
            "history": [], "stream": true,
        });
        this.question = post(address, "/api/chat", &body);
        this
    }

    /// Sends a request and reads the head of the response. Returns the request ID if there is one.
    async fn begin(&mut self) -> String {
        self.bytes.clear();
        self.stream.write_all(&self.question).await.expect("a listener");
        let end = loop {
            self.receive().await;
            if let Some(end) = self.bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
        };
        let head = String::from_utf8(self.bytes.drain(..end).collect()).expect("a head");
        assert!(head.starts_with("HTTP/1.1 200"), "{head}{}", String::from_utf8_lossy(&self.bytes));
        let id = head.lines().find_map(|line| line.strip_prefix("x-request-id: "));
        id.unwrap_or_default().to_owned()
    }

    /// Reads to the end and passes the number of pieces so far to the callback after each read. Returns the number of
    /// pieces.
    async fn read(&mut self, mut heard: impl FnMut(usize)) -> usize {
        let mut pieces = 0;
        loop {
            pieces += self.bytes.windows(PIECE.len()).filter(|window| *window == PIECE).count();
            heard(pieces);
            if self.bytes.ends_with(END) {
                return pieces;
            }
            // The last bytes may be the start of a piece or of the end.
            self.bytes.drain(..self.bytes.len().saturating_sub(PIECE.len() - 1));
            self.receive().await;
        }
    }

    async fn receive(&mut self) {
        let read = self.stream.read_buf(&mut self.bytes).await.expect("an answer");
        assert!(read > 0, "the connection ended within a response");
    }
}

async fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("a connection without delay");
    stream
}

fn post(address: SocketAddr, path: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
