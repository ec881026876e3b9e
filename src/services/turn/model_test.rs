//! A test of the model: a turn that asks for one word.

use std::{
    sync::{Arc, Weak},
    time::Instant,
};

use tokio::sync::Mutex;

use super::{
    failure::TurnFailure,
    journal::{Journal, Reader},
    request::TurnRequest,
};
use crate::domain::{chat::Caller, limits::Asker, prompt};

/// The latest test of the model. Concurrent requests share one test, because a test costs money and needs no login.
#[derive(Debug, Default)]
pub(super) struct ModelTest(Mutex<Weak<Journal>>);

impl ModelTest {
    /// Returns a reader of the running test, or of the one that `start` starts.
    pub(super) async fn join(
        &self,
        start: impl Future<Output = Result<Reader, TurnFailure>>,
    ) -> Result<Reader, TurnFailure> {
        let mut latest = self.0.lock().await;
        if let Some(reader) = latest.upgrade().and_then(|journal| Reader::join(&journal)) {
            return Ok(reader);
        }
        let reader = start.await?;
        *latest = Arc::downgrade(reader.journal());
        Ok(reader)
    }
}

/// Returns the request of a test: a turn of a guest without a session.
pub(super) fn test_request(request_id: &str, arrived: Instant, asker: Asker) -> TurnRequest {
    TurnRequest {
        request_id: request_id.to_owned(),
        arrived,
        caller: Caller::new(None, None),
        session_id: None,
        asker,
        model: None,
        persona: None,
        language: None,
        context: None,
        server_instruction: None,
        options: None,
        stored_chat: None,
        messages: vec![prompt::test()],
        stream: false,
        is_model_test: true,
        idempotency_key: None,
        trace: None,
        body: None,
    }
}
