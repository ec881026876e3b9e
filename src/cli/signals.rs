//! The signals that the process handles.
//!
//! The system ends a process at a signal that it doesn't handle. SIGPIPE is ignored by Rust's runtime.

use std::{
    io,
    time::{Duration, Instant},
};

/// The time within which repeated signals to stop count as one. Terminals and orchestrators may send a signal to the
/// process and to its group, or SIGINT and SIGTERM after each other.
const REPETITION_WINDOW: Duration = Duration::from_secs(1);

/// The action that a signal causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// SIGTERM or SIGINT (Ctrl-C): stop.
    Stop,
    /// SIGHUP: reload what can be reloaded.
    Reload,
    /// SIGUSR1 or SIGUSR2: nothing. Some log rotations send them to make a program open its log again.
    Nothing,
}

/// Receives signals.
pub(super) struct Signals {
    received: Received,
    /// The time of the last signal to stop that was not a repetition.
    last_stop: Option<Instant>,
}

impl Signals {
    /// Installs the handlers. From now on, the signals don't end the process.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { received: Received::new()?, last_stop: None })
    }

    /// Waits for the next signal. A repetition of a signal to stop within [`REPETITION_WINDOW`] is logged and left out.
    pub(super) async fn next(&mut self) -> Signal {
        loop {
            let signal = self.received.next().await;
            if signal != Signal::Stop {
                return signal;
            }
            if self.last_stop.is_none_or(|last| last.elapsed() >= REPETITION_WINDOW) {
                self.last_stop = Some(Instant::now());
                return signal;
            }
            tracing::info!("a second signal to stop within a second counts as the same one");
        }
    }

    /// Waits for the next signal to stop. Other signals have no effect meanwhile.
    pub(super) async fn next_stop(&mut self) {
        while self.next().await != Signal::Stop {}
    }
}

#[cfg(unix)]
struct Received {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    user1: tokio::signal::unix::Signal,
    user2: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Received {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            user1: signal(SignalKind::user_defined1())?,
            user2: signal(SignalKind::user_defined2())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::Stop,
            _ = self.interrupt.recv() => Signal::Stop,
            _ = self.hangup.recv() => Signal::Reload,
            _ = self.user1.recv() => Signal::Nothing,
            _ = self.user2.recv() => Signal::Nothing,
        }
    }
}

/// Ctrl-C, the only signal of this system.
#[cfg(not(unix))]
struct Received;

#[cfg(not(unix))]
impl Received {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Signal {
        let _ = tokio::signal::ctrl_c().await;
        Signal::Stop
    }
}
