//! A test of the model: a turn without a visitor.

use std::time::{Duration, Instant};

use tokio::{sync::oneshot, time::timeout_at};

use super::{
    Told, TurnFailure, Turns,
    answer::{Asking, Reply},
    journal::Journal,
};
use crate::{
    model::{Caller, ModelFailure},
    prompt,
    storage::TurnRecord,
};

impl Turns {
    /// Asks the model one word, to see whether it answers. The tokens are counted; no turn is logged. Whoever asks
    /// meanwhile gets the same answer: this costs money, and anyone may ask.
    pub async fn test(&self, request_id: &str) -> Result<(String, Told), TurnFailure> {
        self.ensure_ready()?;
        let (done, told) = oneshot::channel();
        let this = self.clone();
        let request_id = request_id.to_owned();
        self.0.running.spawn("model test", async move {
            let told = this.0.tests.try_get_with((), this.run_test(request_id)).await;
            this.0.tests.invalidate(&()).await;
            // Whoever asked may have left.
            let _ = done.send(told.map_err(|failure| TurnFailure::clone(&failure)));
        });
        told.await.unwrap_or(Err(TurnFailure::Died))
    }

    async fn run_test(&self, request_id: String) -> Result<(String, Told), TurnFailure> {
        let started = Instant::now();
        let messages = [prompt::test()];
        let mut reply = Reply::new(self.0.settings.default.clone());
        let journal = Journal::new(request_id.clone(), None, None, reply.model.clone(), Duration::ZERO);
        let deadline = tokio::time::Instant::now() + self.0.limits.timeout;
        let asking = Asking {
            turns: self,
            caller: Caller::of(&"test"),
            messages: &messages,
            persona: None,
            stream: false,
            deadline,
            share: None,
            journal: &journal,
            reply: &mut reply,
            has_new_allowance: false,
        };
        let answer = timeout_at(deadline, asking.answer()).await;
        let finish = answer.unwrap_or_else(|_| Err(ModelFailure::Timeout.into()))?;
        let usage = reply.report.usage;
        let (model, at) = (reply.model, self.0.clock.now());
        let record = TurnRecord {
            at,
            request_id,
            session_id: None,
            model: model.clone(),
            failed: false,
            usage: usage.unwrap_or_default(),
            cost: self.cost(&model, usage).unwrap_or_default(),
            latency: started.elapsed(),
            posting: None,
        };
        self.0.storage.keep_turn(record, None);
        Ok((journal.text(), Told { model, usage: usage.unwrap_or_default(), finish, at, exchange: None }))
    }
}
