//! Clients that ask for endless streams and read nothing, under a limit of memory.

use std::time::Instant;

use futures_util::{StreamExt, stream};

use crate::{
    environment::{CLIENTS, Environment},
    fakes::model::{Behaviour, Script},
    load::Client,
    measurement::Reference,
    support::{raw_connection::RawConnection, service::wait_until},
    table::{Fault, Figures, Memory, Scale},
};

/// The streams of clients that read nothing.
const UNREAD: usize = 40;

/// The streams of clients that read.
const READ: usize = 360;

/// The length of a piece of an answer, and the number of pieces in one that is read.
const PIECE: usize = 4 << 10;
const PIECES: usize = 8;

/// `STREAM_MEMORY` in bytes, and the largest growth of the process, which also has the buffers of 400 connections.
const BUDGET: usize = 8 << 20;
const BOUND: usize = 8 * BUDGET;

pub fn faults() -> Vec<Fault> {
    vec![Fault {
        name: "400 streams, 40 of them not read",
        play: |scale| Box::pin(unread(scale)),
        seconds: 1.0,
        reason: "nothing stops",
    }]
}

/// Streams that are read count as lost unless they arrive as a whole, and unread ones unless each has one line.
async fn unread(scale: Scale) -> Figures {
    let budget = BUDGET.to_string();
    let mut environment = Environment::running(&[("STREAM_MEMORY", &budget), ("RESUME_GRACE", "0")]).await;
    let client = Client::new(environment.address);
    client.ask(0, true).await.expect("an answer");
    let before = environment.process().peak_memory();
    let unread = open_unread(&environment).await;
    let pieces = vec!["x".repeat(PIECE); PIECES];
    environment.model.set_behaviour(Behaviour::Stream(Script { pieces, ..Script::default() }));
    let reads = stream::iter(0..READ * scale.rounds(1, 10)).map(|number| client.ask(number, true));
    let answered = reads.buffer_unordered(CLIENTS).collect::<Vec<_>>().await;
    wait_for_cut_off(&environment, UNREAD / 2).await;
    let memory = Memory { growth: environment.process().peak_memory() - before, bound: BOUND };
    drop(unread);
    let freed = Instant::now();
    let seconds = {
        let load = environment.load();
        let seconds = load.recovery(freed).await;
        load.stop().await;
        seconds
    };
    wait_for_cut_off(&environment, UNREAD).await;
    let whole = answered.iter().flatten().cloned().collect::<Vec<_>>();
    let mut figures = environment.measure_answered(&whole, seconds, Reference::Log).await;
    figures.lost = figures.lost.max(answered.len() - whole.len());
    figures.doubled = figures.doubled.max(cut_off(&environment) - UNREAD);
    Figures { memory: Some(memory), ..figures }
}

/// Asks for endless streams, with small buffers for them.
async fn open_unread(environment: &Environment) -> Vec<RawConnection> {
    environment.model.set_behaviour(Behaviour::Endless("x".repeat(PIECE)));
    let calls = environment.model.call_count();
    let mut unread = Vec::new();
    for _ in 0..UNREAD {
        unread.push(RawConnection::open_narrow_stream(environment.address).await);
    }
    environment.model.wait_for_calls(calls + UNREAD).await;
    unread
}

/// Returns the number of turns that ended because their clients did not read.
fn cut_off(environment: &Environment) -> usize {
    environment.setup.log_lines("chat").iter().filter(|line| line["finish"] == "client_gone").count()
}

async fn wait_for_cut_off(environment: &Environment, turns: usize) {
    wait_until("turns of clients that read nothing", async || (cut_off(environment) >= turns).then_some(())).await;
}
