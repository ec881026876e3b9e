//! Signals: to stop, twice while streams run, and others under load.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::{
    environment::{CLIENTS, Environment},
    fakes::model::{Behaviour, Pace, Script},
    measurement::Reference,
    table::{Fault, Figures, Scale},
};

pub fn faults() -> Vec<Fault> {
    vec![
        Fault {
            name: "SIGTERM twice within 50 ms",
            play: |_| Box::pin(terminate_at_once()),
            seconds: 5.0,
            reason: "a restart, after running streams have ended",
        },
        Fault {
            name: "SIGTERM again after a second",
            play: |_| Box::pin(terminate_again()),
            seconds: 5.0,
            reason: "a restart; streams that were cut off have a line",
        },
        Fault {
            name: "SIGHUP, SIGUSR1 and SIGUSR2 under load",
            play: |scale| Box::pin(other_signals(scale)),
            seconds: 1.0,
            reason: "nothing stops",
        },
    ]
}

/// Waits for the end of the program after a signal, and starts it again. Returns the figures of the turns that were
/// answered before and after.
async fn restart(environment: &mut Environment, mut answered: Vec<String>) -> Figures {
    let exit = environment.process().exit_code().await;
    let ended = Instant::now();
    environment.start().await;
    environment.model.set_behaviour(Behaviour::Echo);
    let load = environment.load();
    let seconds = load.recovery(ended).await;
    answered.extend(load.stop().await);
    let mut figures = environment.measure_answered(&answered, seconds, Reference::Log).await;
    figures.expect(exit == Some(0), format!("the exit code was {exit:?}"));
    figures
}

/// Stops the program by two signals, with this time between them, while streams run with this time between two words.
/// Returns also the number of streams that were cut off.
async fn terminate_twice(signal_pause: Duration, word_pause: Duration) -> (Environment, usize, Figures) {
    let mut environment = Environment::running(&[]).await;
    let pace = Pace::Every(word_pause);
    environment.model.set_behaviour(Behaviour::Stream(Script { pace, ..Script::default() }));
    let streams = environment.open_streams().await;
    environment.process().terminate();
    sleep(signal_pause).await;
    environment.process().terminate();
    let answered = streams.join_all().await.into_iter().flatten().collect::<Vec<_>>();
    let cut = CLIENTS - answered.len();
    let figures = restart(&mut environment, answered).await;
    (environment, cut, figures)
}

/// Streams that are cut off count as lost.
async fn terminate_at_once() -> Figures {
    let (_, cut, figures) = terminate_twice(Duration::from_millis(20), Duration::from_millis(50)).await;
    Figures { lost: figures.lost.max(cut), ..figures }
}

/// Streams that the second signal cuts off count as lost unless they are logged and reported.
async fn terminate_again() -> Figures {
    let (environment, cut, mut figures) = terminate_twice(Duration::from_millis(1500), Duration::from_secs(1)).await;
    figures.expect(cut == CLIENTS, format!("{cut} streams were cut off"));
    figures.add_cut_turns(cut, environment.cut_turns("stopped").await);
    figures
}

async fn other_signals(scale: Scale) -> Figures {
    let mut environment = Environment::running(&[]).await;
    let load = environment.load();
    let mut seconds = 0_f64;
    for signal in ["HUP", "USR1", "USR2"].into_iter().cycle().take(scale.rounds(6, 60)) {
        load.wait_for(10).await;
        environment.process().signal(signal);
        seconds = seconds.max(load.recovery(Instant::now()).await);
    }
    load.wait_for(50).await;
    environment.measure(load, seconds, Reference::Log).await
}
