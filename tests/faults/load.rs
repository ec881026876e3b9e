//! Clients that ask one question after the other, and note what became of each.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::support::service::wait_until;

/// The pause of a client after a question that was not answered.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(20);

/// What a client got for its question.
#[derive(Debug)]
pub enum Outcome {
    /// The turn with this request id was answered as a whole: with 200, and a stream up to its end.
    Answered(String),
    /// An error with this status and code.
    Refused(u16, String),
    /// No answer, or a part of one.
    Broken,
}

impl Outcome {
    /// Returns the id of the answered turn.
    pub fn answered(&self) -> Option<&str> {
        if let Self::Answered(id) = self { Some(id) } else { None }
    }
}

/// A question that has got its outcome. No two of a load are equal.
pub struct Asked {
    pub question: String,
    pub outcome: Outcome,
    at: Instant,
}

/// Running clients. Each fourth question of a client is streamed.
pub struct Load {
    asked: Arc<Mutex<Vec<Asked>>>,
    clients: JoinSet<()>,
    enough: CancellationToken,
}

impl Load {
    /// Starts clients, each of which waits for this pause after an answer.
    pub fn start(address: SocketAddr, clients: usize, pause: Duration) -> Self {
        Self::start_in((0..clients).map(|number| format!("session-{number}")), address, pause)
    }

    /// Starts a client for each of these sessions.
    pub fn start_in(sessions: impl Iterator<Item = String>, address: SocketAddr, pause: Duration) -> Self {
        let load = Self { asked: Arc::default(), clients: JoinSet::new(), enough: CancellationToken::new() };
        let client = Client::new(address);
        sessions.enumerate().fold(load, |mut load, (number, session)| {
            let (client, asked, enough) = (client.clone(), Arc::clone(&load.asked), load.enough.clone());
            load.clients.spawn(async move {
                for count in 0.. {
                    let question = format!("{session} asks {count}");
                    let outcome = client.ask_in(&session, number, &question, count % 4 == 3).await;
                    let pause = if outcome.answered().is_some() { pause } else { PAUSE_AFTER_FAILURE };
                    lock(&asked).push(Asked { question, outcome, at: Instant::now() });
                    sleep(pause).await;
                    if enough.is_cancelled() {
                        return;
                    }
                }
            });
            load
        })
    }

    pub fn answered(&self) -> usize {
        lock(&self.asked).iter().filter(|asked| asked.outcome.answered().is_some()).count()
    }

    /// Waits until further turns are answered.
    pub async fn wait_for(&self, count: usize) {
        let enough = self.answered() + count;
        wait_until("answered turns", async || (self.answered() >= enough).then_some(())).await;
    }

    /// Waits until a further question is refused.
    pub async fn wait_for_refusals(&self) {
        let is_refused = |asked: &&Asked| matches!(asked.outcome, Outcome::Refused(..));
        let refused = || lock(&self.asked).iter().filter(is_refused).count();
        let before = refused();
        wait_until("a refused question", async || (refused() > before).then_some(())).await;
    }

    /// Waits for a turn that is answered after a time. Returns the seconds between.
    pub async fn recovery(&self, after: Instant) -> f64 {
        let first = async || {
            let asked = lock(&self.asked);
            let later = asked.iter().rev().take_while(|asked| asked.at > after);
            later.filter(|asked| asked.outcome.answered().is_some()).map(|asked| asked.at).min()
        };
        let first = wait_until("an answered turn", first).await;
        first.duration_since(after).as_secs_f64()
    }

    /// Ends the clients after their last answer. Returns the ids of the answered turns.
    pub async fn stop(self) -> Vec<String> {
        let asked = self.end().await;
        asked.iter().filter_map(|asked| asked.outcome.answered()).map(str::to_owned).collect()
    }

    /// Ends the clients after their last question, and returns all questions.
    pub async fn end(self) -> Vec<Asked> {
        self.enough.cancel();
        self.clients.join_all().await;
        std::mem::take(&mut lock(&self.asked))
    }
}

fn lock(asked: &Mutex<Vec<Asked>>) -> MutexGuard<'_, Vec<Asked>> {
    asked.lock().expect("no client has panicked")
}

/// A client of the service. Clones share its connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
}

impl Client {
    #[expect(clippy::disallowed_methods, reason = "a client of the tests, not of the service")]
    pub fn new(address: SocketAddr) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_mins(1)).build().expect("a client");
        Self { http, url: format!("http://{address}/api/chat") }
    }

    /// Asks a question. Returns the id of its turn if it was answered as a whole.
    pub async fn ask(&self, number: usize, stream: bool) -> Option<String> {
        let outcome = self.ask_in(&format!("session-{number}"), number, "hello", stream).await;
        outcome.answered().map(str::to_owned)
    }

    /// Asks a question in a session, as the client with this number.
    pub async fn ask_in(&self, session: &str, number: usize, question: &str, stream: bool) -> Outcome {
        let username = format!("client-{number}");
        let body = json!({ "message": question, "username": username, "session_id": session, "stream": stream });
        let Ok(response) = self.request(&body).send().await else { return Outcome::Broken };
        let status = response.status().as_u16();
        let id = response.headers().get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
        let Ok(text) = response.text().await else { return Outcome::Broken };
        if status != 200 {
            let code = serde_json::from_str::<Value>(&text).unwrap_or_default()["code"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            return Outcome::Refused(status, code);
        }
        let is_whole = !stream || (text.contains("event: done") && text.contains("\"finish_reason\":\"complete\""));
        if is_whole { Outcome::Answered(id) } else { Outcome::Broken }
    }

    /// Asks a question of its own with this `Idempotency-Key`. Returns the body of the answer.
    pub async fn ask_with_key(&self, key: &str) -> Option<String> {
        let body = json!({ "message": format!("question {key}") });
        let request = self.request(&body).header("idempotency-key", key);
        request.send().await.ok()?.error_for_status().ok()?.text().await.ok()
    }

    fn request(&self, body: &Value) -> reqwest::RequestBuilder {
        self.http.post(&self.url).header("content-type", "application/json").body(body.to_string())
    }
}
