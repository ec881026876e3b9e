//! Clients that ask one question after the other, and note which were answered.

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

/// A turn that was answered as a whole: with 200, and a stream up to its end.
pub struct Answered {
    pub id: String,
    at: Instant,
}

/// Running clients. Each fourth question of a client is streamed.
pub struct Load {
    answered: Arc<Mutex<Vec<Answered>>>,
    clients: JoinSet<()>,
    enough: CancellationToken,
}

impl Load {
    /// Starts clients, each of which waits for this pause after an answer.
    pub fn start(address: SocketAddr, clients: usize, pause: Duration) -> Self {
        let load = Self { answered: Arc::default(), clients: JoinSet::new(), enough: CancellationToken::new() };
        let client = Client::new(address);
        (0..clients).fold(load, |mut load, number| {
            let (client, answered, enough) = (client.clone(), Arc::clone(&load.answered), load.enough.clone());
            load.clients.spawn(async move {
                for question in 0.. {
                    let asked = client.ask(number, question % 4 == 3);
                    let asked = asked.await.map(|id| lock(&answered).push(Answered { id, at: Instant::now() }));
                    sleep(if asked.is_some() { pause } else { PAUSE_AFTER_FAILURE }).await;
                    if enough.is_cancelled() {
                        return;
                    }
                }
            });
            load
        })
    }

    pub fn answered(&self) -> usize {
        lock(&self.answered).len()
    }

    /// Waits until further turns are answered.
    pub async fn wait_for(&self, count: usize) {
        let enough = self.answered() + count;
        wait_until("answered turns", async || (self.answered() >= enough).then_some(())).await;
    }

    /// Waits for a turn that is answered after a time. Returns the seconds between.
    pub async fn recovery(&self, after: Instant) -> f64 {
        let first = async || lock(&self.answered).iter().rev().map(|turn| turn.at).filter(|at| *at > after).min();
        let first = wait_until("an answered turn", first).await;
        first.duration_since(after).as_secs_f64()
    }

    /// Ends the clients after their last answer. Returns the ids of the answered turns.
    pub async fn stop(self) -> Vec<String> {
        self.enough.cancel();
        self.clients.join_all().await;
        lock(&self.answered).drain(..).map(|turn| turn.id).collect()
    }
}

fn lock(answered: &Mutex<Vec<Answered>>) -> MutexGuard<'_, Vec<Answered>> {
    answered.lock().expect("no client has panicked")
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
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().expect("a client");
        Self { http, url: format!("http://{address}/api/chat") }
    }

    /// Asks a question. Returns the id of its turn if it was answered as a whole.
    pub async fn ask(&self, number: usize, stream: bool) -> Option<String> {
        let (name, session) = (format!("client-{number}"), format!("session-{number}"));
        let body = json!({ "message": "hello", "username": name, "session_id": session, "stream": stream });
        let response = self.request(&body).send().await.ok()?.error_for_status().ok()?;
        let id = response.headers().get("x-request-id")?.to_str().ok()?.to_owned();
        let text = response.text().await.ok()?;
        let is_whole = !stream || (text.contains("event: done") && text.contains("\"finish_reason\":\"complete\""));
        is_whole.then_some(id)
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
