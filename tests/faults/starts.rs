//! Starts while the database or the disk cannot be used: the program waits, and goes on by itself.

use std::{fs, time::Instant};

use tokio::{task::spawn_blocking, time::sleep};

use crate::{
    environment::{Environment, wait_for_readiness},
    load::Load,
    measurement::Reference,
    postgres::cluster::Cluster,
    support::{client::Client, file_limit::limit_file_size},
    table::{Fault, Figures, Scale},
};

pub fn faults() -> Vec<Fault> {
    let reason = "a start tries again every 2 s";
    vec![
        Fault {
            name: "start with a locked database",
            play: |scale| Box::pin(start_locked(scale)),
            seconds: 5.0,
            reason,
        },
        Fault {
            name: "start without PostgreSQL",
            play: |scale| Box::pin(start_without_server(scale)),
            seconds: 5.0,
            reason,
        },
        Fault {
            name: "start with a full disk",
            play: |scale| Box::pin(start_without_room(scale)),
            seconds: 5.0,
            reason,
        },
    ]
}

/// Waits until a program that is starting says that it is not ready, and then for some time.
async fn outlast(client: &Client, scale: Scale) {
    wait_for_readiness(client, 503).await;
    sleep(scale.duration()).await;
}

/// Starts a program under load, and kills it.
async fn killed_environment(settings: &[(&str, &str)]) -> (Environment, Load) {
    let mut environment = Environment::running(settings).await;
    let load = environment.load();
    load.wait_for(50).await;
    environment.process().kill().await;
    (environment, load)
}

/// Returns the figures of a start that could go on from a moment on.
async fn figures(environment: &Environment, load: Load, ended: Instant) -> Figures {
    let seconds = load.recovery(ended).await;
    load.wait_for(50).await;
    environment.measure(load, seconds, Reference::Log).await
}

async fn start_locked(scale: Scale) -> Figures {
    let (mut environment, load) = killed_environment(&[]).await;
    let (lock, client) = (environment.setup.lock_database().await, environment.client());
    let unlock = async {
        outlast(&client, scale).await;
        lock.release().await;
        Instant::now()
    };
    let ((), ended) = tokio::join!(environment.start(), unlock);
    figures(&environment, load, ended).await
}

async fn start_without_server(scale: Scale) -> Figures {
    let mut cluster = spawn_blocking(Cluster::start).await.expect("a server");
    let (mut environment, load) = killed_environment(&[("DATABASE_URL", cluster.database().as_str())]).await;
    cluster.kill();
    let client = environment.client();
    let restart = async {
        outlast(&client, scale).await;
        cluster.restart();
        Instant::now()
    };
    let ((), ended) = tokio::join!(environment.start(), restart);
    figures(&environment, load, ended).await
}

/// Starts a program that can write no byte to any file. A limit on file sizes stands for the full disk.
async fn start_without_room(scale: Scale) -> Figures {
    let (mut environment, load) = killed_environment(&[]).await;
    let (client, id) = (environment.client(), environment.setup.path().join("id"));
    let make_room = async {
        outlast(&client, scale).await;
        let id = fs::read_to_string(id).expect("an id").trim().parse().expect("a number");
        limit_file_size(id, None);
        Instant::now()
    };
    let start = environment.start_by_script("trap '' XFSZ; echo $$ >id; exec prlimit --fsize=0: \"$0\"");
    let ((), ended) = tokio::join!(start, make_room);
    figures(&environment, load, ended).await
}
