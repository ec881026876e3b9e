//! The course of a turn: from a place among the others to its end, whatever that is.

use std::{sync::Arc, time::Duration};

use tokio::{
    select,
    time::{Instant, sleep_until, timeout},
};

use super::{
    TurnFailure, TurnRequest, TurnSummary, Turns,
    journal::{Cancellation, Journal},
    model_call::{ModelCall, Reply},
    recording::Outcome,
};
use crate::{
    adapters::{model::ModelFailure, storage::ScopedKey},
    domain::{
        chat::{Finish, Message, Role},
        prompt,
    },
    foundation::config::OnDisconnect,
};

/// How often it is looked whether a model that a turn waits for has been loaded for another one meanwhile.
const LOAD_CHECK: Duration = Duration::from_secs(1);

impl Turns {
    pub(super) fn open_journal(&self, ask: &TurnRequest, model: &str, may_return: bool) -> Arc<Journal> {
        let grace = if may_return { self.0.limits.resume_grace } else { Duration::ZERO };
        let owner = ask.stored_chat.map(|stored_chat| stored_chat.owner);
        Journal::new(ask.request_id.clone(), ask.session_id.clone(), owner, model.to_owned(), grace)
    }

    pub(super) async fn run(self, mut ask: TurnRequest, model: String, journal: Arc<Journal>, key: Option<ScopedKey>) {
        let unfinished = Unfinished { turns: self.clone(), journal: Arc::clone(&journal) };
        let mut reply = Reply::new(model);
        let told = self.told(&mut ask, &journal, &mut reply).await;
        if let Some(key) = key {
            self.settle_key(&key, &journal, &told, reply.may_have_cost).await;
        }
        journal.end(told);
        // What is left to do is for the connection's sake, and shall not keep all this.
        drop((unfinished, journal, ask));
        if let Some(answer) = reply.complete {
            answer.read_out().await;
        }
    }

    /// Takes the turn, and keeps what became of it. One that cannot be opened in its chat has not begun.
    async fn told(
        &self,
        ask: &mut TurnRequest,
        journal: &Journal,
        reply: &mut Reply,
    ) -> Result<TurnSummary, TurnFailure> {
        self.ensure_public_images(&ask.messages).await?;
        let open = self.open_in_chat(ask, &reply.requested_model, journal).await?;
        if let Some(persona) = &ask.persona {
            prompt::keep_last_turns(&mut ask.messages, persona.turns.unwrap_or(usize::MAX));
        }
        let outcome = self.outcome(ask, journal, reply).await;
        let told = self.account(ask, reply, journal, outcome).await;
        match open {
            Some(open) => self.close_in_chat(open, journal, told).await,
            None => told,
        }
    }

    /// The answer, or whatever ends the turn before it.
    async fn outcome(&self, ask: &mut TurnRequest, journal: &Journal, reply: &mut Reply) -> Outcome {
        let started = Instant::now();
        let stream_deadline = started + self.0.limits.stream_timeout;
        let deadline = started + self.0.limits.timeout;
        let deadline = if ask.stream { deadline.min(stream_deadline) } else { deadline };
        let mut is_abandoned = false;
        let caller_hash = ask.caller_hash();
        let TurnRequest { messages, persona, stream, stored_chat, .. } = ask;
        let (persona, stream) = (persona.as_deref(), *stream);
        let answering = async {
            let _place = self.0.admission.take().await?;
            loop {
                let asking = ModelCall {
                    turns: self,
                    caller_hash,
                    messages,
                    persona,
                    stream,
                    deadline,
                    share: None,
                    journal,
                    reply: &mut *reply,
                    has_new_allowance: false,
                };
                match asking.answer().await {
                    Err(TurnFailure::Model(ModelFailure::PromptTooLong))
                        if stored_chat.is_some() && forget_half(messages) => {}
                    answer => return answer,
                }
            }
        };
        let out_of_time = async {
            sleep_until(deadline).await;
            if stream && journal.is_answering() {
                sleep_until(stream_deadline).await;
            }
        };
        let unwanted = async {
            loop {
                match journal.cancelled(!is_abandoned).await {
                    Cancellation::Stopped => {
                        is_abandoned = false;
                        return Ok(Finish::Stopped);
                    }
                    Cancellation::Abandoned if self.0.limits.on_disconnect == OnDisconnect::Drain => {
                        is_abandoned = true
                    }
                    Cancellation::Abandoned => {
                        // A server that loads a model gives that up when nobody waits for it any more.
                        while let Some(model) = journal.unread_silent_model()
                            && self.0.model.is_loading(&model)
                        {
                            let _ = timeout(LOAD_CHECK, journal.answering_or_wanted()).await;
                        }
                        if journal.try_abandon() {
                            return Err(TurnFailure::ClientGone);
                        }
                    }
                }
            }
        };
        let answer = select! {
            biased;
            answer = answering => answer,
            ending = unwanted => ending,
            () = out_of_time => Err(ModelFailure::Timeout.into()),
            () = self.0.cut_off.cancelled() => Err(TurnFailure::Stopping),
        };
        Outcome { answer, is_abandoned: is_abandoned && !journal.has_readers() }
    }
}

/// Takes the older half of the history from the question. Returns whether there was any: how much a model reads is only
/// known in advance as far as models are known, and a chat must not come to its end by that.
fn forget_half(messages: &mut Vec<Message>) -> bool {
    let history = messages.len().saturating_sub(1);
    let begins_turn = |message: &Message| message.role == Role::User;
    // From the beginning of a turn on, which the question itself is, too.
    let kept = messages.iter().skip(history.div_ceil(2)).position(begins_turn);
    messages.drain(..kept.map_or(history, |place| history.div_ceil(2) + place));
    history > 0
}

/// A turn under way. It ends as one, also if its task dies.
struct Unfinished {
    turns: Turns,
    journal: Arc<Journal>,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Only the first end counts.
        self.journal.end(Err(TurnFailure::Died));
        self.turns.0.registry.retire(&self.journal);
    }
}
