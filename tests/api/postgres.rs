//! What there is with PostgreSQL only: TLS, a server that dies and comes back, and several services on one database.
//!
//! Each test has a server of its own.

pub mod cluster;
mod proxy;

use std::{
    collections::HashMap,
    fs,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use sqlx::{Connection, Executor, PgConnection};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinSet,
    time::{interval, timeout},
};
use tokio_util::sync::CancellationToken;
use url::Url;
use uuid::Uuid;

use self::{cluster::Cluster, proxy::Network};
use crate::{
    command_line::run,
    crash::{assert_each_once, tally},
    fakes::{certificates::Authority, model::FakeModel},
    support::{
        client::{Client, HttpResponse},
        service::{TEST_TIMEOUT, TestSetup, wait_until},
    },
};

/// A request may take that long at the most, however the database is.
const PROMPTLY: Duration = Duration::from_secs(6);

/// A service on this database, for which it waits as long as a busy machine may take.
fn house_at(model: &FakeModel, database: &Url) -> TestSetup {
    TestSetup::for_model(model)
        .with("DATABASE_URL", database.as_str())
        .with("DATABASE_CONNECT_TIMEOUT", "30s")
        .with("DATABASE_STATEMENT_TIMEOUT", "30s")
}

/// A service that gives up a statement of this database after a second, and a connection to it after two.
fn impatient_house_at(model: &FakeModel, database: &Url) -> TestSetup {
    house_at(model, database).with("DATABASE_CONNECT_TIMEOUT", "2s").with("DATABASE_STATEMENT_TIMEOUT", "1s")
}

/// A URL with these settings of the connection.
fn with_query(url: &Url, settings: &str) -> String {
    let mut url = url.clone();
    url.set_query(Some(settings));
    url.into()
}

async fn start_session(client: &Client) -> Value {
    client.post("/api/session/start", &json!({})).await.assert_ok()["session_id"].take()
}

async fn stop_session(client: &Client, id: &Value) -> HttpResponse {
    client.post("/api/session/stop", &json!({ "session_id": id })).await
}

async fn take_turn(client: &Client, session: &Value) {
    client.post("/api/chat", &json!({ "message": "hello", "session_id": session })).await.assert_ok();
}

fn keyed_turn(client: &Client, key: &str, session: &Value) -> RequestBuilder {
    let body = json!({ "message": "hello", "session_id": session });
    client.json_request("/api/chat", &body).header("idempotency-key", key)
}

async fn turns_counted(client: &Client) -> Value {
    client.get("/api/openai/usage").await.assert_ok()["request_count"].take()
}

async fn until_ready(client: &Client) {
    wait_until("readiness", async || (client.get("/api/health/ready").await.status == 200).then_some(())).await;
}

/// Fails unless the service says of itself, and soon, that its database cannot be written.
async fn assert_unready(client: &Client) {
    let asked = Instant::now();
    let unready = client.get("/api/health/ready").await;
    assert!(asked.elapsed() < PROMPTLY, "it took {:?}", asked.elapsed());
    unready.assert_error(503, "not_ready");
    let parts = &unready.json()["details"]["parts"];
    assert_ne!(parts["database"], "ok", "{parts}");
    client.get("/api/health/live").await.assert_ok();
}

/// Fails unless this is the refusal of one who should come back later.
#[track_caller]
fn assert_come_back(answer: &HttpResponse) {
    answer.assert_error(503, "storage_unavailable");
    assert!(!answer.header("retry-after").is_empty(), "when to come back is not told");
}

/// Fails unless the program ends for want of a database, and says what to look at. It says all it knows.
async fn assert_refused(database: &str, words: &[&str]) {
    let setup = TestSetup::new()
        .with("DATABASE_URL", database)
        .with("DATABASE_CONNECT_TIMEOUT", "2s")
        .with("LOG_LEVEL", "trace");
    let ran = run(&setup, &[]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let told = ran.err.to_lowercase();
    for word in ["database_url"].iter().chain(words) {
        assert!(told.contains(word), "{word} in {}", ran.err);
    }
    assert!(!ran.err.contains("Secret") && !ran.out.contains("Secret"), "{ran:?}");
}

#[tokio::test]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn the_server_itself_comes_back_with_its_data_and_goes_with_its_test() {
    let mut cluster = Cluster::start();
    let database = cluster.database();
    let mut connection = PgConnection::connect(database.as_str()).await.unwrap();
    connection.execute("CREATE TABLE kept (number BIGINT); INSERT INTO kept VALUES (7)").await.unwrap();
    cluster.kill();
    connection.execute("SELECT 1").await.unwrap_err();
    PgConnection::connect(database.as_str()).await.unwrap_err();
    cluster.restart();
    let mut connection = PgConnection::connect(database.as_str()).await.unwrap();
    let number: i64 = sqlx::query_scalar("SELECT number FROM kept").fetch_one(&mut connection).await.unwrap();
    assert_eq!(number, 7);
    let folder = cluster.folder().to_owned();
    drop(cluster);
    PgConnection::connect(database.as_str()).await.unwrap_err();
    assert!(!folder.exists(), "{} is still there", folder.display());
}

#[tokio::test]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn an_empty_database_is_all_it_takes() {
    let cluster = Cluster::start();
    let model = FakeModel::start().await;
    let setup = house_at(&model, &cluster.database());
    let mut process = setup.start_process().await;
    let client = &process.client;
    let session = start_session(client).await;
    take_turn(client, &session).await;
    let first = client.send(keyed_turn(client, "a", &session)).await;
    assert_eq!(client.send(keyed_turn(client, "a", &session)).await.text, first.text);
    assert_eq!((turns_counted(client).await, model.call_count()), (json!(2), 2));
    stop_session(client, &session).await.assert_ok();
    assert_eq!(setup.log_lines("session_stop")[0]["server_metrics"]["turns"], 2);
    client.get("/api/health/ready").await.assert_ok();

    // It finds all of it again.
    process.terminate();
    assert_eq!(process.exit_code().await, Some(0));
    let process = setup.start_process().await;
    assert_eq!(turns_counted(&process.client).await, 2);
    assert_eq!(process.client.send(keyed_turn(&process.client, "a", &session)).await.text, first.text);
    assert!(!setup.path().join("al-chat.db").exists(), "a file that nobody asked for");
}

#[tokio::test]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn tls_keeps_to_what_its_mode_demands() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let cluster = Cluster::start_with_tls(&authority.issue(&["127.0.0.1", "localhost"]));
    let database = cluster.database();
    let model = FakeModel::start().await;
    let setup = house_at(&model, &database);
    let [trusted, foreign] = [("trusted.pem", &authority), ("foreign.pem", &stranger)].map(|(name, authority)| {
        let path = setup.path().join(name);
        fs::write(&path, authority.certificate()).expect("a file");
        path.display().to_string()
    });

    // There is no way to this server without TLS.
    assert_refused(&with_query(&database, "sslmode=disable"), &[]).await;
    let verified = format!("sslmode=verify-full&sslrootcert={trusted}");
    let mut setup = setup;
    for settings in ["sslmode=require", &verified] {
        setup = setup.with("DATABASE_URL", &with_query(&database, settings));
        let process = setup.start_process().await;
        process.client.chat("hello").await.assert_ok();
    }
    assert_refused(&with_query(&database, &format!("sslmode=verify-full&sslrootcert={foreign}")), &["certificate"])
        .await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn a_certificate_of_another_name_is_refused_where_names_count() {
    let authority = Authority::new();
    let cluster = Cluster::start_with_tls(&authority.issue(&["db.example.org"]));
    let database = cluster.database();
    let model = FakeModel::start().await;
    let setup = house_at(&model, &database);
    let trusted = setup.path().join("trusted.pem");
    fs::write(&trusted, authority.certificate()).expect("a file");
    let settings = |mode: &str| with_query(&database, &format!("sslmode={mode}&sslrootcert={}", trusted.display()));
    assert_refused(&settings("verify-full"), &["certificate"]).await;
    let setup = setup.with("DATABASE_URL", &settings("verify-ca"));
    setup.start_process().await.client.chat("hello").await.assert_ok();
}

#[tokio::test]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn a_database_that_cannot_be_had_at_the_start_is_told_without_its_password() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let mut wrong_password = database.clone();
    wrong_password.set_password(Some("Secret of another")).expect("such a URL can have one");
    assert_refused(wrong_password.as_str(), &["password"]).await;
    let mut unknown = database.clone();
    unknown.set_path("nowhere");
    assert_refused(unknown.as_str(), &["nowhere"]).await;
    let mut unknown_host = database.clone();
    unknown_host.set_host(Some("database.invalid")).expect("a host");
    assert_refused(unknown_host.as_str(), &[]).await;
    cluster.kill();
    assert_refused(database.as_str(), &[]).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn migrations_can_be_run_alone_and_again() {
    let cluster = Cluster::start();
    let model = FakeModel::start().await;
    let setup = house_at(&model, &cluster.database());
    for _ in 0..2 {
        let ran = run(&setup, &["migrate"]).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(!ran.err.contains("Secret") && !ran.out.contains("Secret"), "{ran:?}");
    }
    setup.change_database("UPDATE usage_totals SET requests = 0").await;
    assert!(setup.log().is_empty(), "nothing was served");
    setup.start_process().await.client.chat("hello").await.assert_ok();
}

#[tokio::test]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn five_that_start_together_on_an_empty_database_all_come_up() {
    let cluster = Cluster::start();
    let (model, database) = (FakeModel::start().await, cluster.database());
    let houses = (0..5).map(|_| house_at(&model, &database)).collect::<Vec<_>>();
    let processes = join_all(houses.iter().map(TestSetup::start_process)).await;
    for process in &processes {
        process.client.chat("hello").await.assert_ok();
        // Whoever counts turns waits until those before are kept.
        turns_counted(&process.client).await;
    }
    for process in &processes {
        assert_eq!(turns_counted(&process.client).await, 5);
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn what_one_replica_began_another_one_ends() {
    let cluster = Cluster::start();
    let (model, database) = (FakeModel::start().await, cluster.database());
    let houses = [house_at(&model, &database), house_at(&model, &database)];
    let [here, there] = [houses[0].start_process().await, houses[1].start_process().await];
    let session = start_session(&here.client).await;
    take_turn(&here.client, &session).await;
    let answer = here.client.send(keyed_turn(&here.client, "a", &session)).await;
    assert_eq!(turns_counted(&here.client).await, 2);

    assert_eq!(there.client.send(keyed_turn(&there.client, "a", &session)).await.text, answer.text);
    take_turn(&there.client, &session).await;
    assert_eq!(turns_counted(&there.client).await, 3);
    let (at_once, as_well) = tokio::join!(stop_session(&there.client, &session), stop_session(&here.client, &session));
    for stopped in [at_once, as_well, stop_session(&here.client, &session).await] {
        assert_eq!(stopped.assert_ok()["status"], "stopped");
    }
    let stops = houses.iter().flat_map(|setup| setup.log_lines("session_stop")).collect::<Vec<_>>();
    assert_eq!(stops.len(), 1, "{stops:?}");
    assert_eq!(stops[0]["server_metrics"]["turns"], 3);
    assert_eq!((turns_counted(&here.client).await, model.call_count()), (json!(3), 3));
}

#[tokio::test]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn a_table_that_another_holds_is_told_in_good_time() {
    let cluster = Cluster::start();
    let (model, database) = (FakeModel::start().await, cluster.database());
    let service = impatient_house_at(&model, &database).start().await;
    let mut other = PgConnection::connect(database.as_str()).await.unwrap();
    other.execute("BEGIN; LOCK TABLE usage_totals IN ACCESS EXCLUSIVE MODE").await.unwrap();
    assert_unready(&service.client).await;
    other.execute("ROLLBACK").await.unwrap();
    until_ready(&service.client).await;
    service.client.chat("hello").await.assert_ok();
    assert_eq!(turns_counted(&service.client).await, 1);
}

#[tokio::test]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn a_database_that_hangs_holds_nobody_up_for_long() {
    let cluster = Cluster::start();
    let model = FakeModel::start().await;
    let setup = impatient_house_at(&model, &cluster.database());
    let service = setup.start().await;
    let client = &service.client;
    let session = start_session(client).await;
    take_turn(client, &session).await;
    assert_eq!(turns_counted(client).await, 1);
    cluster.freeze();
    assert_unready(client).await;
    let asked = Instant::now();
    let nothing = json!({});
    let (turn, start) =
        tokio::join!(client.send(keyed_turn(client, "a", &session)), client.post("/api/session/start", &nothing));
    assert!(asked.elapsed() < PROMPTLY, "it took {:?}", asked.elapsed());
    assert_come_back(&turn);
    assert_come_back(&start);
    cluster.thaw();
    until_ready(client).await;
    take_turn(client, &session).await;
    stop_session(client, &session).await.assert_ok();
    assert_eq!(setup.log_lines("session_stop")[0]["server_metrics"]["turns"], model.call_count());
    assert_eq!(turns_counted(client).await, model.call_count());
}

/// What the clients of a service whose server dies and comes back are told.
enum Heard {
    Turn(String),
    Stopped(String),
    Refused,
}

#[derive(Default)]
struct Told {
    turns: Vec<String>,
    stops: Vec<String>,
    refusals: usize,
}

impl Told {
    /// Listens until it has heard enough.
    async fn listen(&mut self, heard: &mut UnboundedReceiver<Heard>, enough: impl Fn(&Self) -> bool) {
        while !enough(self) {
            let next = timeout(TEST_TIMEOUT, heard.recv()).await.expect("the clients hear something in time");
            self.add(next.expect("the clients go on"));
        }
    }

    fn add(&mut self, heard: Heard) {
        match heard {
            Heard::Turn(id) => self.turns.push(id),
            Heard::Stopped(id) => self.stops.push(id),
            Heard::Refused => self.refusals += 1,
        }
    }
}

/// Comes back until it is not refused for want of the database. Nobody waits long for either.
async fn insist(request: impl Fn() -> RequestBuilder, client: &Client, told: &UnboundedSender<Heard>) -> HttpResponse {
    let mut pace = interval(Duration::from_millis(50));
    loop {
        pace.tick().await;
        let asked = Instant::now();
        let answer = client.send(request()).await;
        assert!(asked.elapsed() < PROMPTLY, "{} took {:?}", answer.text, asked.elapsed());
        if answer.status != 503 {
            return answer;
        }
        assert_come_back(&answer);
        let _ = told.send(Heard::Refused);
    }
}

/// Sessions of four turns, one after the other, until it is enough.
async fn talk(client: Client, told: UnboundedSender<Heard>, enough: CancellationToken) {
    let text = |value: &Value| value.as_str().expect("an id").to_owned();
    while !enough.is_cancelled() {
        let start = || client.json_request("/api/session/start", &json!({}));
        let session = insist(start, &client, &told).await.assert_ok()["session_id"].take();
        for _ in 0..4 {
            let key = Uuid::now_v7().to_string();
            let answer = insist(|| keyed_turn(&client, &key, &session), &client, &told).await;
            // A key may be taken although the one who took it was never told so.
            if answer.status == 409 {
                continue;
            }
            let _ = told.send(Heard::Turn(text(&answer.assert_ok()["request_id"])));
        }
        let stop = || client.json_request("/api/session/stop", &json!({ "session_id": session }));
        insist(stop, &client, &told).await.assert_ok();
        let _ = told.send(Heard::Stopped(text(&session)));
    }
}

/// Each session that was stopped has counted the turns that are in the log.
#[track_caller]
fn assert_sessions_count(log: &[Value]) {
    let mut turns = HashMap::<&Value, u64>::new();
    for line in log.iter().filter(|line| line["event"] == "chat") {
        *turns.entry(&line["session_id"]).or_default() += 1;
    }
    for stop in log.iter().filter(|line| line["event"] == "session_stop") {
        let in_log = turns.get(&stop["session_id"]).copied().unwrap_or_default();
        assert_eq!(stop["server_metrics"]["turns"], in_log, "{stop}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn a_server_killed_and_restarted_under_load_loses_nothing_and_counts_nothing_twice() {
    const CLIENTS: usize = 12;
    let mut cluster = Cluster::start();
    let model = FakeModel::start().await.without_recording();
    let setup = impatient_house_at(&model, &cluster.database());
    let mut process = setup.start_process().await;
    let client = process.client.clone();
    let (sender, mut heard) = unbounded_channel();
    let (mut told, mut clients, enough) = (Told::default(), JoinSet::new(), CancellationToken::new());
    for _ in 0..CLIENTS {
        clients.spawn(talk(client.clone(), sender.clone(), enough.clone()));
    }
    drop(sender);
    for _ in 0..4 {
        let (turns, refusals) = (told.turns.len() + 150, told.refusals + 3 * CLIENTS);
        told.listen(&mut heard, |told| told.turns.len() >= turns).await;
        cluster.kill();
        told.listen(&mut heard, |told| told.refusals >= refusals).await;
        assert_unready(&client).await;
        cluster.restart();
        until_ready(&client).await;
    }
    let turns = told.turns.len() + 150;
    told.listen(&mut heard, |told| told.turns.len() >= turns).await;
    enough.cancel();
    while let Some(heard) = heard.recv().await {
        told.add(heard);
    }
    while let Some(ended) = clients.join_next().await {
        ended.expect("a client that saw nothing wrong");
    }

    let totals = client.get("/api/openai/usage").await.assert_ok();
    let log = setup.log();
    let in_log = log.iter().filter(|line| line["event"] == "chat" && line["status"] == 200).count();
    assert_eq!(totals["request_count"], in_log, "the log and the totals tell of different turns");
    assert_eq!(totals["total_tokens"], in_log * 18);
    assert_eq!(model.call_count(), in_log, "a turn was paid for twice, or in vain");
    assert_each_once(&told.turns, &tally(&log, "chat", "request_id"), "turns");
    assert_each_once(&told.stops, &tally(&log, "session_stop", "session_id"), "stops");
    assert_sessions_count(&log);
    while let Ok(line) = process.diagnostics.try_recv() {
        assert!(!line.contains("Secret"), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn connections_that_fall_silent_are_given_up_and_replaced() {
    let cluster = Cluster::start();
    let model = FakeModel::start().await.without_recording();
    let network = Network::to(&cluster.database()).await;
    let setup = impatient_house_at(&model, network.url()).with("DATABASE_STATEMENT_TIMEOUT", "500ms");
    let setup = setup.with("DATABASE_CONNECTIONS", "3");
    let mut process = setup.start_process().await;
    let client = process.client.clone();
    let (sender, mut heard) = unbounded_channel();
    let (mut told, mut clients, enough) = (Told::default(), JoinSet::new(), CancellationToken::new());
    for _ in 0..6 {
        clients.spawn(talk(client.clone(), sender.clone(), enough.clone()));
    }
    drop(sender);
    // With whatever is under way at that moment, and in the middle of transactions.
    let silences: [fn(&Network); 3] =
        [Network::swallow, |network| network.swallow_at("COMMIT"), |network| network.swallow_at("BEGIN")];
    for (silence, times) in silences.into_iter().zip(1..) {
        let turns = told.turns.len() + 20;
        told.listen(&mut heard, |told| told.turns.len() >= turns).await;
        silence(&network);
        network.wait_for_silences(times).await;
    }
    let turns = told.turns.len() + 20;
    told.listen(&mut heard, |told| told.turns.len() >= turns).await;
    enough.cancel();
    while let Some(heard) = heard.recv().await {
        told.add(heard);
    }
    while let Some(ended) = clients.join_next().await {
        ended.expect("a client that saw nothing wrong");
    }
    let log = setup.log();
    let in_log = log.iter().filter(|line| line["event"] == "chat" && line["status"] == 200).count();
    assert_eq!(turns_counted(&client).await, in_log, "the log and the totals tell of different turns");
    assert_each_once(&told.turns, &tally(&log, "chat", "request_id"), "turns");
    assert_each_once(&told.stops, &tally(&log, "session_stop", "session_id"), "stops");
    assert_sessions_count(&log);

    // Whoever is given one of them is told to come back, and it isn't waited for when the service is to stop.
    network.swallow();
    let asked = Instant::now();
    assert_come_back(&client.post("/api/session/start", &json!({})).await);
    assert!(asked.elapsed() < PROMPTLY, "it took {:?}", asked.elapsed());
    let asked = Instant::now();
    process.terminate();
    assert_eq!(process.exit_code().await, Some(0));
    assert!(asked.elapsed() < 2 * PROMPTLY, "it took {:?}", asked.elapsed());
}
