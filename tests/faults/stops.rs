//! Signals to stop, twice within 50 ms while streams run, and a start while the database is locked.

use std::time::{Duration, Instant};

use tokio::{task::JoinSet, time::sleep};

use crate::{
    environment::{CLIENTS, Environment, wait_for_readiness},
    fakes::model::{Behaviour, Pace, Script},
    load::Client,
    measurement::Reference,
    table::{Fault, Figures, Scale},
};

pub fn faults() -> Vec<Fault> {
    vec![
        Fault {
            name: "SIGTERM twice within 50 ms",
            play: |_| Box::pin(terminate_twice()),
            seconds: 5.0,
            reason: "a restart, after running streams have ended",
        },
        Fault {
            name: "start with a locked database",
            play: |scale| Box::pin(start_locked(scale)),
            seconds: 5.0,
            reason: "a start tries the database every 2 s",
        },
    ]
}

async fn start_locked(scale: Scale) -> Figures {
    let mut environment = Environment::running(&[]).await;
    let load = environment.load();
    load.wait_for(50).await;
    environment.process().kill().await;
    let (lock, client) = (environment.setup.lock_database().await, environment.client());
    let unlock = async {
        wait_for_readiness(&client, 503).await;
        sleep(scale.duration()).await;
        lock.release().await;
        Instant::now()
    };
    let ((), released) = tokio::join!(environment.start(), unlock);
    let seconds = load.recovery(released).await;
    load.wait_for(50).await;
    environment.measure(load, seconds, Reference::Log).await
}

async fn terminate_twice() -> Figures {
    let mut environment = Environment::running(&[]).await;
    let pace = Pace::Every(Duration::from_millis(50));
    environment.model.set_behaviour(Behaviour::Stream(Script { pace, ..Script::default() }));
    let (client, mut streams) = (Client::new(environment.address), JoinSet::new());
    for number in 0..CLIENTS {
        let client = client.clone();
        streams.spawn(async move { client.ask(number, true).await });
    }
    environment.model.wait_for_open_responses(CLIENTS).await;
    environment.process().terminate();
    sleep(Duration::from_millis(20)).await;
    environment.process().terminate();
    let answered = streams.join_all().await.into_iter().flatten().collect::<Vec<_>>();
    let exit = environment.process().exit_code().await;
    let ended = Instant::now();
    environment.start().await;
    environment.model.set_behaviour(Behaviour::Echo);
    let load = environment.load();
    let seconds = load.recovery(ended).await;
    let mut all = load.stop().await;
    all.extend(answered.iter().cloned());
    let mut figures = environment.measure_answered(&all, seconds, Reference::Log).await;
    figures.lost = figures.lost.max(CLIENTS - answered.len());
    figures.expect(exit == Some(0), format!("the exit code was {exit:?}"));
    figures
}
