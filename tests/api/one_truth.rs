//! The log, the database, the metrics and the usage totals have the turns that clients got, after any workload with faults.

use std::fs;

use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, TestRunner},
};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::{
    client_tally::ClientTally,
    fakes::model::{Behaviour, Ending, FakeModel, Gate, Pace, PieceGate, Reply, Script},
    interrupted_streams::wait_for_records,
    log_reconcile::{reconcile, refused},
    postgres::cluster::Cluster,
    support::{
        events::Events,
        file_limit::limit_file_size,
        service::{Process, TEST_TIMEOUT, TestSetup, day_file, wait_until},
        user::User,
    },
};

/// The environment variable with the number of random workloads.
const ROUNDS: &str = "AL_CHAT_TEST_ROUNDS";

/// Settings with which streams without a reader end soon.
const SETTINGS: [(&str, &str); 4] = [
    ("MODEL_RETRIES", "0"),
    ("RESUME_GRACE", "50ms"),
    ("DATABASE_CONNECT_TIMEOUT", "1s"),
    ("DATABASE_STATEMENT_TIMEOUT", "1s"),
];

/// The tokens of a turn that waits for the model: this repeats the one word of the question.
const HELD_TOKENS: u64 = 2;

/// A part of a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// This many whole turns at once.
    Whole(u8),
    Streamed,
    /// A stream that its client stops.
    Stopped,
    /// A stream whose client leaves.
    Abandoned,
    /// A stream that is read to its end by a second client.
    Resumed,
    FailedModel,
    /// Two requests with one `Idempotency-Key`.
    Repeated,
    /// A session with this many turns, stopped or not.
    Session(u8, bool),
    /// A turn in a stored chat.
    Stored,
    /// Turns whose lines cannot be written: the folder is blocked, or the files may not grow.
    Refused {
        by_limit: bool,
    },
    /// The process is killed while whole turns, and a stream of more than a second, are running.
    Killed {
        with_stream: bool,
    },
    /// The process stops in order.
    Restarted,
    /// The database's server is killed while turns are running; on SQLite, its file is locked.
    DatabaseAway,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1_u8..6).prop_map(Step::Whole),
        Just(Step::Streamed),
        Just(Step::Stopped),
        Just(Step::Abandoned),
        Just(Step::Resumed),
        Just(Step::FailedModel),
        Just(Step::Repeated),
        (0_u8..4, any::<bool>()).prop_map(|(turns, stops)| Step::Session(turns, stops)),
        Just(Step::Stored),
        any::<bool>().prop_map(|by_limit| Step::Refused { by_limit }),
        any::<bool>().prop_map(|with_stream| Step::Killed { with_stream }),
        Just(Step::Restarted),
        Just(Step::DatabaseAway),
    ]
}

/// Returns random workloads, as many as the environment says.
fn workloads() -> Vec<Vec<Step>> {
    #[expect(clippy::disallowed_methods, reason = "a setting of the tests, not of the service")]
    let rounds = std::env::var(ROUNDS).ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(2);
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let steps = prop::collection::vec(step(), 10..14);
    (0..rounds).map(|_| steps.new_tree(&mut runner).expect("a workload").current()).collect()
}

/// A service under a workload.
struct Workload<'a> {
    model: FakeModel,
    setup: TestSetup,
    process: Process,
    ada: User,
    chat: i64,
    keys: u32,
    cluster: Option<&'a mut Cluster>,
    /// What clients got.
    tally: ClientTally,
}

impl<'a> Workload<'a> {
    async fn start(cluster: Option<&'a mut Cluster>) -> Self {
        let model = FakeModel::start().await.without_recording();
        let setup = TestSetup::for_model(&model).with_all(&SETTINGS);
        let setup = match &cluster {
            Some(cluster) => setup.with("DATABASE_URL", cluster.database().as_str()),
            None => setup.on_sqlite(),
        };
        let process = setup.start_process_ignoring("XFSZ").await;
        let ada = User::register(&process.client, "ada").await;
        let chat = ada.create_chat().await;
        Self { model, setup, process, ada, chat, keys: 0, cluster, tally: ClientTally::default() }
    }

    async fn run(&mut self, step: Step) {
        let client = self.process.client.clone();
        match step {
            Step::Whole(turns) => self.whole_turns(turns).await,
            Step::Streamed => self.read_to_end(client.stream_chat("hello").await).await,
            Step::Stopped => {
                let events = self.open_stream().await;
                let path = format!("/api/chat/{}/stop", events.request_id());
                client.send(client.request(Method::POST, &path)).await;
                self.read_to_end(events).await;
            }
            Step::Abandoned => self.abandon().await,
            Step::Resumed => {
                let gate = PieceGate::new();
                self.model.behave_once(stream(&["One ", "two "], Pace::Gated(gate.clone()), Ending::Done));
                gate.release(1);
                let mut events = client.stream_chat("count").await;
                events.read_deltas(1).await;
                let resumed = client.resume(&events.request_id(), None).await;
                drop(events);
                gate.open();
                self.read_to_end(resumed).await;
            }
            Step::FailedModel => {
                self.model.behave_once(refused());
                self.send(client.json_request("/api/chat", &json!({"message": "lost"}))).await;
            }
            Step::Repeated => self.repeat().await,
            Step::Session(turns, stops) => self.session(turns, stops).await,
            Step::Stored => self.read_to_end(self.ada.with_client(&client).stream(self.chat, "hello").await).await,
            Step::Refused { by_limit } => self.refuse(by_limit).await,
            Step::Killed { with_stream } => self.kill(with_stream).await,
            Step::Restarted => {
                self.process.terminate();
                assert_eq!(self.process.exit_code().await, Some(0));
                self.process = self.setup.start_process_ignoring("XFSZ").await;
            }
            Step::DatabaseAway => self.take_database_away().await,
        }
    }

    /// Sends turns at once. They may fail, if the process is killed or something cannot be written.
    async fn whole_turns(&self, turns: u8) {
        let turn = || self.send(self.process.client.json_request("/api/chat", &json!({"message": "hello"})));
        futures_util::future::join_all((0..turns).map(|_| turn())).await;
    }

    /// Sends a request for a whole turn.
    async fn send(&self, request: RequestBuilder) {
        self.tally.add(self.process.client.try_send(request).await);
    }

    async fn read_to_end(&self, events: Events) {
        self.tally.add_end(&events.text_and_end().await.1);
    }

    /// Opens a stream that does not end, and reads its first words.
    async fn open_stream(&self) -> Events {
        self.model.behave_once(stream(&["One ", "two "], Pace::Immediate, Ending::Stall));
        let mut events = self.process.client.stream_chat("count").await;
        events.read_deltas(2).await;
        events
    }

    async fn abandon(&self) {
        let events = self.open_stream().await;
        let id = events.request_id();
        drop(events);
        self.tally.add_broken();
        let is_logged = || self.setup.log_lines("chat").iter().any(|line| line["request_id"] == id.as_str());
        wait_until("the line", async || is_logged().then_some(())).await;
    }

    async fn repeat(&mut self) {
        self.keys += 1;
        let (client, key) = (&self.process.client, format!("key-{}", self.keys));
        for _ in 0..2 {
            let request = client.json_request("/api/chat", &json!({"message": "once"}));
            self.send(request.header("idempotency-key", &key)).await;
        }
    }

    async fn session(&self, turns: u8, stops: bool) {
        let client = &self.process.client;
        let session = client.post("/api/session/start", &json!({})).await.json()["session_id"].clone();
        for _ in 0..turns {
            let body = json!({"message": "hello", "session_id": session});
            self.send(client.json_request("/api/chat", &body)).await;
        }
        if stops {
            client.post("/api/session/stop", &json!({"session_id": session})).await;
        }
    }

    /// Sends turns, and calls a function when all of them wait for the model. They are answered after that.
    async fn turns_around(&self, turns: u8, change: impl AsyncFnOnce()) {
        let (gate, calls) = (Gate::new(), self.model.call_count() + usize::from(turns));
        self.model.set_behaviour(Behaviour::Held(gate.clone()));
        let changing = async {
            self.model.wait_for_calls(calls).await;
            change().await;
            gate.open();
        };
        tokio::join!(self.whole_turns(turns), changing);
        self.model.set_behaviour(Behaviour::Answer(Reply::default()));
    }

    /// Lets turns answer while their lines cannot be written.
    async fn refuse(&self, by_limit: bool) {
        let id = self.process.child.id().expect("a running process");
        let refuse = async || {
            if by_limit {
                limit_file_size(id, Some(fs::metadata(day_file(&self.setup.log_dir())).expect("a log").len()));
            } else {
                self.setup.block_log();
            }
        };
        self.turns_around(2, refuse).await;
        if by_limit {
            limit_file_size(id, None);
        } else {
            self.setup.unblock_log();
        }
        self.process.client.wait_for_readiness(200).await;
    }

    async fn kill(&mut self, with_stream: bool) {
        let stream = if with_stream { Some(self.open_stream().await) } else { None };
        if with_stream {
            wait_for_records(&self.setup, 1, "answer_chars", 8).await;
        }
        let turns = self.whole_turns(4);
        let calls = self.model.call_count() + 3;
        let id = self.process.child.id().expect("a running process").to_string();
        let killing = async {
            self.model.wait_for_calls(calls).await;
            let killed = std::process::Command::new("kill").args(["-KILL", &id]).status();
            assert!(killed.expect("kill runs").success());
        };
        tokio::join!(turns, killing);
        self.process.exit_code().await;
        if stream.is_some() {
            self.tally.add_broken();
        }
        drop(stream);
        self.process = self.setup.start_process_ignoring("XFSZ").await;
    }

    /// Lets turns end while the database cannot be written.
    async fn take_database_away(&mut self) {
        if let Some(cluster) = self.cluster.take() {
            self.turns_around(3, async || cluster.kill()).await;
            cluster.restart();
            self.cluster = Some(cluster);
        } else {
            let mut lock = None;
            self.turns_around(3, async || lock = Some(self.setup.lock_database().await)).await;
            lock.expect("a lock").release().await;
        }
        let client = &self.process.client;
        client.wait_for_readiness(200).await;
        // A connection that is not used by the check of readiness may still have to notice that its server is gone.
        let is_readable = async || client.get("/api/openai/usage").await.status == 200;
        wait_until("readable totals", async || is_readable().await.then_some(())).await;
    }

    /// Fails unless log, database, metrics and usage have the same turns.
    async fn assert_one_truth(&self, steps: &[Step]) {
        let server = format!("http://{}", self.process.address);
        let compared = reconcile(&self.setup, &["--server", &server]).await;
        assert_eq!((compared.0, &compared.1["same"]), (Some(0), &json!(true)), "{steps:?}: {}", compared.1);
        let notes = compared.1["notes"].to_string();
        assert!(!notes.contains("is not compared") && !notes.contains("missing"), "{steps:?}: {notes}");
        self.assert_own_fold(steps).await;
    }

    /// Fails unless the lines and the totals have the turns that clients got, and the metrics those of the lines, without the
    /// service's own code. A turn whose client has left is counted a moment after its line.
    async fn assert_own_fold(&self, steps: &[Step]) {
        let started = std::time::Instant::now();
        while let Err(difference) = self.own_fold().await {
            assert!(started.elapsed() < TEST_TIMEOUT / 4, "{steps:?}: {difference}");
        }
    }

    /// Compares once, and returns what differs.
    async fn own_fold(&self) -> Result<(), String> {
        let lines = self.setup.log_lines("chat");
        let usage = self.process.client.get("/api/openai/usage").await.assert_ok();
        self.tally.compare(&lines, &usage, HELD_TOKENS)?;
        let instance = self.setup.log_lines("service_start").pop().expect("a start")["instance"].clone();
        let metrics = self.process.client.get("/metrics").await.text;
        let of = |name: &str| {
            let lines = metrics.lines().filter(|line| line.starts_with(name));
            lines.map(|line| line.rsplit_once(' ').expect("a value").1.parse::<f64>().expect("a number")).sum::<f64>()
        };
        let own = lines.iter().filter(|line| line["instance"] == instance).collect::<Vec<&Value>>();
        let unlogged = metrics.lines().filter(|line| line.contains("code=\"session_log_unavailable\""));
        let unlogged = unlogged.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum::<f64>();
        #[expect(clippy::cast_precision_loss, reason = "few turns")]
        let own_turns = own.len() as f64;
        let is_same = (of("al_chat_turns_total") - unlogged - own_turns).abs() < 0.5;
        if is_same { Ok(()) } else { Err(format!("{own_turns} turns, but {metrics}")) }
    }
}

fn stream(pieces: &[&str], pace: Pace, ending: Ending) -> Behaviour {
    let pieces = pieces.iter().map(ToString::to_string).collect();
    Behaviour::Stream(Script { pieces, pace, ending, ..Script::default() })
}

async fn run_workloads(mut cluster: Option<Cluster>) {
    for steps in workloads() {
        let mut workload = Workload::start(cluster.as_mut()).await;
        for (index, step) in steps.iter().enumerate() {
            workload.run(*step).await;
            if matches!(step, Step::Killed { .. } | Step::Restarted | Step::Refused { .. } | Step::DatabaseAway) {
                workload.assert_one_truth(&steps[..=index]).await;
            }
        }
        workload.run(Step::Restarted).await;
        workload.assert_one_truth(&steps).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_figures_are_the_same_after_random_faults() {
    run_workloads(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn all_figures_are_the_same_after_random_faults_on_postgres() {
    run_workloads(Some(Cluster::start())).await;
}
