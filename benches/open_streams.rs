//! Measures what the record of an open stream costs: `cargo bench --bench open_streams`, or with `-- --quick` for a short
//! run.
//!
//! Writes lines of turns to a session log: at first of streams without a record, then of streams with one, which is written
//! while they are open and ended with their lines. Prints the CPU time of this process, the writer's thread included, and
//! the difference for each stream. Takes 90 seconds and removes its files.
#![expect(clippy::expect_used, reason = "a failed setup ends the bench")]
#![expect(clippy::print_stdout, reason = "its output is a table")]

mod chat_line;

use std::time::Duration;

use al_chat::{
    adapters::session_log::{ChatLine, SessionLog},
    domain::log_chain::ChainHasher,
    foundation::{clock::Clock, file_access::FileAccess},
};
use futures_util::future::join_all;
use jiff::tz::TimeZone;
use rustix::time::{ClockId, clock_gettime};
use tokio::time::sleep;
use uuid::Uuid;

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The time after which records of open streams are certainly in their file.
const RECORDED: Duration = Duration::from_millis(700);

#[tokio::main]
async fn main() {
    let arguments = std::env::args().collect::<Vec<_>>();
    let has = |wanted: &str| arguments.iter().any(|argument| argument == wanted);
    // `cargo test` runs this without `--bench`, to check that it works.
    let rounds = if has("--quick") || !has("--bench") { 3 } else { 15 };
    let dir = tempfile::tempdir().expect("a folder");
    let clock = Clock::system(TimeZone::UTC);
    let log = SessionLog::open(dir.path(), FileAccess::Owner, false, ChainHasher::without_key(), clock.clone());
    let log = log.expect("a session log");
    for streams in [1, 16, 256, 2048] {
        let mut times = [Duration::ZERO; 2];
        // The first of these rounds is a warm-up.
        for round in 0..=rounds {
            for (time, is_on_record) in times.iter_mut().zip([false, true]) {
                let cpu = end_streams(&log, &clock, streams, is_on_record).await;
                *time += if round > 0 { cpu } else { Duration::ZERO };
            }
        }
        let [without, with] = times.map(|time| time.as_secs_f64() * 1e6 / f64::from(rounds * streams));
        println!(
            "{streams:5} streams at once: {without:6.1} µs a line without a record, {with:6.1} with one, {:+.1}",
            with - without
        );
    }
    log.close().await;
}

/// Writes the lines of streams that end together. Returns the CPU time of this process.
async fn end_streams(log: &SessionLog, clock: &Clock, streams: u32, is_on_record: bool) -> Duration {
    let ids = (0..streams).map(|_| Uuid::now_v7().to_string()).collect::<Vec<_>>();
    let before = cpu_time();
    if is_on_record {
        for request_id in &ids {
            log.record_stream(&interrupted(request_id));
        }
    }
    sleep(RECORDED).await;
    let writes = ids.into_iter().map(|request_id| {
        let mut lines = log.lines(clock.now());
        lines.add(&interrupted(&request_id));
        if is_on_record {
            lines.end_stream(request_id);
        }
        log.write(lines)
    });
    assert!(join_all(writes).await.iter().all(Result::is_ok), "a writable log");
    cpu_time().saturating_sub(before)
}

/// The line of a stream that the end of the process interrupted.
fn interrupted(request_id: &str) -> ChatLine<'_> {
    ChatLine {
        completion_tokens: 90,
        total_tokens: 104,
        usage_source: "estimated",
        first_word_ms: Some(212.0),
        status: 500,
        code: Some("turn_interrupted"),
        finish: "interrupted",
        answer_chars: 300,
        ..chat_line::answered(request_id)
    }
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().expect("a time"), time.tv_nsec.try_into().expect("a time"))
}
