//! Writes that neither fail nor end: a session log on a disk that is frozen, and a database that does not answer.
//!
//! A pipe whose buffer is full stands for the frozen disk: a write to it blocks until the test reads the pipe.

use std::{
    fs::{self, File},
    io::{ErrorKind, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
};

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    fakes::model::{Behaviour, FakeModel, Gate},
    session_log::assert_refused,
    support::{
        client::{Client, HttpResponse},
        manual_clock::ManualClock,
        service::{Service, TestSetup, wait_until},
    },
};

/// A full pipe in place of the day's file.
struct StalledLog {
    pipe: File,
    written: Vec<u8>,
    path: PathBuf,
    aside: PathBuf,
}

impl StalledLog {
    /// Replaces the log file of [`start`]'s day.
    fn replace(setup: &TestSetup) -> Self {
        let path = setup.log_dir().join("session_2026-05-04.log");
        let aside = setup.path().join("aside");
        fs::rename(&path, &aside).unwrap();
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap();
        let mut pipe = File::options().read(true).write(true).custom_flags(flags).open(&path).unwrap();
        loop {
            match pipe.write(&[b'\n'; 4096]) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return Self { pipe, written: Vec::new(), path, aside };
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Reads what has been written, so that writes go on. Later ones go to the file again.
    async fn thaw(&mut self, waiting: &mut JoinSet<HttpResponse>) -> Vec<HttpResponse> {
        fs::rename(&self.aside, &self.path).unwrap();
        let mut answers = Vec::new();
        wait_until("answers after the standstill", async || {
            if let Err(error) = self.pipe.read_to_end(&mut self.written) {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
            }
            answers.extend(waiting.try_join_next().map(Result::unwrap));
            waiting.is_empty().then_some(())
        })
        .await;
        answers
    }

    /// Returns the ids of the turns whose lines have been written to the pipe.
    fn chat_ids(&self) -> Vec<String> {
        let lines = self.written.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let lines = lines.map(|line| serde_json::from_slice::<Value>(line).expect("a whole line"));
        let chats = lines.filter(|line| line["event"] == "chat");
        chats.map(|line| line["request_id"].as_str().unwrap().to_owned()).collect()
    }
}

async fn start(settings: &[(&str, &str)]) -> (FakeModel, TestSetup, Service) {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).with_all(settings);
    let service = setup.start_with_clock(ManualClock::at("2026-05-04T12:00:00Z").clock("UTC")).await;
    service.client.chat("before").await.assert_ok();
    (model, setup, service)
}

fn spawn_chats(client: &Client, turns: &mut JoinSet<HttpResponse>, count: usize) {
    for _ in 0..count {
        let client = client.clone();
        turns.spawn(async move { client.chat("hello").await });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_stands_still_refuses_only_new_turns() {
    let (model, setup, service) = start(&[]).await;
    let client = &service.client;
    let mut log = StalledLog::replace(&setup);
    let mut waiting = JoinSet::new();
    spawn_chats(client, &mut waiting, 3);
    model.wait_for_calls(4).await;
    client.wait_for_readiness(503).await;
    for _ in 0..5 {
        assert_refused(client).await;
    }
    client.get("/api/health/live").await.assert_ok();
    assert_eq!((model.call_count(), waiting.try_join_next().is_some()), (4, false));

    let answers = log.thaw(&mut waiting).await;
    let mut answered = answers.iter().map(|answer| answer.assert_ok()["request_id"].as_str().unwrap().to_owned());
    let mut answered = answered.by_ref().collect::<Vec<_>>();
    client.wait_for_readiness(200).await;
    client.chat("after").await.assert_ok();
    // The lines that were written together with the one in the pipe.
    let mut logged = log.chat_ids();
    logged.extend(setup.log_lines("chat").iter().skip(1).map(|line| line["request_id"].as_str().unwrap().to_owned()));
    logged.pop();
    answered.sort();
    logged.sort();
    assert_eq!(logged, answered);
    assert_eq!(client.get("/api/openai/usage").await.assert_ok()["request_count"], 5);
    assert!(setup.log_lines("log_gap").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queued_turn_is_not_asked_while_the_log_stands_still() {
    let (model, setup, service) = start(&[("MAX_TURNS", "1"), ("TURN_QUEUE", "1")]).await;
    let client = &service.client;
    let gate = Gate::new();
    model.behave_once(Behaviour::Held(gate.clone()));
    let (mut asked, mut queued) = (JoinSet::new(), JoinSet::new());
    spawn_chats(client, &mut asked, 1);
    model.wait_for_calls(2).await;
    spawn_chats(client, &mut queued, 1);
    wait_until("a queued turn", async || {
        let metrics = client.get("/metrics").await.text;
        metrics.contains("al_chat_turns_waiting 1\n").then_some(())
    })
    .await;

    let mut log = StalledLog::replace(&setup);
    let starting = client.clone();
    asked.spawn(async move { starting.post("/api/session/start", &json!({})).await });
    client.wait_for_readiness(503).await;
    gate.open();
    queued.join_next().await.unwrap().unwrap().assert_error(503, "session_log_unavailable");
    assert_eq!((model.call_count(), asked.len()), (2, 2));
    for answer in log.thaw(&mut asked).await {
        answer.assert_ok();
    }
    assert_eq!(client.get("/api/openai/usage").await.assert_ok()["request_count"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_does_not_answer_refuses_turns_soon() {
    let (model, setup, service) = start(&[("DATABASE_STATEMENT_TIMEOUT", "1m")]).await;
    let client = &service.client;
    let lock = setup.lock_database().await;
    let refused = wait_until("a refused turn", async || {
        let answer = client.chat("hello").await;
        (answer.status != 200).then_some(answer)
    })
    .await;
    refused.assert_error(503, "storage_unavailable");
    client.wait_for_readiness(503).await;
    let calls = model.call_count();
    client.chat("hello").await.assert_error(503, "storage_unavailable");
    assert_eq!(model.call_count(), calls);
    lock.release().await;
    client.wait_for_readiness(200).await;
    assert_eq!(client.get("/api/openai/usage").await.assert_ok()["request_count"], calls);
    assert_eq!(setup.log_lines("chat").len(), calls);
}
