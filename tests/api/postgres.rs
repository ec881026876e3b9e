//! Features that need PostgreSQL: TLS, a server that fails and recovers, and several services on one database.
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
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinSet,
    time::{interval, timeout},
};
use tokio_util::sync::CancellationToken;
use url::Url;
use uuid::Uuid;

use self::{cluster::Cluster, proxy::SilentProxy};
use crate::{
    command_line::run,
    crash::{assert_each_once, tally},
    fakes::{
        certificates::Authority,
        model::{Behaviour, FakeModel, Gate},
    },
    idempotency::turns_counted,
    start_outages::{Starting, with_fixed_port},
    support::{
        client::{Client, HttpResponse},
        service::{TEST_TIMEOUT, TestSetup, wait_until},
    },
};

/// The longest time that a request may take in any state of the database.
const REQUEST_LIMIT: Duration = Duration::from_secs(6);

/// A lock of the table in which each turn is counted.
const LOCK_TOTALS: &str = "LOCK TABLE usage_totals IN ACCESS EXCLUSIVE MODE";

/// Returns a setup with this database and a connection timeout for busy machines.
fn setup_with_database(model: &FakeModel, database: &Url) -> TestSetup {
    TestSetup::for_model(model)
        .with("DATABASE_URL", database.as_str())
        .with("DATABASE_CONNECT_TIMEOUT", "30s")
        .with("DATABASE_STATEMENT_TIMEOUT", "30s")
}

/// Returns a setup with this database, a statement timeout of one second, and a connection timeout of two.
fn setup_with_short_timeouts(model: &FakeModel, database: &Url) -> TestSetup {
    setup_with_database(model, database).with("DATABASE_CONNECT_TIMEOUT", "2s").with("DATABASE_STATEMENT_TIMEOUT", "1s")
}

/// Adds these parameters to the URL of a database.
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

async fn send_turn(client: &Client, session: &Value) {
    client.post("/api/chat", &json!({ "message": "hello", "session_id": session })).await.assert_ok();
}

fn keyed_turn(client: &Client, key: &str, session: &Value) -> RequestBuilder {
    let body = json!({ "message": "hello", "session_id": session });
    client.json_request("/api/chat", &body).header("idempotency-key", key)
}

/// Asserts that the service soon reports that its database cannot be written.
async fn assert_unready(client: &Client) {
    let started = Instant::now();
    let unready = client.get("/api/health/ready").await;
    assert!(started.elapsed() < REQUEST_LIMIT, "the operation took {:?}", started.elapsed());
    unready.assert_error(503, "not_ready");
    let parts = &unready.json()["details"]["parts"];
    assert_ne!(parts["database"], "ok", "{parts}");
    client.get("/api/health/live").await.assert_ok();
}

/// Asserts that the response is an error with `Retry-After`.
#[track_caller]
fn assert_retry_after(answer: &HttpResponse) {
    answer.assert_error(503, "storage_unavailable");
    assert!(!answer.header("retry-after").is_empty(), "Retry-After is missing");
}

/// Asserts that the program exits with this code and an error about the database that contains these words and not the
/// password. `migrate` fails in the same way, also where the service would wait.
async fn assert_start_fails(database: &str, arguments: &[&str], code: i32, words: &[&str]) {
    let setup = TestSetup::new()
        .with("DATABASE_URL", database)
        .with("DATABASE_CONNECT_TIMEOUT", "2s")
        .with("LOG_LEVEL", "trace");
    let ran = run(&setup, arguments).await;
    assert_eq!(ran.code, Some(code), "{ran:?}");
    let diagnostics = ran.err.to_lowercase();
    for word in ["database_url"].iter().chain(words) {
        assert!(diagnostics.contains(word), "{word} in {}", ran.err);
    }
    assert!(!ran.err.contains("Secret") && !ran.out.contains("Secret"), "{ran:?}");
}

#[tokio::test]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn a_test_cluster_restarts_with_its_data_and_is_removed() {
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
async fn an_empty_database_is_migrated() {
    let cluster = Cluster::start();
    let model = FakeModel::start().await;
    let setup = setup_with_database(&model, &cluster.database());
    let mut process = setup.start_process().await;
    let client = &process.client;
    let session = start_session(client).await;
    send_turn(client, &session).await;
    let first = client.send(keyed_turn(client, "a", &session)).await;
    assert_eq!(client.send(keyed_turn(client, "a", &session)).await.text, first.text);
    assert_eq!((turns_counted(client).await, model.call_count()), (json!(2), 2));
    stop_session(client, &session).await.assert_ok();
    assert_eq!(setup.log_lines("session_stop")[0]["server_metrics"]["turns"], 2);
    client.get("/api/health/ready").await.assert_ok();

    // The restarted service finds the same data.
    process.terminate();
    assert_eq!(process.exit_code().await, Some(0));
    let process = setup.start_process().await;
    assert_eq!(turns_counted(&process.client).await, 2);
    assert_eq!(process.client.send(keyed_turn(&process.client, "a", &session)).await.text, first.text);
    assert!(!setup.path().join("al-chat.db").exists(), "an unexpected database file");
}

#[tokio::test]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn tls_modes_enforce_their_checks() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let cluster = Cluster::start_with_tls(&authority.issue(&["127.0.0.1", "localhost"]));
    let database = cluster.database();
    let model = FakeModel::start().await;
    let setup = setup_with_database(&model, &database);
    let [trusted, foreign] = [("trusted.pem", &authority), ("foreign.pem", &stranger)].map(|(name, authority)| {
        let path = setup.path().join(name);
        fs::write(&path, authority.certificate()).expect("a file");
        path.display().to_string()
    });

    // This server rejects connections without TLS.
    assert_start_fails(&with_query(&database, "sslmode=disable"), &[], 2, &["refuses the login"]).await;
    let verified = format!("sslmode=verify-full&sslrootcert={trusted}");
    let mut setup = setup;
    for settings in ["sslmode=require", &verified] {
        setup = setup.with("DATABASE_URL", &with_query(&database, settings));
        let process = setup.start_process().await;
        process.client.chat("hello").await.assert_ok();
    }
    let foreign = with_query(&database, &format!("sslmode=verify-full&sslrootcert={foreign}"));
    assert_start_fails(&foreign, &["migrate"], 1, &["certificate"]).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn a_certificate_of_another_host_is_rejected_by_verify_full() {
    let authority = Authority::new();
    let cluster = Cluster::start_with_tls(&authority.issue(&["db.example.org"]));
    let database = cluster.database();
    let model = FakeModel::start().await;
    let setup = setup_with_database(&model, &database);
    let trusted = setup.path().join("trusted.pem");
    fs::write(&trusted, authority.certificate()).expect("a file");
    let settings = |mode: &str| with_query(&database, &format!("sslmode={mode}&sslrootcert={}", trusted.display()));
    assert_start_fails(&settings("verify-full"), &["migrate"], 1, &["offers no tls connection", "certificate"]).await;
    let setup = setup.with("DATABASE_URL", &settings("verify-ca"));
    setup.start_process().await.client.chat("hello").await.assert_ok();
}

#[tokio::test]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn connection_errors_at_start_say_what_is_wrong() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let mut wrong_password = database.clone();
    wrong_password.set_password(Some("Secret of another")).expect("a URL that can have a port");
    let mut unknown = database.clone();
    unknown.set_path("nowhere");
    let mut unknown_host = database.clone();
    unknown_host.set_host(Some("database.invalid")).expect("a host");
    for command in [&[][..], &["migrate"]] {
        assert_start_fails(wrong_password.as_str(), command, 2, &["refuses the login", "password"]).await;
        assert_start_fails(unknown.as_str(), command, 2, &["has no database of this name", "nowhere"]).await;
    }
    assert_start_fails(unknown_host.as_str(), &["migrate"], 1, &["host name that cannot be resolved"]).await;
    cluster.freeze();
    assert_start_fails(database.as_str(), &["migrate"], 1, &["does not answer within"]).await;
    cluster.thaw();
    cluster.kill();
    assert_start_fails(database.as_str(), &["migrate"], 1, &["refuses connections"]).await;
}

/// Starts the service on this database, and waits until it waits for this reason.
async fn start_waiting(model: &FakeModel, database: &Url, reason: &str) -> (TestSetup, Starting) {
    let (setup, address) = with_fixed_port(setup_with_short_timeouts(model, database));
    let starting = Starting::run(setup.command(&[]), address);
    starting.assert_waits("database", reason).await;
    (setup, starting)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn a_start_waits_for_a_server_that_is_away_or_frozen() {
    let mut cluster = Cluster::start();
    let model = FakeModel::start().await;
    let database = cluster.database();
    cluster.kill();
    let (_setup, starting) = start_waiting(&model, &database, "database_refused").await;
    cluster.restart();
    starting.assert_goes_on("database_refused").await;

    let database = cluster.database();
    cluster.freeze();
    let (_setup, starting) = start_waiting(&model, &database, "database_silent").await;
    cluster.thaw();
    starting.assert_goes_on("database_silent").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn a_start_waits_for_a_connection_to_the_server() {
    let cluster = Cluster::start();
    let model = FakeModel::start().await;
    let database = cluster.database();
    let mut connection = PgConnection::connect(database.as_str()).await.unwrap();
    // A limit for ordinary users; the connection of a superuser is not counted.
    let name = database.path().trim_start_matches('/');
    let statements = format!(
        "CREATE ROLE visitor LOGIN PASSWORD 'Secret?/1'; ALTER DATABASE \"{name}\" OWNER TO visitor;
         ALTER ROLE visitor CONNECTION LIMIT 0"
    );
    connection.execute(sqlx::AssertSqlSafe(statements)).await.unwrap();
    let mut url = database.clone();
    url.set_username("visitor").unwrap();
    let (_setup, starting) = start_waiting(&model, &url, "database_connections").await;
    connection.execute("ALTER ROLE visitor CONNECTION LIMIT -1").await.unwrap();
    starting.assert_goes_on("database_connections").await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn migrations_can_run_alone_and_repeatedly() {
    let cluster = Cluster::start();
    let model = FakeModel::start().await;
    let setup = setup_with_database(&model, &cluster.database());
    for _ in 0..2 {
        let ran = run(&setup, &["migrate"]).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(!ran.err.contains("Secret") && !ran.out.contains("Secret"), "{ran:?}");
    }
    setup.change_database("UPDATE usage_totals SET requests = 0").await;
    assert!(setup.log().is_empty(), "no request was served");
    setup.start_process().await.client.chat("hello").await.assert_ok();
}

#[tokio::test]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn five_services_can_start_together_on_an_empty_database() {
    let cluster = Cluster::start();
    let (model, database) = (FakeModel::start().await, cluster.database());
    let setups = (0..5).map(|_| setup_with_database(&model, &database)).collect::<Vec<_>>();
    let processes = join_all(setups.iter().map(TestSetup::start_process)).await;
    for process in &processes {
        process.client.chat("hello").await.assert_ok();
        // The count of turns waits until the earlier turns are stored.
        turns_counted(&process.client).await;
    }
    for process in &processes {
        assert_eq!(turns_counted(&process.client).await, 5);
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn a_session_started_at_one_replica_ends_at_another() {
    let cluster = Cluster::start();
    let (model, database) = (FakeModel::start().await, cluster.database());
    let setups = [setup_with_database(&model, &database), setup_with_database(&model, &database)];
    let [here, there] = [setups[0].start_process().await, setups[1].start_process().await];
    let session = start_session(&here.client).await;
    send_turn(&here.client, &session).await;
    let answer = here.client.send(keyed_turn(&here.client, "a", &session)).await;
    assert_eq!(turns_counted(&here.client).await, 2);

    assert_eq!(there.client.send(keyed_turn(&there.client, "a", &session)).await.text, answer.text);
    send_turn(&there.client, &session).await;
    assert_eq!(turns_counted(&there.client).await, 3);
    let (at_once, as_well) = tokio::join!(stop_session(&there.client, &session), stop_session(&here.client, &session));
    for stopped in [at_once, as_well, stop_session(&here.client, &session).await] {
        assert_eq!(stopped.assert_ok()["status"], "stopped");
    }
    let stops = setups.iter().flat_map(|setup| setup.log_lines("session_stop")).collect::<Vec<_>>();
    assert_eq!(stops.len(), 1, "{stops:?}");
    assert_eq!(stops[0]["server_metrics"]["turns"], 3);
    assert_eq!((turns_counted(&here.client).await, model.call_count()), (json!(3), 3));
}

#[tokio::test]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn a_locked_table_is_answered_within_seconds() {
    let cluster = Cluster::start();
    let (model, database) = (FakeModel::start().await, cluster.database());
    let setup = setup_with_short_timeouts(&model, &database);
    let service = setup.start().await;
    let lock = setup.lock_database_with(LOCK_TOTALS).await;
    assert_unready(&service.client).await;
    lock.release().await;
    service.client.wait_for_readiness(200).await;
    service.client.chat("hello").await.assert_ok();
    assert_eq!(turns_counted(&service.client).await, 1);
}

#[tokio::test]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn an_unresponsive_database_is_reported_within_seconds() {
    let cluster = Cluster::start();
    let model = FakeModel::start().await;
    let setup = setup_with_short_timeouts(&model, &cluster.database());
    let service = setup.start().await;
    let client = &service.client;
    let session = start_session(client).await;
    send_turn(client, &session).await;
    assert_eq!(turns_counted(client).await, 1);
    cluster.freeze();
    assert_unready(client).await;
    let started = Instant::now();
    let nothing = json!({});
    let (turn, start) =
        tokio::join!(client.send(keyed_turn(client, "a", &session)), client.post("/api/session/start", &nothing));
    assert!(started.elapsed() < REQUEST_LIMIT, "the operation took {:?}", started.elapsed());
    assert_retry_after(&turn);
    assert_retry_after(&start);
    cluster.thaw();
    client.wait_for_readiness(200).await;
    send_turn(client, &session).await;
    stop_session(client, &session).await.assert_ok();
    assert_eq!(setup.log_lines("session_stop")[0]["server_metrics"]["turns"], model.call_count());
    assert_eq!(turns_counted(client).await, model.call_count());
}

/// The responses to clients of a service whose database server fails and recovers.
enum Received {
    Turn(String),
    Stopped(String),
    Refused,
}

#[derive(Default)]
struct Responses {
    turns: Vec<String>,
    stops: Vec<String>,
    refusals: usize,
}

impl Responses {
    /// Collects responses until the condition holds.
    async fn collect_until(&mut self, received: &mut UnboundedReceiver<Received>, enough: impl Fn(&Self) -> bool) {
        while !enough(self) {
            let next = timeout(TEST_TIMEOUT, received.recv()).await.expect("a response in time");
            self.add(next.expect("running clients"));
        }
    }

    fn add(&mut self, received: Received) {
        match received {
            Received::Turn(id) => self.turns.push(id),
            Received::Stopped(id) => self.stops.push(id),
            Received::Refused => self.refusals += 1,
        }
    }
}

/// Repeats a request until it is not rejected because of the database. Each attempt must end soon.
async fn send_until_accepted(
    request: impl Fn() -> RequestBuilder,
    client: &Client,
    results: &UnboundedSender<Received>,
) -> HttpResponse {
    let mut pace = interval(Duration::from_millis(50));
    loop {
        pace.tick().await;
        let started = Instant::now();
        let answer = client.send(request()).await;
        assert!(started.elapsed() < REQUEST_LIMIT, "{} took {:?}", answer.text, started.elapsed());
        if answer.status != 503 {
            return answer;
        }
        assert_retry_after(&answer);
        let _ = results.send(Received::Refused);
    }
}

/// Runs sessions of four turns, one after the other, until it is cancelled.
async fn run_sessions(client: Client, results: UnboundedSender<Received>, enough: CancellationToken) {
    let text = |value: &Value| value.as_str().expect("an id").to_owned();
    while !enough.is_cancelled() {
        let start = || client.json_request("/api/session/start", &json!({}));
        let session = send_until_accepted(start, &client, &results).await.assert_ok()["session_id"].take();
        for _ in 0..4 {
            let key = Uuid::now_v7().to_string();
            let answer = send_until_accepted(|| keyed_turn(&client, &key, &session), &client, &results).await;
            let _ = results.send(Received::Turn(text(&answer.assert_ok()["request_id"])));
        }
        let stop = || client.json_request("/api/session/stop", &json!({ "session_id": session }));
        send_until_accepted(stop, &client, &results).await.assert_ok();
        let _ = results.send(Received::Stopped(text(&session)));
    }
}

/// Asserts that each stopped session has counted the turns in its log.
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
async fn a_database_restart_under_load_loses_and_doubles_nothing() {
    const CLIENTS: usize = 12;
    let mut cluster = Cluster::start();
    let model = FakeModel::start().await.without_recording();
    let setup = setup_with_short_timeouts(&model, &cluster.database());
    let mut process = setup.start_process().await;
    let client = process.client.clone();
    let (sender, mut received) = unbounded_channel();
    let (mut results, mut clients, enough) = (Responses::default(), JoinSet::new(), CancellationToken::new());
    for _ in 0..CLIENTS {
        clients.spawn(run_sessions(client.clone(), sender.clone(), enough.clone()));
    }
    drop(sender);
    for _ in 0..4 {
        let (turns, refusals) = (results.turns.len() + 150, results.refusals + 3 * CLIENTS);
        results.collect_until(&mut received, |results| results.turns.len() >= turns).await;
        cluster.kill();
        results.collect_until(&mut received, |results| results.refusals >= refusals).await;
        assert_unready(&client).await;
        cluster.restart();
        client.wait_for_readiness(200).await;
    }
    let turns = results.turns.len() + 150;
    results.collect_until(&mut received, |results| results.turns.len() >= turns).await;
    enough.cancel();
    while let Some(received) = received.recv().await {
        results.add(received);
    }
    while let Some(ended) = clients.join_next().await {
        ended.expect("a client without errors");
    }

    let totals = client.get("/api/openai/usage").await.assert_ok();
    let log = setup.log();
    let in_log = log.iter().filter(|line| line["event"] == "chat" && line["status"] == 200).count();
    assert_eq!(totals["request_count"], in_log, "the log and the totals differ");
    assert_eq!(totals["total_tokens"], in_log * 18);
    assert_eq!(model.call_count(), in_log, "a turn has two calls, or a call has no turn");
    assert_each_once(&results.turns, &tally(&log, "chat", "request_id"), "turns");
    assert_each_once(&results.stops, &tally(&log, "session_stop", "session_id"), "stops");
    assert_sessions_count(&log);
    while let Ok(line) = process.diagnostics.try_recv() {
        assert!(!line.contains("Secret"), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn a_claim_whose_answer_is_lost_does_not_burn_its_key() {
    let cluster = Cluster::start();
    let (model, database) = (FakeModel::start().await, cluster.database());
    let proxy = SilentProxy::start(&database).await;
    let setups = [setup_with_database(&model, proxy.url()), setup_with_database(&model, &database)];
    let [here, there] = [setups[0].start_process().await, setups[1].start_process().await];
    let session = json!("s-1");
    for (key, repeating) in [("lost-claim-1", &here.client), ("lost-claim-2", &there.client)] {
        let calls = model.call_count();
        proxy.cut_after(key);
        assert_retry_after(&here.client.send(keyed_turn(&here.client, key, &session)).await);
        assert_eq!(model.call_count(), calls);
        let answer = repeating.send(keyed_turn(repeating, key, &session)).await;
        answer.assert_ok();
        for client in [&here.client, &there.client] {
            assert_eq!(client.send(keyed_turn(client, key, &session)).await.text, answer.text);
        }
        assert_eq!(model.call_count(), calls + 1);
    }
}

/// A connection that holds a lock for which commits of some transactions wait: one whose server's disk is frozen waits so.
struct HangingCommits(PgConnection);

impl HangingCommits {
    /// Lets transactions wait that change rows of a table. `trigger` begins with the name of the table.
    async fn of(database: &Url, trigger: &str) -> Self {
        let mut connection = PgConnection::connect(database.as_str()).await.unwrap();
        let trigger = format!(
            "CREATE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NULL; END $$;
             CREATE CONSTRAINT TRIGGER hang AFTER INSERT OR UPDATE ON {trigger} EXECUTE FUNCTION hang()"
        );
        connection.execute(AssertSqlSafe(trigger)).await.unwrap();
        Self(connection)
    }

    async fn begin(&mut self) {
        self.0.execute("SELECT pg_advisory_lock(1)").await.unwrap();
    }

    async fn end(&mut self) {
        self.0.execute("SELECT pg_advisory_unlock(1)").await.unwrap();
    }

    /// Waits until a transaction waits for one whose commit hangs.
    async fn wait_for_waiting(&mut self) {
        wait_until("a waiting transaction", async || {
            let waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event IN ('transactionid', 'tuple')";
            self.0.fetch_optional(waiting).await.unwrap()
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn a_stop_at_two_replicas_at_once_is_logged_once() {
    let cluster = Cluster::start();
    let (model, database) = (FakeModel::start().await, cluster.database());
    let setups = [setup_with_database(&model, &database), setup_with_database(&model, &database)];
    let [here, there] = [setups[0].start_process().await, setups[1].start_process().await];
    let session = start_session(&here.client).await;
    let claimed =
        "sessions DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.replica IS NOT NULL AND NEW.logged = 0)";
    let mut claims = HangingCommits::of(&database, claimed).await;
    claims.begin().await;
    let waiting = async {
        claims.wait_for_waiting().await;
        claims.end().await;
    };
    let (first, second, ()) =
        tokio::join!(stop_session(&there.client, &session), stop_session(&here.client, &session), waiting);
    assert_eq!((&first.assert_ok()["status"], &second.assert_ok()["status"]), (&json!("stopped"), &json!("stopped")));
    let stops = setups.iter().flat_map(|setup| setup.log_lines("session_stop")).collect::<Vec<_>>();
    assert_eq!(stops.len(), 1, "{stops:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn a_claim_that_hangs_in_its_commit_does_not_burn_its_key() {
    let cluster = Cluster::start();
    let (model, database) = (FakeModel::start().await, cluster.database());
    let service = setup_with_short_timeouts(&model, &database).start().await;
    let client = &service.client;
    let asked = "idempotency_keys DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.is_asked = 1)";
    let mut commits = HangingCommits::of(&database, asked).await;
    let session = json!("s-1");
    // The first time the claim inserts the key, the second time it takes the withdrawn one over.
    for _ in 0..2 {
        commits.begin().await;
        assert_retry_after(&client.send(keyed_turn(client, "a", &session)).await);
        // It is answered after an attempt to withdraw the claim.
        client.get("/api/openai/usage").await;
        commits.end().await;
        client.wait_for_readiness(200).await;
        assert_eq!(model.call_count(), 0);
    }
    let answer = client.send(keyed_turn(client, "a", &session)).await;
    answer.assert_ok();
    assert_eq!(client.send(keyed_turn(client, "a", &session)).await.text, answer.text);
    assert_eq!(model.call_count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn a_recovery_that_hangs_in_its_commit_counts_turns_once() {
    let cluster = Cluster::start();
    let (model, database) = (FakeModel::start().await, cluster.database());
    let setup = setup_with_short_timeouts(&model, &database);
    let mut process = setup.start_process().await;
    process.client.chat("counted").await.assert_ok();
    assert_eq!(turns_counted(&process.client).await, 1);
    let lock = setup.lock_database_with(LOCK_TOTALS).await;
    process.client.chat("only logged").await.assert_ok();
    process.kill().await;
    lock.release().await;

    let totals = "usage_totals DEFERRABLE INITIALLY DEFERRED FOR EACH ROW";
    let mut commits = HangingCommits::of(&database, totals).await;
    commits.begin().await;
    let hanging = async {
        commits.wait_for_waiting().await;
        commits.end().await;
    };
    let (process, ()) = tokio::join!(setup.start_process(), hanging);
    assert_eq!((turns_counted(&process.client).await, setup.log_lines("chat").len()), (json!(2), 2));
}

/// Asserts the number of tokens of all turns, when the database can be written again.
async fn assert_tokens_counted(client: &Client, tokens: u64) {
    client.wait_for_readiness(200).await;
    let usage = async || Some(client.get("/api/openai/usage").await).filter(|answer| answer.status == 200);
    assert_eq!(wait_until("the totals", usage).await.json()["total_tokens"], tokens);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn turns_without_a_line_are_counted_once() {
    let cluster = Cluster::start();
    let (model, database) = (FakeModel::start().await, cluster.database());
    let proxy = SilentProxy::start(&database).await;
    let setup = setup_with_short_timeouts(&model, proxy.url());
    let process = setup.start_process().await;
    let client = &process.client;
    client.chat("logged").await.assert_ok();
    assert_tokens_counted(client, 18).await;
    let refused = async || client.chat("not logged").await.assert_error(503, "session_log_unavailable");
    // The model is asked before the log is gone, and repeats two words.
    let without_log = async || {
        let gate = Gate::new();
        model.behave_once(Behaviour::Held(gate.clone()));
        let calls = model.call_count() + 1;
        let blocking = async {
            model.wait_for_calls(calls).await;
            setup.block_log();
            gate.open();
        };
        tokio::join!(refused(), blocking);
    };

    // The answer to a commit is lost.
    proxy.cut_after("COMMIT");
    without_log().await;
    setup.unblock_log();
    assert_tokens_counted(client, 22).await;

    // A commit hangs, and ends after a further attempt has begun.
    let totals = "usage_totals DEFERRABLE INITIALLY DEFERRED FOR EACH ROW";
    let mut commits = HangingCommits::of(&database, totals).await;
    commits.begin().await;
    without_log().await;
    commits.wait_for_waiting().await;
    commits.end().await;
    setup.unblock_log();
    assert_tokens_counted(client, 26).await;
    assert_eq!(setup.log_lines("chat").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn silent_database_connections_are_replaced() {
    let cluster = Cluster::start();
    let model = FakeModel::start().await.without_recording();
    let proxy = SilentProxy::start(&cluster.database()).await;
    let setup = setup_with_short_timeouts(&model, proxy.url()).with("DATABASE_STATEMENT_TIMEOUT", "500ms");
    let setup = setup.with("DATABASE_CONNECTIONS", "3");
    let mut process = setup.start_process().await;
    let client = process.client.clone();
    let (sender, mut received) = unbounded_channel();
    let (mut results, mut clients, enough) = (Responses::default(), JoinSet::new(), CancellationToken::new());
    for _ in 0..6 {
        clients.spawn(run_sessions(client.clone(), sender.clone(), enough.clone()));
    }
    drop(sender);
    // Connections are silenced during requests, and within transactions.
    let silences: [fn(&SilentProxy); 3] =
        [SilentProxy::silence, |proxy| proxy.silence_at("COMMIT"), |proxy| proxy.silence_at("BEGIN")];
    for (silence, times) in silences.into_iter().zip(1..) {
        let turns = results.turns.len() + 20;
        results.collect_until(&mut received, |results| results.turns.len() >= turns).await;
        silence(&proxy);
        proxy.wait_for_silences(times).await;
    }
    let turns = results.turns.len() + 20;
    results.collect_until(&mut received, |results| results.turns.len() >= turns).await;
    enough.cancel();
    while let Some(received) = received.recv().await {
        results.add(received);
    }
    while let Some(ended) = clients.join_next().await {
        ended.expect("a client without errors");
    }
    let log = setup.log();
    let in_log = log.iter().filter(|line| line["event"] == "chat" && line["status"] == 200).count();
    assert_eq!(turns_counted(&client).await, in_log, "the log and the totals differ");
    assert_each_once(&results.turns, &tally(&log, "chat", "request_id"), "turns");
    assert_each_once(&results.stops, &tally(&log, "session_stop", "session_id"), "stops");
    assert_sessions_count(&log);

    // Requests on a silent connection get an error with `Retry-After`, and the shutdown does not wait for them.
    proxy.silence();
    let started = Instant::now();
    assert_retry_after(&client.post("/api/session/start", &json!({})).await);
    assert!(started.elapsed() < REQUEST_LIMIT, "the operation took {:?}", started.elapsed());
    let started = Instant::now();
    process.terminate();
    assert_eq!(process.exit_code().await, Some(0));
    assert!(started.elapsed() < 2 * REQUEST_LIMIT, "the operation took {:?}", started.elapsed());
}
