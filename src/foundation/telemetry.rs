//! Diagnostics for the operator, on standard error. Product data is elsewhere: in the session log.

use std::io::IsTerminal;

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{EnvFilter, filter::LevelFilter, fmt};

use crate::foundation::config::LogFormat;

/// Lines that may wait to be written; more are dropped.
const WAITING_LINES: usize = 8192;

/// Sends diagnostics to standard error from a thread of their own. Under extreme load lines may be dropped, which
/// diagnostics may and the session log may not. Keep the guard until the process ends: it flushes.
pub fn start(level: &str, format: LogFormat) -> WorkerGuard {
    let (writer, guard) = NonBlockingBuilder::default()
        .thread_name("diagnostics")
        .buffered_lines_limit(WAITING_LINES)
        .finish(std::io::stderr());
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).parse_lossy(level);
    let lines = fmt().with_env_filter(filter).with_writer(writer).with_target(false);
    // A second start in one process keeps the first one's subscriber.
    let _ = match format {
        LogFormat::Json => tracing::subscriber::set_global_default(lines.json().flatten_event(true).finish()),
        LogFormat::Text => {
            tracing::subscriber::set_global_default(lines.with_ansi(std::io::stderr().is_terminal()).finish())
        }
    };
    guard
}
