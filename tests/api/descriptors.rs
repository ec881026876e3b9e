//! File descriptors: more clients than there are descriptors for, and none left at all.

use std::{collections::BTreeSet, fs, time::Duration};

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tokio::{task::JoinSet, time::sleep};

use crate::{
    fakes::{
        model::{Behaviour, FakeModel},
        papita::FakePapita,
    },
    support::{
        raw_connection::{RawAnswer, RawConnection},
        service::{Process, TestSetup, day_file, wait_until},
    },
};

/// The number of clients that ask at once.
const CLIENTS: usize = 300;

/// The time after which a client that was refused asks again. Real ones wait longer, as `Retry-After` says.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

const CHAT: &str = "POST /api/chat HTTP/1.1\r\nHost: al-chat\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\
                    \r\n{\"message\":\"hi\"}";

/// Limits the file descriptors of a process to the number of those that it has open, so that none is left; `None` ends that.
fn limit_descriptors(process: &Process, limit: Option<u64>) {
    let id = process.child.id().expect("a running process");
    let id = Pid::from_raw(i32::try_from(id).expect("an id")).expect("an id");
    prlimit(Some(id), Resource::Nofile, Rlimit { current: limit.or(Some(1000)), maximum: Some(1000) })
        .expect("a limit");
}

/// Leaves a process no descriptor: a new one would have the lowest free number.
fn exhaust_descriptors(process: &Process) {
    let folder = format!("/proc/{}/fd", process.child.id().expect("a running process"));
    let open = fs::read_dir(folder).expect("the process's files").map(|file| file.unwrap().file_name());
    let open = open.map(|name| name.to_str().unwrap().parse().unwrap()).collect::<BTreeSet<u64>>();
    limit_descriptors(process, (0..1000).find(|number| !open.contains(number)));
}

/// Sends a question on an open connection.
async fn ask(wire: &mut RawConnection) -> RawAnswer {
    wire.send(CHAT).await;
    RawAnswer::parse(&wire.response().await)
}

/// Asks on new connections until there is an answer. Returns the number of refusals.
async fn ask_until_answered(address: std::net::SocketAddr) -> usize {
    for refusals in 0.. {
        let mut wire = RawConnection::connect(address).await;
        // The server may close a connection whose request comes late.
        let sent = wire.try_send(CHAT).await;
        let answer = wire.response_or_end().await;
        if sent.is_ok() && !answer.is_empty() {
            let answer = RawAnswer::parse(&answer);
            if answer.status() == 200 {
                return refusals;
            }
            answer.assert_error(503, "too_busy");
            assert!(answer.header("retry-after").is_some(), "{}", answer.head);
        }
        sleep(RETRY_PAUSE).await;
    }
    0
}

/// Asks for the state of the service again and again, and fails unless it is answered each time.
async fn check_health(address: std::net::SocketAddr) {
    for path in ["/api/health", "/api/health/live", "/api/health/ready"].iter().cycle() {
        let mut answer = String::new();
        for _ in 0..3 {
            // The server may close a connection whose request comes late.
            if answer.is_empty() {
                let mut wire = RawConnection::connect(address).await;
                let _ = wire.try_send(&format!("GET {path} HTTP/1.1\r\nHost: al-chat\r\n\r\n")).await;
                answer = wire.response_or_end().await;
            }
        }
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_clients_than_descriptors_are_answered_in_turn() {
    let model = FakeModel::start().await;
    model.set_behaviour(Behaviour::Delayed(Duration::from_millis(20), Box::new(Behaviour::Echo)));
    let setup = TestSetup::for_model(&model).on_sqlite();
    let process = setup.start_command(setup.command_by_script("ulimit -n 64; exec \"$0\"")).await;
    let warning = "limit of open files, 64, has room for 9 connections";
    assert!(process.start_lines.iter().any(|line| line.contains(warning)), "{:?}", process.start_lines);

    let address = process.address;
    let mut health = JoinSet::new();
    health.spawn(check_health(address));
    let mut clients = (0..CLIENTS).map(|_| ask_until_answered(address)).collect::<JoinSet<_>>();
    let mut refusals = 0;
    while let Some(refused) = clients.join_next().await {
        refusals += refused.expect("an answer");
        assert!(health.try_join_next().is_none(), "a health check was not answered");
    }
    assert!(refusals > 0, "all were accepted at once");

    assert_eq!(model.call_count(), CLIENTS);
    let lines = setup.log_lines("chat");
    let answered = lines.iter().filter(|line| line["status"] == 200).count();
    assert_eq!(answered, CLIENTS);
    let failed = lines.iter().find(|line| line["status"] != 200 && line["code"] != "too_busy");
    assert!(failed.is_none(), "{failed:?}");
    let ready = process.client.get("/api/health/ready").await.assert_ok();
    assert_eq!(ready["parts"]["model"], "ok");
}

#[tokio::test]
async fn a_lack_of_descriptors_does_not_count_for_the_model() {
    let model = FakeModel::start().await;
    for host in ["127.0.0.1", "localhost"] {
        let url = model.base_url().replace("127.0.0.1", host);
        let setup = TestSetup::for_model(&model).with("OPENAI_BASE_URL", &url).with("FALLBACK_MODELS", "spare");
        let process = setup.start_process().await;
        let mut wire = RawConnection::connect(process.address).await;
        wire.get("/api/health").await;
        let calls = model.call_count();
        exhaust_descriptors(&process);
        for _ in 0..12 {
            let answer = ask(&mut wire).await;
            answer.assert_error(503, "too_busy");
            assert_eq!(answer.header("retry-after"), Some("2"));
        }
        assert!(wire.get("/api/health").await.contains("200 OK"));
        let lines = setup.wait_for_log_lines("chat", 12).await;
        assert!(lines.iter().all(|line| line["code"] == "too_busy" && line["attempts"] == 1), "{lines:?}");

        limit_descriptors(&process, None);
        assert_eq!(ask(&mut wire).await.status(), 200, "{host}");
        assert_eq!(model.call_count(), calls + 1);
        assert!(wire.get("/api/health/ready").await.contains("\"model\":\"ok\""));
    }
}

#[tokio::test]
async fn a_lack_of_descriptors_does_not_count_for_papita() {
    let (model, papita) = (FakeModel::start().await, FakePapita::start().await);
    papita.serve_key("sk-papita");
    papita.stop().await;
    let setup = TestSetup::for_papita(&model, &papita).with("CREDENTIAL_RETRY", "1ms");
    let process = setup.start_process().await;
    let mut wire = RawConnection::connect(process.address).await;
    ask(&mut wire).await.assert_error(503, "credentials_unavailable");
    papita.restart().await;
    exhaust_descriptors(&process);
    ask(&mut wire).await.assert_error(503, "too_busy");
    limit_descriptors(&process, None);
    let answer = ask(&mut wire).await;
    assert_eq!(answer.status(), 200, "{}", answer.body);
}

#[tokio::test]
async fn the_log_opens_a_new_file_without_a_free_descriptor() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).with("SESSION_LOG_SYNC", "on");
    let process = setup.start_process().await;
    let mut wire = RawConnection::connect(process.address).await;
    assert_eq!(ask(&mut wire).await.status(), 200);
    let log = day_file(&setup.log_dir());
    exhaust_descriptors(&process);
    for (rotation, turns) in [("1.log", 4), ("2.log", 7)] {
        fs::rename(&log, log.with_extension(rotation)).unwrap();
        if rotation == "2.log" {
            // As logrotate does with `create`.
            fs::write(&log, "").unwrap();
        }
        for _ in 0..3 {
            assert_eq!(ask(&mut wire).await.status(), 200, "the model's connection is open");
        }
        assert_eq!((setup.log_lines("chat").len(), setup.log_lines("log_gap").len()), (turns, 0));
        assert!(log.exists());
    }
}

#[tokio::test]
async fn connections_are_accepted_when_there_are_descriptors_again() {
    let setup = TestSetup::new();
    let mut process = setup.start_process().await;
    let mut first = RawConnection::connect(process.address).await;
    first.get("/api/health").await;
    exhaust_descriptors(&process);
    let mut second = RawConnection::connect(process.address).await;
    second.send("GET /api/health/live HTTP/1.1\r\nHost: al-chat\r\n\r\n").await;
    let is_refusal = |line: &String| line.contains("a connection could not be accepted");
    wait_until("a diagnostic", async || process.diagnostics.try_recv().ok().filter(is_refusal)).await;
    // Several attempts to accept it take place meanwhile.
    let spent = cpu_ticks(&process);
    sleep(Duration::from_millis(300)).await;
    assert!(cpu_ticks(&process) - spent < 20, "the process is busy");
    assert!(!second.has_arrived());
    limit_descriptors(&process, None);
    assert!(second.response().await.contains("alive"));
    process.kill().await;
    while let Some(line) = process.diagnostics.recv().await {
        assert!(!is_refusal(&line), "{line}");
    }
}

/// Returns the CPU time of a process in ticks, of which a second has a hundred.
fn cpu_ticks(process: &Process) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.child.id().expect("a running process"))).unwrap();
    let fields = stat.rsplit(')').next().expect("fields").split_whitespace().collect::<Vec<_>>();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}
