//! Papita away, late, and answering with a page.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::{
    environment::{CLIENTS, Environment},
    load::Load,
    measurement::Reference,
    table::{Fault, Figures, Scale},
};

pub fn faults(reason: &'static str) -> Vec<Fault> {
    vec![
        Fault {
            name: "key refused before Papita has the new one",
            play: |scale| Box::pin(rotate_key(scale)),
            seconds: 3.0,
            reason: "Papita is asked again 1, 2 and 4 s after a refusal",
        },
        Fault { name: "Papita away", play: |scale| Box::pin(away(scale)), seconds: 1.0, reason },
        Fault { name: "Papita late", play: |scale| Box::pin(late(scale)), seconds: 1.0, reason },
        Fault { name: "Papita at 50 ms a record", play: |scale| Box::pin(slow(scale)), seconds: 1.0, reason },
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

/// Sent one after the other, the records would soon exceed the limit of the queue.
async fn slow(scale: Scale) -> Figures {
    let environment = Environment::running(&[("PAPITA_QUEUE_LIMIT", "300")]).await;
    environment.papita.set_usage_delay(Duration::from_millis(50));
    let load = Load::start(environment.address, 2 * CLIENTS, Duration::from_millis(100));
    load.wait_for(scale.rounds(600, 6000)).await;
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

/// Replaces the key at the model, and at Papita only later.
async fn rotate_key(scale: Scale) -> Figures {
    const DELAYS: [f64; 3] = [0.5, 1.5, 5.0];
    let environment = Environment::running(&[]).await;
    environment.model.accept_only(&["sk-papita"]);
    let load = environment.load();
    let (mut seconds, mut key_calls) = (0_f64, 0);
    for (number, delay) in DELAYS.into_iter().take(scale.rounds(2, 3)).enumerate() {
        load.wait_for(50).await;
        let (key, calls) = (format!("sk-{number}"), environment.papita.key_calls());
        environment.model.accept_only(&[&key]);
        sleep(Duration::from_secs_f64(delay)).await;
        environment.papita.serve_key(&key);
        seconds = seconds.max(load.recovery(Instant::now()).await);
        key_calls = key_calls.max(environment.papita.key_calls() - calls);
    }
    load.wait_for(50).await;
    let mut figures = environment.measure(load, seconds, Reference::Log).await;
    figures.expect(key_calls <= 5, format!("Papita was asked for the key {key_calls} times"));
    figures
}
