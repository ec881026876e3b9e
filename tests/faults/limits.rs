//! Limits of the process: more clients than file descriptors, and a disk that is nearly full.

use std::{
    fs::{self, File},
    io::Write,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use crate::{
    environment::Environment,
    load::Load,
    measurement::Reference,
    support::{file_limit::limit_file_size, service::day_file},
    table::{Fault, Figures, Scale},
};

pub fn faults() -> Vec<Fault> {
    vec![
        Fault {
            name: "nofile 64, 300 clients",
            play: |scale| Box::pin(without_descriptors(scale)),
            seconds: 2.0,
            reason: "a connection must become free",
        },
        Fault {
            name: "disk nearly full",
            play: |scale| Box::pin(nearly_full(scale)),
            seconds: 2.0,
            reason: "the log is tried again every 0.25 s",
        },
    ]
}

/// Leaves room for the line of a gap, and none for that of a turn.
async fn nearly_full(scale: Scale) -> Figures {
    let mut environment = Environment::new(&[]).await;
    environment.start_ignoring("XFSZ").await;
    let id = environment.process().child.id().expect("an id");
    // The log must be the largest file.
    let note = format!("{{\"event\":\"project_init\",\"note\":\"{}\"}}\n", "x".repeat(16 << 20));
    let mut file = File::options().append(true).open(day_file(&environment.log_dir)).expect("a log");
    file.write_all(note.as_bytes()).expect("room");
    let load = environment.load();
    let (mut seconds, mut in_vain) = (0_f64, 0);
    for _ in 0..scale.rounds(2, 10) {
        load.wait_for(50).await;
        limit_file_size(id, Some(fs::metadata(day_file(&environment.log_dir)).expect("a log").len() + 400));
        environment.wait_for_readiness(503).await;
        // The turns that were running.
        sleep(Duration::from_millis(200)).await;
        let known = environment.model.call_count();
        sleep(scale.duration() / 3).await;
        in_vain += environment.model.call_count() - known;
        limit_file_size(id, None);
        seconds = seconds.max(load.recovery(Instant::now()).await);
    }
    load.wait_for(50).await;
    let mut figures = environment.measure(load, seconds, Reference::Log).await;
    figures.expect(in_vain == 0, format!("the model was asked {in_vain} times while no line could be written"));
    figures
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
