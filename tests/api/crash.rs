//! SIGKILL under load: what was answered is stored.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};
use tokio::{
    sync::mpsc::{UnboundedSender, unbounded_channel},
    task::JoinSet,
};

use crate::{
    fakes::{model::FakeModel, papita::FakePapita},
    support::{
        client::Client,
        service::{Process, TestSetup, wait_until},
    },
};

const CLIENTS: usize = 16;

/// A response that a client received completely before the program was killed.
enum Received {
    Turn(String),
    Started(String),
    Stopped(String),
}

#[derive(Default)]
struct Answered {
    turns: Vec<String>,
    starts: Vec<String>,
    stops: Vec<String>,
}

impl Answered {
    fn add(&mut self, received: Received) {
        match received {
            Received::Turn(id) => self.turns.push(id),
            Received::Started(id) => self.starts.push(id),
            Received::Stopped(id) => self.stops.push(id),
        }
    }

    /// Runs sixteen concurrent clients and kills the program after `turns` answers.
    async fn add_until_killed(&mut self, process: &mut Process, turns: usize) {
        let (sender, mut received) = unbounded_channel();
        let mut clients = JoinSet::new();
        for number in 0..CLIENTS {
            clients.spawn(run_sessions(process.client.clone(), number, sender.clone()));
        }
        drop(sender);
        let enough = self.turns.len() + turns;
        while let Some(received) = received.recv().await {
            self.add(received);
            if self.turns.len() == enough {
                process.kill().await;
            }
        }
        while let Some(ended) = clients.join_next().await {
            ended.expect("a client without errors");
        }
    }
}

/// Runs sessions of six turns, one after the other, until the program is killed.
async fn run_sessions(client: Client, number: usize, sender: UnboundedSender<Received>) {
    let ask = async |path: &str, body: Value| -> Option<Value> {
        let answer = client.try_send(client.json_request(path, &body)).await.ok()?;
        Some(answer.assert_ok())
    };
    let text = |value: &Value| value.as_str().expect("an id").to_owned();
    let _ = async {
        loop {
            let session = text(&ask("/api/session/start", json!({})).await?["session_id"]);
            sender.send(Received::Started(session.clone())).ok()?;
            for turn in 0..6 {
                let message = format!("turn {turn} of client {number}");
                let body = json!({ "message": message, "username": format!("client-{number}"), "session_id": session });
                let answer = ask("/api/chat", body).await?;
                sender.send(Received::Turn(text(&answer["request_id"]))).ok()?;
            }
            ask("/api/session/stop", json!({ "session_id": session })).await?;
            sender.send(Received::Stopped(session)).ok()?;
        }
        #[expect(unreachable_code, reason = "gives the loop's block its type")]
        Some(())
    }
    .await;
}

/// Counts how often each value of `field` occurs in the log lines of this event.
pub fn tally(log: &[Value], event: &str, field: &str) -> HashMap<String, usize> {
    let mut tally = HashMap::new();
    for line in log.iter().filter(|line| line["event"] == event) {
        *tally.entry(line[field].as_str().unwrap_or_default().to_owned()).or_default() += 1;
    }
    tally
}

#[track_caller]
pub fn assert_each_once(answered: &[String], logged: &HashMap<String, usize>, what: &str) {
    let wrong = answered.iter().filter(|id| logged.get(*id) != Some(&1));
    let wrong = wrong.map(|id| (id, logged.get(id))).collect::<Vec<_>>();
    assert!(
        wrong.is_empty(),
        "{} of {} answered {what} are not logged exactly once: {wrong:?}",
        wrong.len(),
        answered.len()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_before_sigkill_are_logged_and_counted_once() {
    const ROUNDS: usize = 3;
    let model = FakeModel::start().await.without_recording();
    let setup = TestSetup::for_model(&model);
    let mut answered = Answered::default();
    let mut process = setup.start_process().await;
    for round in 1..=ROUNDS {
        answered.add_until_killed(&mut process, 250).await;
        process = setup.start_process().await;

        // Reading the log fails on an incomplete line.
        let log = setup.log();
        assert_each_once(&answered.turns, &tally(&log, "chat", "request_id"), "turns");
        assert_each_once(&answered.starts, &tally(&log, "session_start", "session_id"), "starts");
        assert_each_once(&answered.stops, &tally(&log, "session_stop", "session_id"), "stops");
        let starts = log.iter().filter(|line| line["event"] == "service_start");
        assert_eq!(starts.count(), round + 1);
        let totals = process.client.get("/api/openai/usage").await.assert_ok();
        let counted = usize::try_from(totals["request_count"].as_u64().unwrap()).unwrap();
        let in_log = log.iter().filter(|line| line["event"] == "chat" && line["status"] == 200).count();
        assert_eq!(counted, in_log, "the log and the totals differ");
        assert_eq!(totals["total_tokens"], counted * 18);
    }
    assert!(setup.log_lines("service_stop").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn usage_records_reach_papita_after_sigkill_and_an_outage() {
    let model = FakeModel::start().await.without_recording();
    let papita = FakePapita::start().await;
    papita.serve_key("sk-papita");
    let setup = TestSetup::for_papita(&model, &papita);
    let mut process = setup.start_process().await;
    process.client.chat("to meet Papita").await.assert_ok();
    papita.wait_for_usage(1).await;
    papita.stop().await;

    let mut answered = Answered::default();
    answered.add_until_killed(&mut process, 100).await;
    assert!(papita.usage().len() <= 1, "Papita was down");
    papita.restart().await;
    let _process = setup.start_process().await;

    let answered = answered.turns.into_iter().collect::<HashSet<_>>();
    wait_until("the usage record of every answered turn", async || {
        let arrived = papita.usage_keys().into_iter().flatten().collect::<HashSet<_>>();
        answered.is_subset(&arrived).then_some(())
    })
    .await;
    let reports = papita.usage();
    assert!(reports.iter().all(|report| report["projectId"] == "al-chat" && report["totalTokens"] == 18));
}
