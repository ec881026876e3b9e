//! A test of the model: a turn that asks for one word.

use std::{sync::Arc, time::Instant};

use super::{Reader, TurnFailure, TurnRequest, TurnSummary, Turns};
use crate::domain::{chat::Caller, prompt};

impl Turns {
    /// Asks the model for one word, to see whether it answers: a turn like any other, of a guest without a session.
    /// Whoever asks meanwhile waits for the same answer: this costs money, and anyone may ask.
    pub async fn test(&self, request_id: &str, arrived: Instant) -> Result<(String, TurnSummary), TurnFailure> {
        self.join_test(request_id, arrived).await?.read_to_end().await
    }

    /// A reader of the test that is under way, or of a new one.
    async fn join_test(&self, request_id: &str, arrived: Instant) -> Result<Reader, TurnFailure> {
        let mut latest = self.0.test.lock().await;
        if let Some(reader) = latest.upgrade().and_then(|journal| journal.join()) {
            return Ok(reader);
        }
        let ask = TurnRequest {
            request_id: request_id.to_owned(),
            arrived,
            caller: Caller::new(None, None),
            session_id: None,
            address: None,
            model: None,
            persona: None,
            stored_chat: None,
            messages: vec![prompt::test()],
            stream: false,
            idempotency_key: None,
        };
        let reader = self.start(ask).await?;
        *latest = Arc::downgrade(reader.journal());
        Ok(reader)
    }
}
