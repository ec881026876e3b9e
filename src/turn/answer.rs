//! Who answers a turn: the model, asked with the key of the moment, or the built-in responder.

use std::time::Instant;

use super::{TurnFailure, Turns};
use crate::{
    chat::{Finish, Message},
    credentials::{Access, Credential, CredentialSource},
    model::{Answer, ModelFailure, Question, basic},
};

/// So many rotations of the key a single turn lives through; more are not a rotation.
const ROTATIONS: u32 = 3;

/// Who is being asked, and with which key.
pub(super) struct Reply {
    pub(super) model: String,
    pub(super) source: CredentialSource,
    pub(super) asked_at: Option<Instant>,
}

impl Reply {
    pub(super) fn new(model: String) -> Self {
        Self { model, source: CredentialSource::None, asked_at: None }
    }
}

impl Turns {
    /// The model's answer, or the built-in responder's where that one is meant to answer. `reply` is told at once who
    /// is asked with which key, so that a turn that is ended early can still say so.
    pub(super) async fn answer(&self, messages: &[Message], reply: &mut Reply) -> Result<Answer, TurnFailure> {
        let access = self.0.credentials.access(&self.0.settings).await;
        reply.asked_at = Some(Instant::now());
        match access {
            Access::Key(credential) => self.ask_with(credential, messages, reply).await,
            Access::NoKeyNeeded => self.ask_model(messages, reply, None).await,
            Access::BuiltIn => {
                basic::NAME.clone_into(&mut reply.model);
                let text = basic::reply(messages).to_owned();
                Ok(Answer { text, usage: None, finish: Finish::Complete })
            }
            Access::Missing(none) => Err(none.into()),
        }
    }

    /// Asks with this key. If it is refused, asks with Papita's new one as long as Papita has a new one, and at last
    /// with the local one.
    async fn ask_with(
        &self,
        credential: Credential,
        messages: &[Message],
        reply: &mut Reply,
    ) -> Result<Answer, TurnFailure> {
        const REFUSED: Result<Answer, TurnFailure> = Err(TurnFailure::Model(ModelFailure::Unauthorized));
        let mut last = credential;
        let mut outcome = self.ask_model(messages, reply, Some(&last)).await;
        let mut rotations = 0;
        while outcome == REFUSED
            && rotations < ROTATIONS
            && let Some(new) = self.0.credentials.replacement(&last).await
        {
            outcome = self.ask_model(messages, reply, Some(&new)).await;
            last = new;
            rotations += 1;
        }
        if outcome == REFUSED
            && last.source != CredentialSource::LocalEnv
            && let Some(local) = self.0.credentials.local()
        {
            outcome = self.ask_model(messages, reply, Some(&local)).await;
        }
        outcome
    }

    async fn ask_model(
        &self,
        messages: &[Message],
        reply: &mut Reply,
        credential: Option<&Credential>,
    ) -> Result<Answer, TurnFailure> {
        reply.source = credential.map_or(CredentialSource::None, |credential| credential.source);
        let question = Question { model: &reply.model, messages };
        Ok(self.0.model.ask(question, credential.map(|credential| &credential.key)).await?)
    }
}
