//! Who answers a turn: the model, asked with the key of the moment, again if it fails, another one if that doesn't
//! help; or the built-in responder.

use std::time::Instant;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use super::{TurnFailure, Turns, journal::Journal};
use crate::{
    chat::{Finish, Message},
    cost::TokenUsage,
    credentials::{Access, Credential, CredentialSource},
    model::{Answering, Attempt, ModelFailure, Question, basic},
};

/// So many rotations of the key a single turn lives through; more are not a rotation.
const ROTATIONS: u32 = 3;

/// How a complete answer ended. Its text is in the journal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    /// The tokens it took, if the model told.
    pub(super) usage: Option<TokenUsage>,
    pub(super) finish: Finish,
}

/// Who is being asked, and with which key.
pub(super) struct Reply {
    pub(super) model: String,
    pub(super) source: CredentialSource,
    pub(super) asked_at: Option<Instant>,
    /// How often a model was asked.
    pub(super) attempts: u32,
}

impl Reply {
    pub(super) fn new(model: String) -> Self {
        Self { model, source: CredentialSource::None, asked_at: None, attempts: 0 }
    }
}

/// One turn's way to its answer.
pub(super) struct Asking<'a> {
    pub(super) turns: &'a Turns,
    pub(super) messages: &'a [Message],
    /// Whether the answer is wanted in pieces as they come.
    pub(super) stream: bool,
    /// When the time for a beginning is over.
    pub(super) deadline: tokio::time::Instant,
    pub(super) journal: &'a Journal,
    /// Told at once who is asked with which key, so that a turn that is ended early can still say so.
    pub(super) reply: &'a mut Reply,
}

impl Asking<'_> {
    /// The model's answer, or the built-in responder's where that one is meant to answer.
    pub(super) async fn answer(mut self) -> Result<Answer, TurnFailure> {
        let Self { turns, messages, journal, .. } = self;
        let access = turns.0.credentials.access(&turns.0.settings).await;
        self.reply.asked_at = Some(Instant::now());
        let key = match access {
            Access::Key(credential) => Some(credential),
            Access::NoKeyNeeded => None,
            Access::BuiltIn => {
                basic::NAME.clone_into(&mut self.reply.model);
                journal.ask(basic::NAME);
                for word in basic::reply(messages).split_inclusive(' ') {
                    journal.append(word).await;
                }
                return Ok(Answer { usage: None, finish: Finish::Complete });
            }
            Access::Missing(none) => return Err(none.into()),
        };
        Ok(self.ask_models(key).await?)
    }

    /// Asks the wanted model and, where that one is unavailable, those that may stand in for it. If all are, the
    /// failure of the wanted one is told.
    async fn ask_models(&mut self, mut key: Option<Credential>) -> Result<Answer, ModelFailure> {
        let turns = self.turns;
        let wanted = self.reply.model.clone();
        let outcome = self.ask_until_answered(&mut key).await;
        for model in turns.0.settings.fallbacks.iter().filter(|model| **model != wanted) {
            match &outcome {
                Err(failure) if failure.is_unavailability() && !self.journal.has_text() => {
                    tracing::warn!(%failure, asked = self.reply.model, next = model, "another model is asked");
                }
                _ => return outcome,
            }
            model.clone_into(&mut self.reply.model);
            let next = self.ask_until_answered(&mut key).await;
            // What kept the wanted model from answering says more than that the others are away, too.
            if !next.as_ref().is_err_and(ModelFailure::is_unavailability) || self.journal.has_text() {
                return next;
            }
            wanted.clone_into(&mut self.reply.model);
        }
        outcome
    }

    /// Asks the model of the moment, again after failures that may pass, within the turn's time.
    async fn ask_until_answered(&mut self, key: &mut Option<Credential>) -> Result<Answer, ModelFailure> {
        self.journal.ask(&self.reply.model);
        let mut pauses = pauses(self.turns.0.settings.retries);
        loop {
            let failure = match self.ask_with_keys(key).await {
                Err(failure) if failure.is_passing() && !self.journal.has_text() => failure,
                outcome => return outcome,
            };
            let Some(pause) = pauses.next() else { return Err(failure) };
            let pause = failure.retry_after().map_or(pause, |wait| wait.max(pause));
            // A wait that leaves no time for the answer helps nobody.
            if tokio::time::Instant::now() + pause >= self.deadline {
                return Err(failure);
            }
            tracing::debug!(%failure, ?pause, model = self.reply.model, "the model is asked again");
            tokio::time::sleep(pause).await;
        }
    }

    /// Asks with this key. If it is refused, asks with Papita's new one as long as Papita has a new one, and at last
    /// with the local one.
    async fn ask_with_keys(&mut self, key: &mut Option<Credential>) -> Result<Answer, ModelFailure> {
        let mut rotations = 0;
        loop {
            let outcome = self.ask_once(key.as_ref()).await;
            let (Err(ModelFailure::Unauthorized), Some(refused)) = (&outcome, key.as_ref()) else { return outcome };
            let credentials = &self.turns.0.credentials;
            let new = if rotations < ROTATIONS { credentials.replacement(refused).await } else { None };
            let is_local = refused.source == CredentialSource::LocalEnv;
            let Some(next) = new.or_else(|| credentials.local().filter(|_| !is_local)) else { return outcome };
            rotations = if next.source == CredentialSource::LocalEnv { ROTATIONS } else { rotations + 1 };
            *key = Some(next);
        }
    }

    async fn ask_once(&mut self, key: Option<&Credential>) -> Result<Answer, ModelFailure> {
        let turns = self.turns;
        let mut attempt = Some(turns.0.breakers.admit(&self.reply.model)?);
        self.reply.source = key.map_or(CredentialSource::None, |credential| credential.source);
        self.reply.attempts += 1;
        let question = Question { model: &self.reply.model, messages: self.messages, stream: self.stream };
        let heard = async {
            let answering = turns.0.model.ask(question, key.map(|credential| &credential.key)).await?;
            self.journal.begin();
            self.hear(answering, &mut attempt).await
        };
        let outcome = heard.await;
        if let (Err(failure), Some(attempt)) = (&outcome, attempt) {
            if failure.is_breakdown() {
                attempt.failed();
            } else if !matches!(failure, ModelFailure::RateLimited { .. }) {
                // Who refuses is there.
                attempt.succeeded();
            }
        }
        outcome
    }

    /// Passes the answer on as it comes.
    async fn hear(&self, mut answering: Answering, attempt: &mut Option<Attempt>) -> Result<Answer, ModelFailure> {
        while let Some(text) = answering.next().await? {
            if let Some(attempt) = attempt.take() {
                attempt.succeeded();
            }
            self.journal.append(&text).await;
        }
        if let Some(attempt) = attempt.take() {
            attempt.succeeded();
        }
        Ok(Answer { usage: answering.usage(), finish: answering.finish() })
    }
}

/// The pauses between attempts.
fn pauses(retries: u32) -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(std::time::Duration::from_millis(100))
        .with_max_delay(std::time::Duration::from_secs(2))
        .with_jitter()
        .with_max_times(retries as usize)
        .build()
}
