//! More clients than file descriptors.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::{
    environment::Environment,
    load::Load,
    measurement::Reference,
    table::{Fault, Figures, Scale},
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
    let mut environment = Environment::new(&[]).await;
    environment.start_by_script("ulimit -n 64; exec \"$0\"").await;
    let load = Load::start(environment.address, 300, Duration::ZERO);
    sleep(scale.duration()).await;
    let (answered, asked) = (load.answered(), environment.model.call_count());
    let answered_in_time = load.stop();
    let all = answered_in_time.await;
    let ended = Instant::now();
    let next = environment.load();
    let seconds = next.recovery(ended).await;
    let all = [all, next.stop().await].concat();
    let mut figures = environment.measure_answered(&all, seconds, Reference::Log).await;
    figures.expect(answered > 0, format!("none of {asked} turns was answered while descriptors lacked"));
    figures
}
