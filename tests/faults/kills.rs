//! `kill -9` under load, again and again, and in the middle of streams.

use std::time::{Duration, Instant};

use tokio::{task::spawn_blocking, time::sleep};

use crate::{
    environment::Environment,
    fakes::model::{Behaviour, Pace, Script},
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
        let streams = environment.open_streams().await;
        // A stream that is open for a second is recorded in a file.
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
    figures.add_cut_turns(cut, environment.cut_turns("interrupted").await);
    figures
}
