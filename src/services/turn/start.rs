//! The start of a turn: whether it is admitted, or is the repetition of an earlier one.

use std::{collections::BTreeSet, pin::pin, sync::Arc};

use tokio::sync::oneshot;

use super::{
    Turns,
    failure::TurnFailure,
    idempotency::{Claim, IdempotencyKey, KeyClaim, scoped_key, wait_unmarked},
    image_hosts::host_names,
    journal::Reader,
    limits::Reservation,
    parts::Parts,
    request::TurnRequest,
};
use crate::domain::limits::Asker;

impl Turns {
    /// Starts a turn, or joins the one that was started with the same `Idempotency-Key`. Returns a reader of it. When
    /// all readers are dropped, the turn ends after its grace period.
    pub async fn start(&self, mut request: TurnRequest) -> Result<Reader, TurnFailure> {
        self.0.admission.ensure_not_paused(&request.asker)?;
        let model = self.0.model_calls.chosen_model(&request)?.to_owned();
        self.0.admission.check(&request.asker)?;
        self.0.limits.check_input(&request)?;
        let image_hosts = host_names(&request.messages)?;
        if let Some(key) = request.idempotency_key.take() {
            return self.start_once(request, model, image_hosts, key).await;
        }
        let reservation = self.0.admit(&request, &model, &image_hosts, None).await?;
        Ok(self.start_new(request, model, reservation))
    }

    /// Fails if a turn would be refused now, for endpoints that prepare something before they start a turn.
    pub fn check_admission(&self, asker: &Asker) -> Result<(), TurnFailure> {
        self.0.admission.check(asker)?;
        self.0.limits.check(asker).map_err(|refused| self.0.limits.count_refusal(refused, asker))
    }

    /// Whether a request with an `Idempotency-Key` may be looked up in the database: a turn would be admitted, or the request
    /// may repeat one. To be called once for each look-up.
    #[must_use]
    pub fn may_look_up(&self, asker: &Asker) -> bool {
        self.0.limits.check(asker).is_ok() || self.0.limits.may_look_up(asker)
    }

    fn start_new(&self, request: TurnRequest, model: String, reservation: Reservation) -> Reader {
        // A client that wants a whole answer gets the turn's id only with the answer, and a stream in OpenAI's form has no numbers
        // of events: neither can be resumed.
        let can_resume = request.stream && request.options.is_none();
        let journal = self.0.registry.open(&request, &model, can_resume);
        let (reader, parts) = (Reader::new(&journal), Arc::clone(&self.0));
        self.0.tasks.spawn(async move { parts.runner.run(request, model, journal, None, reservation).await });
        reader
    }

    /// Starts or joins the turn of a key, in a separate task: if the client disconnects, a key that is claimed already
    /// must still get its turn.
    async fn start_once(
        &self,
        mut request: TurnRequest,
        model: String,
        image_hosts: BTreeSet<String>,
        key: IdempotencyKey,
    ) -> Result<Reader, TurnFailure> {
        let (sender, reader) = oneshot::channel();
        let key = scoped_key(&request, key, || self.0.limits.asker_key(&request.asker));
        // Before the claim, so that a refused request writes nothing to the database. One that repeats another costs nothing.
        if let Err(refused) = self.0.limits.check(&request.asker) {
            if let Some(reader) = self.0.idempotency.find_recent(&request, &key) {
                let journal = self.0.registry.open(&request, &model, true);
                self.0.registry.replace(&journal, reader.journal());
                return Ok(reader);
            }
            if !self.0.limits.may_look_up(&request.asker) || !self.0.idempotency.is_claimed(&key).await? {
                return Err(self.0.limits.count_refusal(refused, &request.asker));
            }
        }
        // A turn that waits for hooks first is marked after that.
        let can_ask_at_once = !self.0.runner.has_hooks() && self.0.admission.has_free_permit(&request.asker);
        let parts = Arc::clone(&self.0);
        self.0.tasks.spawn(async move {
            // Before the claim, so that repetitions find the running turn by its id.
            let journal = parts.registry.open(&request, &model, true);
            let joined = match parts.idempotency.claim(&mut request, key, can_ask_at_once).await {
                Ok(Claim::New(claim)) => match parts.admit(&request, &model, &image_hosts, Some(&claim)).await {
                    Ok(reservation) => {
                        // If the client has left, the turn has no reader, and ends after its grace.
                        let _ = sender.send(Ok(Reader::new(&journal)));
                        return parts.runner.run(request, model, journal, Some(claim), reservation).await;
                    }
                    // An image is not public, another turn was admitted meanwhile, or the key is that of a turn that never
                    // asked the model.
                    Err(refused) => {
                        parts.idempotency.settle(&claim, &journal, &Err(refused.clone()), false).await;
                        parts.registry.remove(&journal);
                        journal.end(Err(refused.clone()));
                        Err(refused)
                    }
                },
                Ok(Claim::Repeated(reader)) => {
                    parts.registry.replace(&journal, reader.journal());
                    Ok(reader)
                }
                Err(failure) => {
                    parts.registry.remove(&journal);
                    // A repetition may have found the claim, and read the journal, before its answer was lost.
                    journal.end(Err(failure.clone()));
                    Err(failure)
                }
            };
            let _ = sender.send(joined);
        });
        reader.await.unwrap_or(Err(TurnFailure::Died))
    }
}

impl Parts {
    /// Reserves a turn. The hosts of its images are looked up before, so that an invalid request reserves nothing meanwhile,
    /// and only where a limit has room.
    async fn admit(
        &self,
        request: &TurnRequest,
        model: &str,
        image_hosts: &BTreeSet<String>,
        claim: Option<&KeyClaim>,
    ) -> Result<Reservation, TurnFailure> {
        let counted = |failure| self.limits.count_refusal(failure, &request.asker);
        if !image_hosts.is_empty() {
            self.limits.check(&request.asker).map_err(counted)?;
            wait_unmarked(claim, pin!(self.image_hosts.check(image_hosts))).await?;
            // The service may be stopping by now.
            self.admission.check(&request.asker)?;
        }
        self.limits.reserve(request, model).map_err(counted)
    }
}
