//! The table: one row for each fault.

use std::{
    future::ready,
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use futures_util::{FutureExt, StreamExt, future::LocalBoxFuture, stream::FuturesOrdered};
use tokio::sync::Semaphore;

/// The number of faults that are played at the same time. Most of the time, a fault waits.
const AT_A_TIME: usize = 4;

/// The extent of the faults.
#[derive(Clone, Copy)]
pub struct Scale {
    pub is_long: bool,
    /// The number of rounds of one fault after the other; `None` for the usual number.
    pub fault_rounds: Option<u64>,
    /// The seed of everything that is random.
    pub seed: u64,
}

impl Scale {
    /// Returns the number of repetitions.
    pub fn rounds(self, short: usize, long: usize) -> usize {
        if self.is_long { long } else { short }
    }

    /// Returns how long something fails.
    pub fn duration(self) -> Duration {
        Duration::from_secs(if self.is_long { 15 } else { 3 })
    }
}

/// A fault and the bounds of its figures. No turn may be lost or doubled.
pub struct Fault {
    pub name: &'static str,
    pub play: fn(Scale) -> LocalBoxFuture<'static, Figures>,
    /// The largest number of seconds to recover.
    pub seconds: f64,
    /// The cause of these seconds.
    pub reason: &'static str,
}

/// The figures of one fault.
#[derive(Debug, Default)]
pub struct Figures {
    /// The number of turns that were answered to their clients as a whole.
    pub answered: usize,
    /// The number of these that lack a line in the session log, a place in the totals, or a record at Papita.
    pub lost: usize,
    /// The number of lines, counts and records beyond one for each turn.
    pub doubled: usize,
    /// The longest time from the end of a fault to the next answered turn.
    pub seconds: f64,
    /// The memory that the fault has cost, where it may cost much.
    pub memory: Option<Memory>,
    /// Everything else that was not as expected.
    pub violations: Vec<String>,
}

/// The growth of a process's memory, and its bound, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    pub growth: usize,
    pub bound: usize,
}

impl Figures {
    /// Adds a violation unless something holds.
    pub fn expect(&mut self, holds: bool, violation: impl Into<String>) {
        if !holds {
            self.violations.push(violation.into());
        }
    }

    /// Adds turns that were cut off: they count as lost unless each is logged and reported once.
    pub fn add_cut_turns(&mut self, cut: usize, (logged, reported): (usize, usize)) {
        self.lost += cut.saturating_sub(reported);
        self.doubled += logged.saturating_sub(cut);
        let is_kept = logged == cut && reported == cut;
        self.expect(is_kept, format!("{cut} turns cut off, {logged} logged, {reported} reported"));
    }
}

/// Plays the faults, several at a time, and prints a row for each. Returns the number of those that are out of bounds.
pub async fn play(faults: Vec<Fault>, scale: Scale) -> usize {
    println!("| fault | answered | lost | doubled | seconds to recover | bound | memory |");
    println!("| --- | ---: | ---: | ---: | ---: | --- | --- |");
    let places = Semaphore::new(AT_A_TIME);
    let rows = faults.into_iter().map(async |fault| {
        let _place = places.acquire().await.expect("a place");
        let started = Instant::now();
        let played = AssertUnwindSafe((fault.play)(scale)).catch_unwind().await;
        let figures = played.unwrap_or_else(|_| Figures {
            violations: vec!["could not be played, see above".to_owned()],
            ..Figures::default()
        });
        eprintln!("{}: played in {:.1} s", fault.name, started.elapsed().as_secs_f64());
        (fault, figures)
    });
    let is_failed = |failed, (fault, figures): (Fault, Figures)| ready(failed + usize::from(!print(&fault, &figures)));
    rows.collect::<FuturesOrdered<_>>().fold(0, is_failed).await
}

/// Prints a row. Returns whether it is within its bounds.
fn print(fault: &Fault, figures: &Figures) -> bool {
    let Figures { answered, lost, doubled, seconds, memory, violations } = figures;
    let Fault { name, seconds: bound, reason, .. } = fault;
    let is_kept = *answered > 0
        && *lost == 0
        && *doubled == 0
        && seconds <= bound
        && memory.is_none_or(|memory| memory.growth <= memory.bound)
        && violations.is_empty();
    let verdict = if is_kept { String::new() } else { format!(" **out of bounds** {}", violations.join("; ")) };
    let memory = memory.map_or_else(String::new, |Memory { growth, bound }| {
        format!("{} MiB of at most {} MiB", growth >> 20, bound >> 20)
    });
    println!("| {name} | {answered} | {lost} | {doubled} | {seconds:.1} | {bound} s: {reason}{verdict} | {memory} |");
    is_kept
}
