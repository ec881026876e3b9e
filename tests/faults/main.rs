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
        recovery::faults(scale),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[expect(clippy::disallowed_methods, reason = "arguments of a test program")]
fn main() -> ExitCode {
    let (options, filters) = std::env::args().skip(1).partition::<Vec<_>, _>(|argument| argument.starts_with("--"));
    let scale = Scale { is_long: options.iter().any(|option| option == "--long") };
    let mut chosen = faults(scale);
    chosen.retain(|fault| filters.is_empty() || filters.iter().any(|filter| fault.name.contains(filter.as_str())));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let failed = runtime.expect("a runtime").block_on(table::play(chosen, scale));
    println!("\n{}", if failed == 0 { "All figures are within their bounds." } else { "Figures are out of bounds." });
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
