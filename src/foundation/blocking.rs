//! Work that blocks its thread, such as reading files.

use std::panic;

use tokio::task::spawn_blocking;

/// Runs work on a thread that may block. Returns `None` if the runtime ends before. A panic in the work goes on in the caller.
pub async fn run_blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    match spawn_blocking(work).await {
        Ok(done) => Some(done),
        Err(died) => died.try_into_panic().map_or(None, |panic| panic::resume_unwind(panic)),
    }
}
