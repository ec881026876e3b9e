//! `kill -9` under load, again and again.

use std::time::Instant;

use crate::{
    postgres::cluster,
    table::{Fault, Figures},
    verdict::Witness,
    world::World,
};

pub fn faults(reason: &'static str) -> Vec<Fault> {
    vec![
        Fault {
            name: "kill -9, SQLite",
            play: |scale| Box::pin(async move { kill(World::running(&[]).await, scale.rounds(6, 50)).await }),
            seconds: 5.0,
            reason,
        },
        Fault {
            name: "kill -9, PostgreSQL",
            play: |scale| {
                Box::pin(async move {
                    let database = cluster::shared().database();
                    kill(World::running(&[("DATABASE_URL", database.as_str())]).await, scale.rounds(4, 50)).await
                })
            },
            seconds: 5.0,
            reason,
        },
    ]
}

async fn kill(mut world: World, rounds: usize) -> Figures {
    let load = world.load();
    let mut seconds = 0_f64;
    for _ in 0..rounds {
        load.wait_for(50).await;
        let killed = Instant::now();
        world.kill().await;
        seconds = seconds.max(load.recovery(killed).await);
    }
    world.judge(load, seconds, Witness::Log).await
}
