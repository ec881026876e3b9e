//! Plays faults by force against the program and prints what they cost: answered, lost and doubled turns, and the seconds
//! until turns were answered again. See `README.md`.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a fault that cannot be played ends its row"
)]
#![allow(unreachable_pub, dead_code, reason = "no other crate uses it, and the fakes are written for other tests")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its output is a table")]

mod clocks;
mod databases;
mod disks;
#[path = "../api/fakes/mod.rs"]
mod fakes;
mod files;
mod keys;
mod kills;
mod limits;
mod load;
mod logs;
mod models;
mod papita;
#[path = "../api/postgres"]
mod postgres {
    pub mod cluster;
}
mod environment;
mod measurement;
mod recovery;
mod replicas;
mod rounds;
mod sessions;
mod starts;
mod stops;
mod streams;
#[path = "../api/support/mod.rs"]
mod support;
mod table;

use std::process::ExitCode;

use table::{Fault, Scale};

/// All faults, with the documented bounds of their figures.
fn faults(scale: Scale) -> Vec<Fault> {
    let restart = "a restart; kill -9 may cut off a turn, which its client sees";
    let retry = "the log is tried again every 0.25 s, the database every 0.5 s";
    let at_once = "nothing stops";
    [
        kills::faults(restart),
        keys::faults(),
        sessions::faults(restart),
        logs::faults(at_once, retry),
        disks::faults(retry),
        databases::faults(),
        files::faults(),
        papita::faults(at_once),
        models::faults(),
        stops::faults(),
        starts::faults(),
        limits::faults(),
        streams::faults(),
        clocks::faults(at_once),
        replicas::faults(),
        rounds::faults(),
        recovery::faults(scale),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Returns the extent of the faults, and the parts of their names that choose some.
fn arguments(mut arguments: impl Iterator<Item = String>) -> (Scale, Vec<String>) {
    let (mut scale, mut filters) =
        (Scale { is_long: false, fault_rounds: None, seed: rand::random::<u32>().into() }, Vec::new());
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|number| number.parse().ok()).expect("a number after the option");
        match argument.as_str() {
            "--long" => scale.is_long = true,
            "--rounds" => scale.fault_rounds = Some(number()),
            "--seed" => scale.seed = number(),
            option if option.starts_with("--") => panic!("unknown option {option}"),
            _ => filters.push(argument),
        }
    }
    (scale, filters)
}

fn main() -> ExitCode {
    let (scale, filters) = arguments(std::env::args().skip(1));
    let mut chosen = faults(scale);
    chosen.retain(|fault| filters.is_empty() || filters.iter().any(|filter| fault.name.contains(filter.as_str())));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let failed = runtime.expect("a runtime").block_on(table::play(chosen, scale));
    println!("\n{}", if failed == 0 { "All figures are within their bounds." } else { "Figures are out of bounds." });
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
