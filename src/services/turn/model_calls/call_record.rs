//! The record of the calls to models in one turn.

use std::time::{Duration, Instant};

use crate::{
    adapters::{
        credentials::KeyOrigin,
        model::{AnswerReport, AnswerStream, ModelFailure},
    },
    domain::cost::TokenUsage,
    services::turn::{
        context::ContextRecord,
        ended_call::EndedCall,
        failure::TurnFailure,
        guard::{AnswerEnd, GuardRecord, Judgement},
        journal::NotedCall,
    },
};

/// The calls to models in one turn: the model and key of the latest one, and what models reported. It is updated before
/// each call, so that it is right for a turn that is cancelled, too.
#[derive(Debug)]
pub(in crate::services::turn) struct CallRecord<'a> {
    /// The model of the latest call; `basic` is the built-in responder.
    pub(in crate::services::turn) model: &'a str,
    /// The model that the turn was started for. Another one is called when it is unavailable.
    pub(in crate::services::turn) requested_model: &'a str,
    /// The origin of the key of the latest call.
    pub(in crate::services::turn) key: KeyOrigin,
    /// The age of the key when the latest call began; `None` if Papita did not return it.
    pub(in crate::services::turn) key_age: Option<Duration>,
    /// The time from which the turn waits for models.
    pub(in crate::services::turn) started_at: Option<Instant>,
    /// The number of calls.
    pub(in crate::services::turn) attempts: u32,
    /// The calls that have ended, from the first one on that failed: for a turn with one answered call, none.
    pub(in crate::services::turn) ended: Vec<EndedCall>,
    /// The start of the call that is going on; `None` between calls and after the last one.
    pub(in crate::services::turn) running_since: Option<Instant>,
    /// The time of the calls that have ended.
    ended_call_time: Duration,
    /// The number of messages that the latest call sent, counted from the last one.
    pub(in crate::services::turn) messages: usize,
    /// Whether the latest call asked for a stream. A provider bills a whole answer also if its call is cut off.
    pub(in crate::services::turn) is_streamed: bool,
    /// Whether the calls may have cost something: one was made and not plainly refused.
    pub(in crate::services::turn) may_have_cost: bool,
    /// The report of the latest call.
    pub(in crate::services::turn) report: AnswerReport,
    /// The tokens and costs that earlier calls reported.
    pub(in crate::services::turn) earlier: ReportedUse,
    /// What the guard said.
    pub(in crate::services::turn) guard: GuardRecord,
    /// The time from which the turn has waited for the guard while no text of the model could be read; `None` while a model is
    /// waited for.
    pub(super) waits_for_guard_since: Option<Instant>,
    /// The outcome of asking the context hook; `None` if it was not asked.
    pub(in crate::services::turn) context: Option<ContextRecord>,
    /// How the guard has ended the answer; `None` if it has not.
    pub(in crate::services::turn) ended_by_guard: Option<AnswerEnd>,
    /// The complete answer of the latest call, whose connection can be used again.
    pub(in crate::services::turn) complete: Option<AnswerStream>,
    /// Whether the token limit ended the latest answer during its reasoning, so that the model is called again with a
    /// reasoning allowance.
    pub(super) should_retry_with_reasoning: bool,
}

/// Tokens and costs that models reported.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::services::turn) struct ReportedUse {
    pub(in crate::services::turn) usage: TokenUsage,
    /// The cost, in pico-dollars.
    pub(in crate::services::turn) cost: u64,
}

impl<'a> CallRecord<'a> {
    pub(in crate::services::turn) fn new(requested_model: &'a str) -> Self {
        Self {
            model: requested_model,
            requested_model,
            key: KeyOrigin::NO_KEY,
            key_age: None,
            started_at: None,
            attempts: 0,
            ended: Vec::new(),
            running_since: None,
            ended_call_time: Duration::ZERO,
            messages: 0,
            is_streamed: false,
            may_have_cost: false,
            report: AnswerReport::default(),
            earlier: ReportedUse::default(),
            guard: GuardRecord::default(),
            waits_for_guard_since: None,
            context: None,
            ended_by_guard: None,
            complete: None,
            should_retry_with_reasoning: false,
        }
    }

    /// Creates the record of a turn whose latest call is noted in its journal.
    pub(in crate::services::turn) fn of_noted(requested_model: &'a str, call: &'a NotedCall) -> Self {
        let NotedCall { key, key_age, started_at, running_since, attempts, messages, earlier, guard, context, .. } =
            *call;
        Self {
            model: &call.model,
            key,
            key_age,
            started_at,
            attempts,
            ended: call.ended.clone(),
            running_since,
            messages,
            earlier: ReportedUse { usage: earlier, cost: 0 },
            guard,
            context,
            ..Self::new(requested_model)
        }
    }

    /// Returns what the journal notes of the latest call.
    pub(super) fn to_noted(&self, model: &str) -> NotedCall {
        NotedCall {
            model: model.to_owned(),
            key: self.key,
            guard: self.guard,
            context: self.context,
            key_age: self.key_age,
            started_at: self.started_at,
            running_since: self.running_since,
            attempts: self.attempts,
            ended: self.ended.clone(),
            messages: self.messages,
            earlier: self.earlier.usage,
        }
    }

    /// Begins the record of another call, which sends this number of messages and perhaps asks for a stream, and adds the
    /// report of the one before it to the earlier ones.
    pub(super) fn begin_call(&mut self, key: KeyOrigin, messages: usize, is_streamed: bool) {
        let now = Instant::now();
        self.key = key;
        self.key_age = key.fetched_at.map(|fetched_at| now.duration_since(fetched_at));
        self.attempts += 1;
        self.running_since = Some(now);
        self.messages = messages;
        self.is_streamed = is_streamed;
        let AnswerReport { usage, cost, .. } = std::mem::take(&mut self.report);
        self.earlier.usage += usage.unwrap_or_default();
        self.earlier.cost = self.earlier.cost.saturating_add(cost.unwrap_or_default());
    }

    /// Ends the answer of a turn whose time is over if the turn was waiting for the guard, and not for a model. Returns whether
    /// it was.
    pub(in crate::services::turn) fn give_up_guard(&mut self) -> bool {
        let Some(since) = self.waits_for_guard_since.take() else { return false };
        self.guard.add_answer(Judgement::abandoned(since.elapsed()));
        self.ended_by_guard = Some(AnswerEnd::Failed(TurnFailure::GuardUnavailable));
        true
    }

    /// Whether the texts of the context hook are sent to models.
    pub(in crate::services::turn) fn has_context(&self) -> bool {
        self.context.is_some_and(|context| context.is_used())
    }

    /// Whether a hook may have been at work, so that the turn counts in the limits.
    pub(in crate::services::turn) fn has_reached_hook(&self) -> bool {
        self.guard.has_reached_guard() || self.context.is_some_and(|context| context.has_reached_hook)
    }

    /// Notes that no model gets the texts of the context hook after all.
    pub(in crate::services::turn) fn note_unused_context(&mut self) {
        if let Some(context) = &mut self.context {
            context.note_unused();
        }
    }

    /// Returns the time that the turn has waited for hooks before it could ask a model.
    pub(in crate::services::turn) fn hook_time(&self) -> Duration {
        self.guard.question_time() + self.context.map_or(Duration::ZERO, |context| context.time)
    }

    /// Returns the time of all calls so far, with that of the call that is going on.
    pub(in crate::services::turn) fn call_time(&self) -> Duration {
        self.ended_call_time + self.running_since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Returns the guard's sentence about an answer that it has cut off.
    pub(in crate::services::turn) fn notice(&self) -> Option<String> {
        if let Some(AnswerEnd::Cut { notice }) = &self.ended_by_guard { notice.clone() } else { None }
    }

    /// Ends the record of the call that is going on. The only call of a turn costs nothing here if it has an answer.
    pub(super) fn end_call(&mut self, model: &str, failure: Option<&ModelFailure>) {
        let Some(started_at) = self.running_since.take() else { return };
        let ended_at = Instant::now();
        self.ended_call_time += ended_at.duration_since(started_at);
        if failure.is_some() || !self.ended.is_empty() {
            let model = model.to_owned();
            let code = failure.map(|failure| failure.kind().error.code);
            self.ended.push(EndedCall { model, started_at, ended_at, code });
        }
    }
}
