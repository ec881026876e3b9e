//! A socket that systemd passes to the program: restarts, and who may read what.

use std::{
    collections::BTreeSet,
    net::{SocketAddr, TcpListener, UdpSocket},
    os::fd::OwnedFd,
    sync::Arc,
    time::Duration,
};

use reqwest::StatusCode;
use serde_json::json;
use tokio::{
    process::Command,
    sync::Semaphore,
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::{
    command_line::output_of,
    fakes::model::FakeModel,
    support::{
        client::Client,
        service::{Process, TestSetup},
    },
};

const RESTARTS: usize = 10;

/// The time between two questions: 100 a second.
const QUESTION_INTERVAL: Duration = Duration::from_millis(10);

/// The time before a client repeats a question.
const REPETITION_PAUSE: Duration = Duration::from_millis(50);

/// The most repetitions of one question.
const MAX_REPETITIONS: usize = 400;

/// Returns a command that runs the program with this socket as systemd passes it: as descriptor 3.
fn command_with(setup: &TestSetup, socket: OwnedFd) -> Command {
    let script = "exec 3<&0 </dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$0\"";
    let mut command = setup.command_by_script(script);
    command.stdin(socket);
    command
}

/// A socket that this process holds, as systemd does.
#[derive(Clone)]
struct HeldSocket(Arc<TcpListener>);

impl HeldSocket {
    fn bind(address: &str) -> Self {
        Self(Arc::new(TcpListener::bind(address).expect("a free port")))
    }

    fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("an address")
    }

    async fn start(&self, setup: &TestSetup) -> Process {
        let socket = self.0.try_clone().expect("a descriptor");
        setup.start_command(command_with(setup, socket.into())).await
    }
}

/// Asks a question until it is answered, with the same `Idempotency-Key`. Fails if a connection is refused.
async fn ask_until_answered(client: Client, number: usize) {
    let is_streamed = number.is_multiple_of(2);
    // Every other pair of questions opens connections of their own.
    let connection = if number % 4 < 2 { "keep-alive" } else { "close" };
    let body = json!({ "message": format!("question {number}"), "stream": is_streamed });
    for _ in 0..MAX_REPETITIONS {
        let request = client.json_request("/api/chat", &body).header("idempotency-key", format!("key-{number}"));
        let answered = async {
            let answer = request.header("connection", connection).send().await?;
            Ok((answer.status(), answer.text().await?))
        };
        match answered.await {
            Ok((StatusCode::OK, text)) => {
                assert!(!is_streamed || text.contains("event: done"), "{text}");
                return;
            }
            Ok((status, text)) => assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{text}"),
            // A connection may be closed before it has brought an answer.
            Err(error) => assert_not_refused(&error),
        }
        tokio::time::sleep(REPETITION_PAUSE).await;
    }
    panic!("question {number} was never answered");
}

fn assert_not_refused(error: &reqwest::Error) {
    assert!(!error.is_connect() && !error.is_timeout(), "{error:?}");
}

#[tokio::test]
async fn ten_restarts_with_a_passed_socket_refuse_no_connection() {
    let model = FakeModel::start().await;
    // A database server makes each start and stop slower, and has no part in who accepts a connection.
    let setup = TestSetup::for_model(&model).on_sqlite();
    let socket = HeldSocket::bind("127.0.0.1:0");
    let mut process = socket.start(&setup).await;
    assert_eq!(process.address, socket.address());
    let (client, done) = (Client::new(socket.address()), CancellationToken::new());
    let answered = Arc::new(Semaphore::new(0));
    let asking = async {
        let (mut ticks, mut turns, mut asked) = (interval(QUESTION_INTERVAL), JoinSet::new(), 0);
        // On a slow machine fewer are asked.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !done.is_cancelled() {
            ticks.tick().await;
            let (client, answered) = (client.clone(), Arc::clone(&answered));
            turns.spawn(async move {
                ask_until_answered(client, asked).await;
                answered.add_permits(1);
            });
            asked += 1;
            while let Some(turn) = turns.try_join_next() {
                turn.expect("an answer");
            }
        }
        while let Some(turn) = turns.join_next().await {
            turn.expect("an answer");
        }
        asked
    };
    let restarting = async {
        for _ in 0..RESTARTS {
            // Some questions are answered between two restarts.
            answered.acquire_many(20).await.expect("an open semaphore").forget();
            process.terminate();
            assert_eq!(process.exit_code().await, Some(0));
            process = socket.start(&setup).await;
        }
        done.cancel();
    };
    let (asked, ()) = tokio::join!(asking, restarting);
    process.terminate();
    assert_eq!(process.exit_code().await, Some(0));
    // Turns that were refused while the service stopped have a code, and were not answered.
    let mut answered = setup.log_lines("chat");
    answered.retain(|line| line["code"].is_null());
    let turns = answered.iter().map(|line| line["request_id"].as_str().expect("an id")).collect::<BTreeSet<_>>();
    assert_eq!((answered.len(), turns.len(), model.call_count()), (asked, asked, asked));
    assert_eq!(setup.log_lines("service_start").len(), RESTARTS + 1);
}

#[tokio::test]
async fn a_passed_socket_decides_who_may_read_metrics() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).with("ADMIN_TOKEN", "Wq8nR2vTz5LxYb1kCd7uHs9aFg3eJm6P");
    for (address, status) in [("127.0.0.1:0", 200), ("0.0.0.0:0", 401)] {
        let mut process = HeldSocket::bind(address).start(&setup).await;
        let client = Client::new(SocketAddr::from(([127, 0, 0, 1], process.address.port())));
        assert_eq!(client.get("/metrics").await.status, status, "{address}");
        process.terminate();
        assert_eq!(process.exit_code().await, Some(0));
    }
}

#[tokio::test]
async fn another_socket_than_one_of_tcp_is_refused() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let output = output_of(command_with(&setup, socket.into())).await;
    assert_eq!(output.code, Some(2));
    assert!(output.err.contains("ListenStream"), "{}", output.err);
}
