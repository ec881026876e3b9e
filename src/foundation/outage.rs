//! Outages: faults outside of the process that pass, and the start of the service that waits for their end.

use std::{
    error::Error,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::time::sleep;

use super::error_chain::ErrorChain;

/// The pause after the first failed attempt. Each further pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(125);

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The time between two reports of one outage in the diagnostics.
const REPORT_INTERVAL: Duration = Duration::from_mins(1);

/// A part of the service that depends on something outside of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The database.
    Database,
    /// The folder of the session log.
    SessionLog,
}

impl Part {
    /// Returns the name used on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::SessionLog => "session_log",
        }
    }

    /// Returns the name in sentences.
    #[must_use]
    pub fn for_people(self) -> &'static str {
        match self {
            Self::Database => "the database",
            Self::SessionLog => "the session log",
        }
    }
}

/// A fault outside of the process that passes, described for anybody: without paths, hosts and secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// The part that cannot be used.
    pub part: Part,
    /// The stable code for programs, in snake case.
    pub code: &'static str,
    /// The state of the part for people, such as `locked by another program`.
    pub state: &'static str,
}

/// An error that may be the effect of an outage.
pub trait MayPass: Error {
    /// Returns the outage; `None` if another attempt would fail, too.
    fn outage(&self) -> Option<Outage>;
}

/// The outage whose end the start of the service waits for. Cheap to clone; all clones share it.
#[derive(Clone, Debug, Default)]
pub struct StartOutage(Arc<Mutex<Option<Outage>>>);

impl StartOutage {
    /// Returns the outage; `None` while the start goes on.
    #[must_use]
    pub fn current(&self) -> Option<Outage> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a step of the start, again and again while it fails because of an outage. The diagnostics get a line when the
    /// wait begins, one a minute, and one when the start goes on.
    pub async fn wait_out<T, E: MayPass>(&self, mut step: impl AsyncFnMut() -> Result<T, E>) -> Result<T, E> {
        let (mut pause, mut reports) = (FIRST_PAUSE, Reports::default());
        loop {
            let outcome = step().await;
            let outage = outcome.as_ref().err().and_then(MayPass::outage);
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = outage;
            match (outcome, outage) {
                (Err(failure), Some(outage)) => reports.add(outage, &failure),
                (outcome, _) => {
                    reports.end(outcome.is_ok());
                    return outcome;
                }
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// The reports of one wait in the diagnostics.
#[derive(Default)]
struct Reports {
    began: Option<Instant>,
    /// The outages that have been reported, with the times of the last reports. An outage may turn into another one.
    reported: Vec<(Outage, Instant)>,
}

impl Reports {
    fn add(&mut self, outage: Outage, failure: &dyn Error) {
        let now = Instant::now();
        let waited = now - *self.began.get_or_insert(now);
        self.reported.retain(|(_, at)| now - *at < REPORT_INTERVAL);
        if self.reported.iter().all(|(reported, _)| *reported != outage) {
            self.reported.push((outage, now));
            let (reason, failure, waited_seconds) = (outage.code, ErrorChain(failure), waited.as_secs());
            tracing::error!(reason, %failure, waited_seconds, "the start waits until this is over; requests get 503 meanwhile");
        }
    }

    fn end(&self, is_over: bool) {
        if let Some(began) = self.began.filter(|_| is_over) {
            tracing::info!(waited_seconds = began.elapsed().as_secs_f32(), "the start goes on");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("locked")]
    struct Locked(Option<Outage>);

    impl MayPass for Locked {
        fn outage(&self) -> Option<Outage> {
            self.0
        }
    }

    const LOCKED: Outage = Outage { part: Part::Database, code: "database_locked", state: "locked" };

    #[tokio::test(start_paused = true)]
    async fn a_step_is_repeated_until_the_outage_is_over() {
        let (wait, mut attempts) = (StartOutage::default(), 0);
        let started = tokio::time::Instant::now();
        let outcome = wait.wait_out(async || {
            attempts += 1;
            assert_eq!(wait.current(), (attempts > 1).then_some(LOCKED));
            if attempts < 10 { Err(Locked(Some(LOCKED))) } else { Ok(attempts) }
        });
        assert_eq!(outcome.await.unwrap(), 10);
        assert_eq!(wait.current(), None);
        // 125, 250, 500 and 1000 ms, and five times 2 s.
        assert_eq!(started.elapsed(), Duration::from_millis(11_875));
    }

    #[tokio::test]
    async fn another_failure_ends_the_wait() {
        let (wait, mut attempts) = (StartOutage::default(), 0);
        let outcome: Result<(), _> = wait
            .wait_out(async || {
                attempts += 1;
                Err(Locked((attempts == 1).then_some(LOCKED)))
            })
            .await;
        assert!(outcome.is_err_and(|failure| failure.outage().is_none()));
        assert_eq!((attempts, wait.current()), (2, None));
    }
}
