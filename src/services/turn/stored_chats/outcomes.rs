//! Outcomes of questions: the answer or the failure that is stored in the database.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{
    open_question::{ActiveRequests, OpenQuestion},
    unavailable::unavailable,
};
use crate::{
    adapters::storage::{Exchange, KeyOutcome, NewAnswer, SettledKey, Storage, StorageFailure, StoredAnswer},
    domain::prompt::Source,
    foundation::error_chain::ErrorChain,
    services::turn::{failure::TurnFailure, idempotency::KeyClaim, journal::Journal, summary::TurnSummary},
};

/// Time between attempts to store outcomes that could not be stored.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// Time between searches for pending questions without a running turn.
const RECONCILE_INTERVAL: Duration = Duration::from_secs(5);

/// Time between attempts of a turn to store its answer.
const ANSWER_RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// The limits of the time for which a turn waits until the database stores its answer.
#[derive(Debug)]
pub(super) struct StorageWait {
    pub(super) timeout: Duration,
    /// Cancelled when running turns must end.
    pub(super) cut_off: CancellationToken,
}

/// Stores the outcomes of questions, and tries again later if that fails.
#[derive(Debug)]
pub(super) struct Outcomes {
    storage: Storage,
    active: ActiveRequests,
    wait: StorageWait,
    unsaved: Mutex<Vec<Outcome>>,
}

/// The outcome of a question.
#[derive(Debug)]
struct Outcome {
    open: OpenQuestion,
    /// `None` if the turn failed.
    answer: Option<Answer>,
}

/// The answer to a question.
#[derive(Debug)]
struct Answer {
    text: String,
    sources: Vec<Source>,
    /// When the answer was complete.
    at: Timestamp,
    /// The turn's idempotency key, to be settled with the answer.
    key: Option<SettledKey>,
}

impl Outcomes {
    pub(super) fn new(storage: Storage, active: ActiveRequests, wait: StorageWait) -> Self {
        Self { storage, active, wait, unsaved: Mutex::default() }
    }

    fn unsaved(&self) -> MutexGuard<'_, Vec<Outcome>> {
        self.unsaved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores the outcome of a question. The turn waits until its answer is stored. If that takes too long or cannot
    /// succeed, the answer is stored later, and the turn fails.
    pub(super) async fn store(
        &self,
        open: OpenQuestion,
        journal: &Journal,
        result: Result<TurnSummary, TurnFailure>,
        claim: Option<&KeyClaim>,
    ) -> Result<TurnSummary, TurnFailure> {
        // The chat has text and sources, so that the key needs none.
        let answered = |summary: &TurnSummary| {
            let answer = StoredAnswer { sources: Vec::new(), ..summary.stored_answer(String::new()) };
            KeyOutcome::Answered { answer, content_key: None }
        };
        let answer = result.as_ref().ok().map(|summary| Answer {
            text: journal.text(),
            sources: summary.sources.clone(),
            at: summary.at,
            key: claim.map(|claim| claim.with_outcome(answered(summary))),
        });
        let outcome = Outcome { open, answer };
        let stored = self.try_until_stored(&outcome).await;
        if let Some(claim) = claim.filter(|_| result.is_ok() && !matches!(stored, Ok(None))) {
            claim.note_settled();
        }
        match (stored, result) {
            (Ok(Some(exchange)), Ok(summary)) => Ok(TurnSummary { exchange: Some(exchange), ..summary }),
            (Ok(None), Ok(_)) => Err(TurnFailure::ChatChanged),
            (Ok(_), Err(failure)) => Err(failure),
            (Err(failure), result) => {
                self.unsaved().push(outcome);
                Err(result.err().unwrap_or_else(|| unavailable(&failure)))
            }
        }
    }

    /// Stores an outcome; an answer again and again while the database fails for reasons that may pass. Its client has no
    /// other way to get the answer.
    async fn try_until_stored(&self, outcome: &Outcome) -> Result<Option<Exchange>, StorageFailure> {
        let deadline = Instant::now() + self.wait.timeout;
        let mut stored = self.try_to_store(outcome).await;
        if let Err(failure) = &stored
            && outcome.answer.is_some()
        {
            tracing::warn!(failure = %ErrorChain(failure), "the answer of a turn in a stored chat cannot be stored yet");
        }
        while let Err(failure) = &stored
            && outcome.answer.is_some()
            && failure.is_transient()
            && Instant::now() < deadline
        {
            if self.wait.cut_off.run_until_cancelled(sleep(ANSWER_RETRY_INTERVAL)).await.is_none() {
                break;
            }
            stored = self.try_to_store(outcome).await;
        }
        stored
    }

    /// Stores an outcome. Returns the messages of an answered question, unless its chat was deleted.
    async fn try_to_store(&self, Outcome { open, answer }: &Outcome) -> Result<Option<Exchange>, StorageFailure> {
        let question = &open.question;
        match answer {
            Some(Answer { text, sources, at, key }) => {
                let answer = NewAnswer { text, sources, at: *at };
                self.storage.answer_question(question, answer, key.as_ref()).await
            }
            None => self.storage.fail_question(question.id, &question.request_id).await.map(|_| None),
        }
    }

    /// Stores unsaved outcomes, and fails pending questions without a running turn, until the service stops.
    pub(super) async fn reconcile(&self, stopping: CancellationToken) {
        let mut reconciled: Option<Instant> = None;
        loop {
            let is_last = stopping.is_cancelled();
            self.store_unsaved().await;
            if reconciled.is_none_or(|at| at.elapsed() >= RECONCILE_INTERVAL) {
                reconciled = Some(Instant::now());
                self.fail_interrupted().await;
            }
            if is_last {
                return;
            }
            stopping.run_until_cancelled(sleep(RETRY_INTERVAL)).await;
        }
    }

    /// Stores unsaved outcomes up to the first failure: the next ones would fail, too.
    async fn store_unsaved(&self) {
        let mut outcomes = std::mem::take(&mut *self.unsaved());
        while let Some(outcome) = outcomes.pop() {
            if let Err(failure) = self.try_to_store(&outcome).await {
                tracing::warn!(failure = %ErrorChain(&failure), "the outcome of a turn in a stored chat cannot be stored yet");
                outcomes.push(outcome);
                break;
            }
        }
        self.unsaved().append(&mut outcomes);
    }

    /// Marks pending questions that have no running turn as failed.
    async fn fail_interrupted(&self) {
        match self.try_to_fail_interrupted().await {
            Ok(0) => {}
            Ok(messages) => tracing::warn!(messages, "turns in stored chats were interrupted; they can be tried again"),
            Err(failure) => {
                tracing::warn!(failure = %ErrorChain(&failure), "stored chats cannot be searched for interrupted turns yet");
            }
        }
    }

    async fn try_to_fail_interrupted(&self) -> Result<u64, StorageFailure> {
        let pending = self.storage.pending_questions().await?;
        let mut failed = 0;
        for (id, request_id) in pending {
            // Checked after the query: a request is active before its question is in the database.
            if !self.active.contains(&request_id) {
                failed += u64::from(self.storage.fail_question(id, &request_id).await?);
            }
        }
        Ok(failed)
    }
}
