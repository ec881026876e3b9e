//! The session log's file renamed and truncated under load, with the database free or locked.

use std::{
    fs::{self, File},
    time::{Duration, Instant},
};

use tokio::time::sleep;

use crate::{
    environment::Environment,
    measurement::Reference,
    support::service::day_file,
    table::{Fault, Figures, Scale},
};

/// A change of the log's file by another program.
#[derive(Clone, Copy)]
pub enum Change {
    Rename,
    Truncate,
}

pub fn faults(at_once: &'static str, retry: &'static str) -> Vec<Fault> {
    vec![
        Fault {
            name: "log renamed under load",
            play: |scale| Box::pin(change_free(scale, Change::Rename)),
            seconds: 1.0,
            reason: at_once,
        },
        Fault {
            name: "log renamed, database locked",
            play: |scale| Box::pin(change_locked(scale, Change::Rename)),
            seconds: 3.0,
            reason: retry,
        },
        Fault {
            name: "log truncated under load",
            play: |scale| Box::pin(change_free(scale, Change::Truncate)),
            seconds: 1.0,
            reason: at_once,
        },
        Fault {
            name: "log truncated, database locked",
            play: |scale| Box::pin(change_locked(scale, Change::Truncate)),
            seconds: 3.0,
            reason: retry,
        },
        Fault {
            name: "log renamed, then kill -9",
            play: |scale| Box::pin(rename_and_kill(scale)),
            seconds: 5.0,
            reason: "a restart",
        },
        Fault {
            name: "SIGTERM, log renamed, database locked",
            play: |scale| Box::pin(rename_and_stop(scale)),
            seconds: 5.0,
            reason: "a restart",
        },
    ]
}

impl Change {
    /// Lines that a truncation has removed are missing in the log, but not in the totals.
    fn reference(self) -> Reference {
        match self {
            Self::Rename => Reference::Log,
            Self::Truncate => Reference::Clients,
        }
    }

    pub fn apply(self, environment: &Environment, round: usize) {
        let file = day_file(&environment.log_dir);
        match self {
            Self::Rename => fs::rename(&file, file.with_extension(format!("log.{round}"))).expect("a renamed file"),
            Self::Truncate => File::options().write(true).open(file).and_then(|file| file.set_len(0)).expect("a file"),
        }
    }
}

async fn change_free(scale: Scale, change: Change) -> Figures {
    let environment = Environment::running(&[]).await;
    let load = environment.load();
    let mut seconds = 0_f64;
    for round in 0..10 {
        load.wait_for(scale.rounds(20, 200)).await;
        change.apply(&environment, round);
        seconds = seconds.max(load.recovery(Instant::now()).await);
    }
    load.wait_for(20).await;
    environment.measure(load, seconds, change.reference()).await
}

async fn change_locked(scale: Scale, change: Change) -> Figures {
    let environment = Environment::running(&[]).await;
    let load = environment.load();
    let mut seconds = 0_f64;
    for round in 0..scale.rounds(3, 10) {
        load.wait_for(20).await;
        let lock = environment.setup.lock_database().await;
        sleep(Duration::from_millis(200)).await;
        change.apply(&environment, round);
        sleep(scale.duration() / 3).await;
        lock.release().await;
        seconds = seconds.max(load.recovery(Instant::now()).await);
    }
    load.wait_for(20).await;
    environment.measure(load, seconds, change.reference()).await
}

async fn rename_and_kill(scale: Scale) -> Figures {
    let mut environment = Environment::running(&[]).await;
    let load = environment.load();
    let mut seconds = 0_f64;
    for round in 0..scale.rounds(4, 20) {
        load.wait_for(20).await;
        Change::Rename.apply(&environment, round);
        load.wait_for(1).await;
        let killed = Instant::now();
        environment.kill().await;
        seconds = seconds.max(load.recovery(killed).await);
    }
    environment.measure(load, seconds, Reference::Log).await
}

/// Renames the log while turns cannot be counted, and stops the program in order. The next start counts them.
async fn rename_and_stop(scale: Scale) -> Figures {
    let mut environment = Environment::running(&[]).await;
    let load = environment.load();
    let (mut seconds, mut exits) = (0_f64, Vec::new());
    for round in 0..scale.rounds(1, 10) {
        load.wait_for(20).await;
        let lock = environment.setup.lock_database().await;
        load.wait_for(5).await;
        Change::Rename.apply(&environment, round);
        load.wait_for(5).await;
        environment.process().terminate();
        exits.push(environment.process().exit_code().await);
        lock.release().await;
        let released = Instant::now();
        environment.start().await;
        seconds = seconds.max(load.recovery(released).await);
    }
    let mut figures = environment.measure(load, seconds, Reference::Log).await;
    figures.expect(exits.iter().all(|exit| *exit == Some(0)), format!("the exit codes were {exits:?}"));
    figures
}
