//! Papita away, late, and answering with a page.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::{
    environment::Environment,
    measurement::Reference,
    table::{Fault, Figures, Scale},
};

pub fn faults(reason: &'static str) -> Vec<Fault> {
    vec![
        Fault { name: "Papita away", play: |scale| Box::pin(away(scale)), seconds: 1.0, reason },
        Fault { name: "Papita late", play: |scale| Box::pin(late(scale)), seconds: 1.0, reason },
        Fault { name: "Papita answering 200 with HTML", play: |scale| Box::pin(garbage(scale)), seconds: 1.0, reason },
    ]
}

async fn away(scale: Scale) -> Figures {
    let mut environment = Environment::running(&[]).await;
    let load = environment.load();
    load.wait_for(50).await;
    environment.papita.stop().await;
    sleep(scale.duration() / 2).await;
    // What waits must survive this, too.
    environment.kill().await;
    load.wait_for(50).await;
    environment.papita.restart().await;
    let seconds = load.recovery(Instant::now()).await;
    environment.measure(load, seconds, Reference::Log).await
}

async fn late(scale: Scale) -> Figures {
    let environment = Environment::running(&[]).await;
    let load = environment.load();
    environment.papita.set_usage_delay(Duration::from_millis(500));
    sleep(scale.duration() / 2).await;
    environment.papita.set_usage_delay(Duration::ZERO);
    let seconds = load.recovery(Instant::now()).await;
    environment.measure(load, seconds, Reference::Log).await
}

async fn garbage(scale: Scale) -> Figures {
    let environment = Environment::running(&[]).await;
    let load = environment.load();
    load.wait_for(20).await;
    environment.papita.serve_usage_page(200, "<html>Log in</html>");
    sleep(scale.duration() / 2).await;
    environment.papita.set_usage_status(200);
    let seconds = load.recovery(Instant::now()).await;
    environment.measure(load, seconds, Reference::Log).await
}
