//! `kill -9` under load, again and again, and in the middle of streams.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use tokio::{
    task::{JoinSet, spawn_blocking},
    time::sleep,
};

use crate::{
    environment::{CLIENTS, Environment},
    fakes::model::{Behaviour, Pace, Script},
    load::Client,
    measurement::Reference,
    postgres::cluster,
    table::{Fault, Figures, Scale},
};

pub fn faults(reason: &'static str) -> Vec<Fault> {
    vec![
        Fault {
            name: "kill -9, SQLite",
            play: |scale| Box::pin(async move { kill(Environment::running(&[]).await, scale.rounds(6, 50)).await }),
            seconds: 5.0,
            reason,
        },
        Fault {
            name: "kill -9, PostgreSQL",
            play: |scale| {
                Box::pin(async move {
                    let database = spawn_blocking(|| cluster::shared().database()).await.expect("a database");
                    kill(Environment::running(&[("DATABASE_URL", database.as_str())]).await, scale.rounds(4, 50)).await
                })
            },
            seconds: 5.0,
            reason,
        },
        Fault {
            name: "streams cut by kill -9",
            play: |scale| Box::pin(cut_streams(scale)),
            seconds: 5.0,
            reason: "a restart; each stream of more than a second has a line",
        },
        Fault {
            name: "keys repeated after kill -9",
            play: |scale| Box::pin(repeat_keys(scale)),
            seconds: 5.0,
            reason: "a restart; the log has the texts",
        },
    ]
}

async fn kill(mut environment: Environment, rounds: usize) -> Figures {
    let load = environment.load();
    let mut seconds = 0_f64;
    for _ in 0..rounds {
        load.wait_for(50).await;
        let killed = Instant::now();
        environment.kill().await;
        seconds = seconds.max(load.recovery(killed).await);
    }
    environment.measure(load, seconds, Reference::Log).await
}

/// Kills the program while streams run. They count as lost unless the next start logs and reports them.
async fn cut_streams(scale: Scale) -> Figures {
    let mut environment = Environment::running(&[]).await;
    let words = Script {
        pieces: vec!["word ".to_owned(); 100],
        pace: Pace::Every(Duration::from_millis(100)),
        ..Script::default()
    };
    let (mut seconds, mut cut, mut answered) = (0_f64, 0, Vec::new());
    for _ in 0..scale.rounds(1, 10) {
        environment.model.set_behaviour(Behaviour::Stream(words.clone()));
        let (client, mut streams) = (Client::new(environment.address), JoinSet::new());
        for number in 0..CLIENTS {
            let client = client.clone();
            streams.spawn(async move { client.ask(number, true).await });
        }
        environment.model.wait_for_open_responses(CLIENTS).await;
        // Recorded after a second, with the next batch of the database.
        sleep(Duration::from_secs(2)).await;
        let killed = Instant::now();
        environment.kill().await;
        cut += streams.join_all().await.iter().filter(|answered| answered.is_none()).count();
        environment.model.set_behaviour(Behaviour::Echo);
        let load = environment.load();
        seconds = seconds.max(load.recovery(killed).await);
        answered.extend(load.stop().await);
    }
    let mut figures = environment.measure_answered(&answered, seconds, Reference::Log).await;
    let mut lines = environment.setup.log_lines("chat");
    lines.retain(|line| line["finish"] == "interrupted");
    let reported = environment.papita.usage_keys().into_iter().flatten().collect::<HashSet<_>>();
    let is_reported = |line: &&serde_json::Value| reported.contains(line["request_id"].as_str().expect("an id"));
    let (logged, complete) = (lines.len(), lines.iter().filter(is_reported).count());
    figures.lost += cut.saturating_sub(complete);
    figures.doubled += logged.saturating_sub(cut);
    figures
        .expect(logged == cut && complete == cut, format!("{cut} streams cut, {logged} logged, {complete} reported"));
    figures
}

/// Kills the program while clients ask with a key for each question. The answered ones count as lost unless a repetition
/// gets the same answer, and as doubled if it gets another turn.
async fn repeat_keys(scale: Scale) -> Figures {
    let mut environment = Environment::running(&[("SESSION_LOG_CONTENT", "on")]).await;
    let mut figures = Figures::default();
    for round in 0..scale.rounds(2, 20) {
        let (client, mut clients) = (Client::new(environment.address), JoinSet::new());
        let calls = environment.model.call_count();
        for number in 0..CLIENTS {
            clients.spawn(ask_until_failure(client.clone(), format!("{round}-{number}")));
        }
        environment.model.wait_for_calls(calls + 200).await;
        let killed = Instant::now();
        environment.kill().await;
        let answered = clients.join_all().await.concat();
        let turns = environment.chat_lines().0.len();
        for (key, answer) in &answered {
            figures.lost += usize::from(client.ask_with_key(key).await.as_ref() != Some(answer));
            if figures.answered == 0 {
                figures.seconds = killed.elapsed().as_secs_f64();
            }
            figures.answered += 1;
        }
        figures.doubled += environment.chat_lines().0.len() - turns;
    }
    figures
}

/// Asks one question after the other, each with a key of its own, until one is not answered. Returns keys and answers.
async fn ask_until_failure(client: Client, prefix: String) -> Vec<(String, String)> {
    let mut answered = Vec::new();
    loop {
        let key = format!("{prefix}-{}", answered.len());
        match client.ask_with_key(&key).await {
            Some(answer) => answered.push((key, answer)),
            None => return answered,
        }
    }
}
