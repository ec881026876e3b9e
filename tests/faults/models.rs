//! A model that hangs, resets connections, and restarts.

use std::time::Instant;

use tokio::time::sleep;

use crate::{
    environment::Environment,
    fakes::model::Behaviour,
    measurement::Reference,
    support::service::wait_until,
    table::{Fault, Figures, Scale},
};

pub fn faults() -> Vec<Fault> {
    let reason = "BREAKER_PAUSE, here 1 s, and TURN_TIMEOUT, here 2 s";
    vec![
        Fault {
            name: "model hanging",
            play: |scale| Box::pin(misbehave(scale, Behaviour::Silent)),
            seconds: 4.0,
            reason,
        },
        Fault {
            name: "model resetting connections",
            play: |scale| Box::pin(misbehave(scale, Behaviour::CloseImmediately)),
            seconds: 4.0,
            reason,
        },
        Fault { name: "model restarting", play: |scale| Box::pin(restart(scale)), seconds: 4.0, reason },
    ]
}

async fn environment() -> Environment {
    Environment::running(&[("BREAKER_PAUSE", "1s"), ("TURN_TIMEOUT", "2s")]).await
}

async fn misbehave(scale: Scale, behaviour: Behaviour) -> Figures {
    let environment = environment().await;
    let load = environment.load();
    load.wait_for(50).await;
    environment.model.set_behaviour(behaviour);
    sleep(scale.duration()).await;
    // A turn that began before another one was answered does not count.
    wait_until("an open circuit breaker", async || (!is_breaker_closed(&environment).await).then_some(())).await;
    environment.model.set_behaviour(Behaviour::Echo);
    let seconds = load.recovery(Instant::now()).await;
    load.wait_for(50).await;
    environment.measure(load, seconds, Reference::Log).await
}

/// Returns whether the circuit breaker of the only model is closed, rather than open or half-open.
async fn is_breaker_closed(environment: &Environment) -> bool {
    let metrics = environment.client().get("/metrics").await.text;
    let state = metrics.lines().find(|line| line.starts_with("al_chat_model_breaker{")).expect("its state");
    state.ends_with(" 0")
}

async fn restart(scale: Scale) -> Figures {
    let environment = environment().await;
    let load = environment.load();
    let mut seconds = 0_f64;
    for _ in 0..scale.rounds(2, 10) {
        load.wait_for(50).await;
        environment.model.stop().await;
        sleep(scale.duration() / 4).await;
        environment.model.restart().await;
        seconds = seconds.max(load.recovery(Instant::now()).await);
    }
    environment.measure(load, seconds, Reference::Log).await
}
