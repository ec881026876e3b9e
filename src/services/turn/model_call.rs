//! Who answers a turn: the model, asked with the key of the moment, again if it fails, another one if that doesn't
//! help; or the built-in responder.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::{Instant, timeout_at};

use super::{TurnFailure, Turns, journal::Journal};
use crate::{
    adapters::{
        credentials::{Access, Credential, CredentialSource},
        model::{Answering, BreakerPermit, CallerHash, ModelError, ModelFailure, Question, Report, basic},
    },
    domain::{
        chat::{Finish, Message},
        cost::TokenUsage,
        persona::Persona,
    },
    foundation::config::ModelStream,
};

/// So many rotations of the key a single turn lives through; more are not a rotation.
const ROTATIONS: u32 = 3;

/// Who is being asked, and with which key.
pub(super) struct Reply {
    pub(super) model: String,
    pub(super) requested_model: String,
    pub(super) source: CredentialSource,
    pub(super) asked_at: Option<std::time::Instant>,
    /// How often a model was asked.
    pub(super) attempts: u32,
    /// Whether something may have been spent: a model was asked, and didn't plainly refuse.
    pub(super) may_have_cost: bool,
    /// What the server of the model asked last says of its answer.
    pub(super) report: Report,
    /// What models reported to have spent on attempts before the last.
    pub(super) earlier: Spent,
    /// The answer when it is complete, for the sake of its connection.
    pub(super) complete: Option<Answering>,
}

impl Reply {
    pub(super) fn new(model: String) -> Self {
        Self {
            requested_model: model.clone(),
            model,
            source: CredentialSource::None,
            asked_at: None,
            attempts: 0,
            may_have_cost: false,
            report: Report::default(),
            earlier: Spent::default(),
            complete: None,
        }
    }

    /// Makes room for the report of another attempt.
    fn begin_attempt(&mut self) {
        let Report { usage, cost, .. } = std::mem::take(&mut self.report);
        self.earlier.usage += usage.unwrap_or_default();
        self.earlier.cost = self.earlier.cost.saturating_add(cost.unwrap_or_default());
    }
}

/// What attempts have spent, as reported.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spent {
    pub(super) usage: TokenUsage,
    /// In pico-dollars.
    pub(super) cost: u64,
}

/// One turn's way to its answer.
pub(super) struct ModelCall<'a> {
    pub(super) turns: &'a Turns,
    /// Whom the model's failures are told apart by.
    pub(super) caller_hash: CallerHash,
    pub(super) messages: &'a [Message],
    /// Who speaks, if the model isn't just itself.
    pub(super) persona: Option<&'a Persona>,
    /// Whether the answer is wanted in pieces as they come.
    pub(super) stream: bool,
    /// When the time for a whole answer, or for the beginning of a streamed one, is over.
    pub(super) deadline: Instant,
    /// When another model should be asked, unless there is a word by then. Of a whole answer nothing is to be seen
    /// before its end, so that it isn't given up for being slow.
    pub(super) share: Option<Instant>,
    pub(super) journal: &'a Journal,
    /// Told at once who is asked with which key, so that a turn that is ended early can still say so.
    pub(super) reply: &'a mut Reply,
    /// Whether the last answer was cut in its thoughts by a limit, and the next one has room for thoughts.
    pub(super) has_new_allowance: bool,
}

impl ModelCall<'_> {
    /// The model's answer, or the built-in responder's where that one is meant to answer.
    pub(super) async fn answer(mut self) -> Result<Finish, TurnFailure> {
        let Self { turns, messages, persona, journal, .. } = self;
        let access = turns.0.credentials.access(&turns.0.settings).await;
        self.reply.asked_at = Some(std::time::Instant::now());
        let key = match access {
            Access::Key(credential) => Some(credential),
            Access::NoKeyNeeded => None,
            Access::BuiltIn => {
                basic::NAME.clone_into(&mut self.reply.model);
                journal.note_call(basic::NAME);
                journal.begin();
                for word in basic::reply(messages, persona).split_inclusive(' ') {
                    journal.append(word).await;
                }
                return Ok(Finish::Complete);
            }
            Access::Missing(none) => return Err(none.into()),
        };
        Ok(self.ask_models(key).await?)
    }

    /// Asks the requested model and, where that one is unavailable, those that may stand in for it. If none answers, the
    /// failure of the requested one is told.
    async fn ask_models(&mut self, mut key: Option<Credential>) -> Result<Finish, ModelFailure> {
        let turns = self.turns;
        let requested = &self.reply.requested_model;
        let others = turns.0.settings.fallbacks.iter().filter(|model| *model != requested).collect::<Vec<_>>();
        self.share = self.share_of_time(others.len());
        let failure = match self.ask_until_answered(&mut key).await {
            Err(failure) if failure.should_fall_back() => failure,
            outcome => return outcome,
        };
        for (index, model) in others.iter().enumerate() {
            if !self.may_ask_again() || Instant::now() >= self.deadline {
                break;
            }
            let request_id = self.journal.request_id.as_str();
            tracing::info!(request_id, %failure, requested = self.reply.requested_model, model, "another model is asked");
            (*model).clone_into(&mut self.reply.model);
            self.share = self.share_of_time(others.len() - 1 - index);
            let next = self.ask_until_answered(&mut key).await;
            if next.is_ok() || !self.may_ask_again() {
                return next;
            }
        }
        // What kept the requested model from answering says more than what kept the others.
        self.reply.model.clone_from(&self.reply.requested_model);
        Err(failure)
    }

    /// When the time for a model is over, if as many others can be asked after it.
    fn share_of_time(&self, others: usize) -> Option<Instant> {
        let now = Instant::now();
        let shares = u32::try_from(others + 1).unwrap_or(u32::MAX);
        (self.streams_upstream() && others > 0).then(|| now + self.deadline.saturating_duration_since(now) / shares)
    }

    /// Whether the model is asked for a stream.
    fn streams_upstream(&self) -> bool {
        let is_wanted = self.stream || self.turns.0.settings.stream == ModelStream::Always;
        is_wanted && self.turns.0.model.streams(&self.reply.model)
    }

    /// Once a word of an answer is out, there is no other answer.
    fn may_ask_again(&self) -> bool {
        !self.journal.has_text()
    }

    /// Asks the model of the moment, unless it is left alone. What comes of it counts once for its breaker.
    async fn ask_until_answered(&mut self, key: &mut Option<Credential>) -> Result<Finish, ModelFailure> {
        let mut admission = self.turns.0.breakers.admit(&self.reply.model, self.caller_hash)?;
        let outcome = self.ask_until_final(key, &mut admission).await;
        match &outcome {
            Ok(_) => admission.answered(),
            // It may have been a long answer: one that is asked for as a whole is seen at its end only.
            Err(ModelFailure::Timeout) if !self.streams_upstream() => {}
            Err(ModelFailure::Timeout) if !self.stream && self.journal.is_answering() => {}
            Err(failure) => admission.failed(failure),
        }
        outcome
    }

    /// Asks the model of the moment, again after failures that may pass, within its time.
    async fn ask_until_final(
        &mut self,
        key: &mut Option<Credential>,
        admission: &mut BreakerPermit,
    ) -> Result<Finish, ModelFailure> {
        let mut pauses = pauses(self.turns.0.settings.retries);
        loop {
            let failure = match self.ask_with_keys(key, admission).await {
                Err(ModelFailure::Empty) if std::mem::take(&mut self.has_new_allowance) => continue,
                Err(failure) if failure.is_transient() && self.may_ask_again() => failure,
                outcome => return outcome,
            };
            let Some(pause) = pauses.next() else { return Err(failure) };
            // With a part of the pause on top: not all who were told the same time should come at once.
            let pause = failure.retry_after().map_or(pause, |wait| wait + pause / 4);
            // A wait that leaves no time for the answer helps nobody.
            if Instant::now() + pause >= self.share.unwrap_or(self.deadline) {
                return Err(failure);
            }
            let request_id = self.journal.request_id.as_str();
            tracing::debug!(request_id, %failure, ?pause, model = self.reply.model, "the model is asked again");
            tokio::time::sleep(pause).await;
        }
    }

    /// Asks with this key. If it is refused, asks with Papita's new one as long as Papita has a new one, and at last
    /// with the local one.
    async fn ask_with_keys(
        &mut self,
        key: &mut Option<Credential>,
        admission: &mut BreakerPermit,
    ) -> Result<Finish, ModelFailure> {
        let mut rotations = 0;
        loop {
            let outcome = self.ask_once(key.as_ref(), admission).await;
            self.note_verdict(key.as_ref(), &outcome);
            let (Err(ModelFailure::Unauthorized), Some(refused), true) = (&outcome, key.as_ref(), self.may_ask_again())
            else {
                return outcome;
            };
            let credentials = &self.turns.0.credentials;
            let new = if rotations < ROTATIONS { credentials.replacement(refused).await } else { None };
            let is_local = refused.source == CredentialSource::LocalEnv;
            let Some(next) = new.or_else(|| credentials.local().filter(|_| !is_local)) else { return outcome };
            rotations = if next.source == CredentialSource::LocalEnv { ROTATIONS } else { rotations + 1 };
            *key = Some(next);
        }
    }

    /// Notes what an outcome tells about the key.
    fn note_verdict(&self, key: Option<&Credential>, outcome: &Result<Finish, ModelFailure>) {
        let is_accepted = match outcome {
            Ok(_) => true,
            Err(ModelFailure::Unauthorized) => false,
            Err(_) => return,
        };
        if let Some(credential) = key {
            self.turns.0.credentials.note_verdict(&credential.key, is_accepted);
        }
    }

    async fn ask_once(
        &mut self,
        key: Option<&Credential>,
        admission: &mut BreakerPermit,
    ) -> Result<Finish, ModelFailure> {
        let had_cost = std::mem::replace(&mut self.reply.may_have_cost, true);
        self.reply.source = key.map_or(CredentialSource::None, |credential| credential.source);
        self.reply.attempts += 1;
        self.reply.begin_attempt();
        self.turns.0.metrics.count_attempt(&self.reply.model);
        self.journal.note_call(&self.reply.model);
        let outcome = match self.ask_model(key).await {
            Ok(answering) => self.hear(answering, admission).await,
            Err(error) => Err(error),
        };
        let outcome = outcome.map_err(|error| self.note_failure(&error, key));
        if let Err(failure) = &outcome
            && failure.is_unbilled()
            && !self.has_spent()
        {
            self.reply.may_have_cost = had_cost;
        }
        outcome
    }

    /// Whether the last attempt took tokens for certain.
    fn has_spent(&self) -> bool {
        let Report { usage, has_reasoned, .. } = &self.reply.report;
        self.journal.has_text() || usage.is_some() || *has_reasoned
    }

    /// Puts the provider's or the network's own reason into the diagnostics: no client reads it.
    fn note_failure(&self, error: &ModelError, key: Option<&Credential>) -> ModelFailure {
        let (request_id, model, failure) = (self.journal.request_id.as_str(), &self.reply.model, &error.failure);
        let reason = error.shown_reason(key.map(|credential| &credential.key), self.question().texts());
        if reason.is_empty() {
            tracing::debug!(request_id, model, %failure, "a call to the model failed");
        } else {
            tracing::warn!(request_id, model, %failure, reason, "a call to the model failed");
        }
        error.failure.clone()
    }

    /// How long the answer may be: the persona's limit, within that for all.
    fn answer_limit(&self) -> Option<u32> {
        let limits = [self.persona.and_then(|persona| persona.max_tokens), self.turns.0.settings.max_answer_tokens];
        limits.into_iter().flatten().min()
    }

    fn question(&self) -> Question<'_> {
        let (model, messages) = (self.reply.model.as_str(), self.messages);
        let has_images = messages.iter().any(|message| message.image.is_some());
        let abilities = self.turns.abilities(model);
        let (persona, reasons) = (self.persona, abilities.reasons);
        Question {
            model,
            instruction: persona.map(|persona| persona.prompt.as_str()),
            messages,
            with_images: has_images && abilities.has_vision(),
            temperature: persona.and_then(|persona| persona.temperature).filter(|_| !reasons),
            answer_limit: self.answer_limit(),
            reasons,
            stream: self.streams_upstream(),
        }
    }

    async fn ask_model(&self, key: Option<&Credential>) -> Result<Answering, ModelError> {
        let key = key.map(|credential| &credential.key);
        let asking = self.turns.0.model.ask(self.question(), key, self.deadline);
        match self.share {
            Some(share) => timeout_at(share, asking).await.map_err(|_| ModelFailure::Slow)?,
            None => asking.await,
        }
    }

    /// Passes the answer on as it comes.
    async fn hear(&mut self, mut answering: Answering, admission: &mut BreakerPermit) -> Result<Finish, ModelError> {
        if !answering.has_failed() {
            self.journal.begin();
        }
        // A turn that is ended early still names the model that answered.
        self.reply.report.model = answering.report().model;
        let heard = self.pass_on(&mut answering, admission).await;
        self.reply.report = answering.report();
        self.learn_from_report();
        heard?;
        let finish = answering.finish();
        self.reply.complete = Some(answering);
        Ok(finish)
    }

    async fn pass_on(&mut self, answering: &mut Answering, admission: &mut BreakerPermit) -> Result<(), ModelError> {
        while let Some(text) = self.next(answering).await? {
            admission.answered();
            self.journal.append(&text).await;
        }
        Ok(())
    }

    /// A model that was seen to reason is given room for that from now on: at once, if its thoughts used up the limit.
    fn learn_from_report(&mut self) {
        let report = &self.reply.report;
        if report.has_reasoned && !report.had_room_for_thoughts {
            self.turns.0.model.note_reasoning(&self.reply.model);
            self.has_new_allowance = report.is_cut_by_limit && self.answer_limit().is_some();
        }
    }

    /// The next piece. The time of a stream that goes on is limited elsewhere.
    async fn next(&self, answering: &mut Answering) -> Result<Option<String>, ModelError> {
        let (limit, failure) = match self.share {
            Some(share) if self.may_ask_again() => (share, ModelFailure::Slow),
            _ if !self.stream => (self.deadline, ModelFailure::Timeout),
            _ => return answering.next().await,
        };
        timeout_at(limit, answering.next()).await.map_err(|_| failure)?
    }
}

/// The pauses between attempts.
fn pauses(retries: u32) -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(2))
        .with_jitter()
        .with_max_times(retries as usize)
        .build()
}
