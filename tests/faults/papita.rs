//! Papita away, late, and answering with a page.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::{
    table::{Fault, Figures, Scale},
    verdict::Witness,
    world::World,
};

pub fn faults(reason: &'static str) -> Vec<Fault> {
    vec![
        Fault { name: "Papita away", play: |scale| Box::pin(away(scale)), seconds: 1.0, reason },
        Fault { name: "Papita late", play: |scale| Box::pin(late(scale)), seconds: 1.0, reason },
        Fault { name: "Papita answering 200 with HTML", play: |scale| Box::pin(garbage(scale)), seconds: 1.0, reason },
    ]
}

async fn away(scale: Scale) -> Figures {
    let mut world = World::running(&[]).await;
    let load = world.load();
    load.wait_for(50).await;
    world.papita.stop().await;
    sleep(scale.duration() / 2).await;
    // What waits must survive this, too.
    world.kill().await;
    load.wait_for(50).await;
    world.papita.restart().await;
    let seconds = load.recovery(Instant::now()).await;
    world.judge(load, seconds, Witness::Log).await
}

async fn late(scale: Scale) -> Figures {
    let world = World::running(&[]).await;
    let load = world.load();
    world.papita.set_usage_delay(Duration::from_millis(500));
    sleep(scale.duration() / 2).await;
    world.papita.set_usage_delay(Duration::ZERO);
    let seconds = load.recovery(Instant::now()).await;
    world.judge(load, seconds, Witness::Log).await
}

async fn garbage(scale: Scale) -> Figures {
    let world = World::running(&[]).await;
    let load = world.load();
    load.wait_for(20).await;
    world.papita.serve_usage_page(200, "<html>Log in</html>");
    sleep(scale.duration() / 2).await;
    world.papita.set_usage_status(200);
    let seconds = load.recovery(Instant::now()).await;
    world.judge(load, seconds, Witness::Log).await
}
