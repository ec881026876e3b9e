//! More clients than file descriptors.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::{
    load::Load,
    table::{Fault, Figures, Scale},
    verdict::Witness,
    world::World,
};

pub fn faults() -> Vec<Fault> {
    vec![Fault {
        name: "nofile 64, 300 clients",
        play: |scale| Box::pin(without_descriptors(scale)),
        seconds: 2.0,
        reason: "a connection must become free",
    }]
}

async fn without_descriptors(scale: Scale) -> Figures {
    let mut world = World::new(&[]).await;
    world.start_by_script("ulimit -n 64; exec \"$0\"").await;
    let load = Load::start(world.address, 300, Duration::ZERO);
    sleep(scale.duration()).await;
    let (answered, asked) = (load.answered(), world.model.call_count());
    let answered_in_time = load.stop();
    let all = answered_in_time.await;
    let ended = Instant::now();
    let next = world.load();
    let seconds = next.recovery(ended).await;
    let all = [all, next.stop().await].concat();
    let mut figures = world.judge_answered(&all, seconds, Witness::Log).await;
    figures.expect(answered > 0, format!("none of {asked} turns was answered while descriptors lacked"));
    figures
}
