//! Requests with an `Idempotency-Key` that are repeated after a fault.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use tokio::{
    task::{JoinSet, spawn_blocking},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use crate::{
    environment::{CLIENTS, Environment},
    load::Client,
    postgres::cluster,
    table::{Fault, Figures, Scale},
};

/// Cuts all connections of the program to its PostgreSQL database.
const CUT_CONNECTIONS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                               WHERE datname = current_database() AND pid <> pg_backend_pid()";

pub fn faults() -> Vec<Fault> {
    vec![
        Fault {
            name: "keys repeated after kill -9",
            play: |scale| Box::pin(kill(scale)),
            seconds: 5.0,
            reason: "a restart; the log has the texts",
        },
        Fault {
            name: "keys repeated after a lock of the database",
            play: |scale| Box::pin(lock(scale)),
            seconds: 3.0,
            reason: "the database is tried again every 0.5 s",
        },
        Fault {
            name: "keys repeated, PostgreSQL connections cut",
            play: |scale| Box::pin(cut_connections(scale)),
            seconds: 5.0,
            reason: "the database is tried again every 0.5 s",
        },
    ]
}

async fn kill(scale: Scale) -> Figures {
    let mut environment = Environment::running(&[("SESSION_LOG_CONTENT", "on")]).await;
    let mut figures = Figures::default();
    for round in 0..scale.rounds(2, 20) {
        let clients = KeyedClients::start(&environment, round).await;
        let killed = Instant::now();
        environment.kill().await;
        clients.repeat(&environment, killed, &mut figures).await;
    }
    figures
}

async fn lock(scale: Scale) -> Figures {
    let environment = Environment::running(&[]).await;
    let mut figures = Figures::default();
    for round in 0..scale.rounds(1, 10) {
        let clients = KeyedClients::start(&environment, round).await;
        let lock = environment.setup.lock_database().await;
        sleep(Duration::from_secs(2)).await;
        lock.release().await;
        let released = Instant::now();
        environment.wait_for_readiness(200).await;
        clients.repeat(&environment, released, &mut figures).await;
    }
    figures
}

/// Also a question that failed must get an answer when it is repeated.
async fn cut_connections(scale: Scale) -> Figures {
    let database = spawn_blocking(|| cluster::shared().database()).await.expect("a database");
    let environment = Environment::running(&[("DATABASE_URL", database.as_str())]).await;
    let mut figures = Figures::default();
    for round in 0..scale.rounds(2, 20) {
        let clients = KeyedClients::start(&environment, round).await;
        for _ in 0..10 {
            environment.setup.change_database(CUT_CONNECTIONS).await;
            sleep(Duration::from_millis(20)).await;
        }
        let cut = Instant::now();
        environment.wait_for_readiness(200).await;
        let refused = clients.repeat(&environment, cut, &mut figures).await;
        let client = Client::new(environment.address);
        for key in refused {
            let is_answered = client.ask_with_key(&key).await.is_some();
            figures.expect(is_answered, format!("key {key} can no longer be used"));
        }
    }
    figures
}

/// Clients that ask one question after the other, each with a key of its own, until one is not answered.
struct KeyedClients {
    clients: JoinSet<Keys>,
    enough: CancellationToken,
}

#[derive(Default)]
struct Keys {
    /// The keys with their answers.
    answered: Vec<(String, String)>,
    refused: Option<String>,
}

impl KeyedClients {
    /// Starts the clients and waits until the model was asked often.
    async fn start(environment: &Environment, round: usize) -> Self {
        let calls = environment.model.call_count();
        let mut this = Self { clients: JoinSet::new(), enough: CancellationToken::new() };
        let client = Client::new(environment.address);
        for number in 0..CLIENTS {
            this.clients.spawn(ask(client.clone(), format!("{round}-{number}"), this.enough.clone()));
        }
        environment.model.wait_for_calls(calls + 200).await;
        this
    }

    /// Repeats the questions that were answered before a fault or during it. They count as lost unless they get the same
    /// answer again, and as doubled if they get another turn. Returns the keys that were refused.
    async fn repeat(self, environment: &Environment, ended: Instant, figures: &mut Figures) -> Vec<String> {
        let client = Client::new(environment.address);
        self.enough.cancel();
        let keys = self.clients.join_all().await;
        let turns = environment.chat_lines().0.len();
        let answered = keys.iter().flat_map(|keys| &keys.answered).collect::<Vec<_>>();
        client.ask_with_key(&answered[0].0).await;
        figures.seconds = figures.seconds.max(ended.elapsed().as_secs_f64());
        figures.answered += answered.len();
        let repetitions = stream::iter(answered);
        let repetitions =
            repetitions.map(async |(key, answer)| client.ask_with_key(key).await.as_ref() != Some(answer));
        let lost = repetitions.buffer_unordered(CLIENTS).map(usize::from);
        figures.lost += lost.fold(0, async |lost, one| lost + one).await;
        figures.doubled += environment.chat_lines().0.len() - turns;
        keys.into_iter().filter_map(|keys| keys.refused).collect()
    }
}

async fn ask(client: Client, prefix: String, enough: CancellationToken) -> Keys {
    let mut keys = Keys::default();
    while !enough.is_cancelled() {
        let key = format!("{prefix}-{}", keys.answered.len());
        match client.ask_with_key(&key).await {
            Some(answer) => keys.answered.push((key, answer)),
            None => return Keys { refused: Some(key), ..keys },
        }
    }
    keys
}
