//! A PostgreSQL server that is killed, and one that no longer answers.

use std::time::Instant;

use tokio::{task::spawn_blocking, time::sleep};

use crate::{
    environment::Environment,
    logs::Change,
    measurement::Reference,
    postgres::cluster::Cluster,
    table::{Fault, Figures, Scale},
};

pub fn faults() -> Vec<Fault> {
    let reason = "the database is tried again every 0.5 s";
    vec![
        Fault { name: "PostgreSQL stopped, log renamed", play: |scale| Box::pin(stop(scale)), seconds: 5.0, reason },
        Fault { name: "PostgreSQL frozen", play: |scale| Box::pin(freeze(scale)), seconds: 5.0, reason },
    ]
}

async fn environment_on(cluster: &Cluster) -> Environment {
    Environment::running(&[("DATABASE_URL", cluster.database().as_str())]).await
}

async fn stop(scale: Scale) -> Figures {
    let mut cluster = spawn_blocking(Cluster::start).await.expect("a server");
    let environment = environment_on(&cluster).await;
    let load = environment.load();
    let mut seconds = 0_f64;
    for round in 0..scale.rounds(1, 3) {
        load.wait_for(100).await;
        cluster.kill();
        Change::Rename.apply(&environment, round);
        sleep(scale.duration()).await;
        cluster.restart();
        seconds = seconds.max(load.recovery(Instant::now()).await);
    }
    load.wait_for(100).await;
    environment.measure(load, seconds, Reference::Log).await
}

async fn freeze(scale: Scale) -> Figures {
    let cluster = spawn_blocking(Cluster::start).await.expect("a server");
    let environment = environment_on(&cluster).await;
    let load = environment.load();
    load.wait_for(100).await;
    cluster.freeze();
    sleep(scale.duration()).await;
    cluster.thaw();
    let seconds = load.recovery(Instant::now()).await;
    load.wait_for(100).await;
    environment.measure(load, seconds, Reference::Log).await
}
