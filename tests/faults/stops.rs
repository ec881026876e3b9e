//! Signals to stop: twice within 50 ms while streams run.

use std::time::{Duration, Instant};

use tokio::{task::JoinSet, time::sleep};

use crate::{
    fakes::model::{Behaviour, Pace, Script},
    load::Client,
    table::{Fault, Figures},
    verdict::Witness,
    world::{CLIENTS, World},
};

pub fn faults() -> Vec<Fault> {
    vec![Fault {
        name: "SIGTERM twice within 50 ms",
        play: |_| Box::pin(terminate_twice()),
        seconds: 5.0,
        reason: "a restart, after running streams have ended",
    }]
}

async fn terminate_twice() -> Figures {
    let mut world = World::running(&[]).await;
    let pace = Pace::Every(Duration::from_millis(50));
    world.model.set_behaviour(Behaviour::Stream(Script { pace, ..Script::default() }));
    let (client, mut streams) = (Client::new(world.address), JoinSet::new());
    for number in 0..CLIENTS {
        let client = client.clone();
        streams.spawn(async move { client.ask(number, true).await });
    }
    world.model.wait_for_open_responses(CLIENTS).await;
    world.process().terminate();
    sleep(Duration::from_millis(20)).await;
    world.process().terminate();
    let answered = streams.join_all().await.into_iter().flatten().collect::<Vec<_>>();
    let exit = world.process().exit_code().await;
    let ended = Instant::now();
    world.start().await;
    world.model.set_behaviour(Behaviour::Echo);
    let load = world.load();
    let seconds = load.recovery(ended).await;
    let mut all = load.stop().await;
    all.extend(answered.iter().cloned());
    let mut figures = world.judge_answered(&all, seconds, Witness::Log).await;
    figures.lost = figures.lost.max(CLIENTS - answered.len());
    figures.expect(exit == Some(0), format!("the exit code was {exit:?}"));
    figures
}
