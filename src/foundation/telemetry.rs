//! Diagnostics for the operator, on standard error. The session log, which holds product data, is separate.

use std::io::IsTerminal;

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{EnvFilter, filter::LevelFilter, fmt};

use crate::foundation::config::LogFormat;

/// The number of lines that can wait to be written. Further lines are dropped.
const MAX_BUFFERED_LINES: usize = 8192;

/// Installs the `tracing` subscriber, which writes to standard error from a thread of its own. Under extreme load it drops
/// lines rather than slow the service down. Dropping the returned guard writes the lines that wait.
pub fn start(level: &str, format: LogFormat) -> WorkerGuard {
    let (writer, guard) = NonBlockingBuilder::default()
        .thread_name("diagnostics")
        .buffered_lines_limit(MAX_BUFFERED_LINES)
        .finish(std::io::stderr());
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).parse_lossy(level);
    let lines = fmt().with_env_filter(filter).with_writer(writer).with_target(false);
    // In tests several services start in one process; they share the first one's subscriber.
    let _ = match format {
        LogFormat::Json => tracing::subscriber::set_global_default(lines.json().flatten_event(true).finish()),
        LogFormat::Text => {
            tracing::subscriber::set_global_default(lines.with_ansi(std::io::stderr().is_terminal()).finish())
        }
    };
    guard
}
