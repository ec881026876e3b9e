//! Permits to run a turn, with a short queue in front of them.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::time::timeout;

use super::failure::TurnFailure;
use crate::{
    domain::{
        fair_permits::{Applicant, FairPermit, FairPermits},
        limits::Asker,
        tenant::Tenant,
    },
    foundation::config,
};

/// The permits of `MAX_TURNS`, and the queue of turns that wait for one. Each address gets its share of both.
#[derive(Debug)]
pub(super) struct Permits {
    fair: FairPermits,
    queue_timeout: Duration,
    refused: AtomicU64,
}

impl Permits {
    pub(super) fn new(settings: &config::Turns) -> Self {
        let fair = FairPermits::new(settings.max_turns, settings.queue);
        Self { fair, queue_timeout: settings.queue_timeout, refused: AtomicU64::new(0) }
    }

    /// Whether a permit is free for whoever asks.
    pub(super) fn has_free(&self, asker: &Asker) -> bool {
        self.fair.has_free(applicant(asker))
    }

    /// Fails if no permit is free for whoever asks, and no place in the queue.
    pub(super) fn check(&self, asker: &Asker) -> Result<(), TurnFailure> {
        if self.fair.has_place(applicant(asker)) { Ok(()) } else { Err(self.refuse()) }
    }

    /// Waits for a permit, which the turn holds as long as it runs. Fails if the queue is full or `TURN_QUEUE_TIMEOUT`
    /// has passed.
    pub(super) async fn acquire(&self, asker: &Asker) -> Result<FairPermit, TurnFailure> {
        let acquired = timeout(self.queue_timeout, self.fair.acquire(applicant(asker))).await;
        acquired.ok().flatten().ok_or_else(|| self.refuse())
    }

    fn refuse(&self) -> TurnFailure {
        self.refused.fetch_add(1, Ordering::Relaxed);
        TurnFailure::Busy
    }

    /// Returns the number of turns refused since the start.
    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Returns the number of permits that are taken.
    pub(super) fn taken(&self) -> usize {
        self.fair.taken()
    }

    /// Returns the number of turns in the queue.
    pub(super) fn waiting(&self) -> usize {
        self.fair.waiting()
    }
}

/// Returns whoever asks as an applicant for a permit. Servers with an API key ask for many people, and so may this machine,
/// through a proxy that adds no header: both can use all permits.
fn applicant(asker: &Asker) -> Applicant {
    let is_for_many = asker.is_local || matches!(asker.tenant, Some(Tenant::Key(_)));
    Applicant { client: asker.address, has_share: !is_for_many, is_first: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{client_ip::ClientIp, limits::AskerId};

    fn permits(limit: usize, queue: usize) -> Permits {
        let fair = FairPermits::new(limit, queue);
        Permits { fair, queue_timeout: Duration::from_millis(1), refused: AtomicU64::new(0) }
    }

    fn asker() -> Asker {
        let address = ClientIp::from_peer([192, 0, 2, 1].into());
        Asker { id: AskerId::Address, address, is_local: false, tenant: None }
    }

    #[tokio::test]
    async fn a_turn_beyond_the_queue_is_refused_and_counted() {
        let permits = permits(1, 0);
        let permit = permits.acquire(&asker()).await.unwrap();
        assert_eq!(permits.taken(), 1);
        assert_eq!(permits.check(&asker()), Err(TurnFailure::Busy));
        assert!(permits.acquire(&asker()).await.is_err());
        assert_eq!((permits.refused(), permits.waiting()), (2, 0));
        drop(permit);
        assert_eq!((permits.check(&asker()), permits.taken()), (Ok(()), 0));
    }

    #[tokio::test]
    async fn a_turn_leaves_the_queue_when_its_time_is_over() {
        let permits = permits(1, 1);
        let _permit = permits.acquire(&asker()).await.unwrap();
        assert!(permits.acquire(&asker()).await.is_err());
        assert_eq!((permits.refused(), permits.waiting()), (1, 0));
    }
}
