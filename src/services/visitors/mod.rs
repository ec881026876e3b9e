//! Visitors: whoever talks here without an account, known by a token alone, and forgotten when they don't come back.

mod token;

use std::{sync::Arc, time::Duration};

use tokio::{select, time::sleep};
use tokio_util::sync::CancellationToken;

pub use self::token::VisitorToken;
use crate::{
    adapters::storage::{Storage, StorageFailure, Visitor},
    foundation::{clock::Clock, tasks::Tasks},
};

/// Nobody's chat is kept to the minute: this often is enough to note that a visitor is here, and to look for those who
/// didn't come back.
const HOUR: Duration = Duration::from_hours(1);

/// Visitors looked for at once.
const BATCH: u64 = 100;

/// Knows visitors. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Visitors(Arc<Keeper>);

#[derive(Debug)]
struct Keeper {
    storage: Storage,
    clock: Clock,
    retention: Duration,
}

impl Keeper {
    /// How much later than it was noted a visitor may have been here.
    fn lag(&self) -> Duration {
        HOUR.min(self.retention / 4)
    }
}

impl Visitors {
    /// Starts the task that forgets those who have not come back for longer than `retention`.
    #[must_use]
    pub fn start(storage: Storage, clock: Clock, retention: Duration, tasks: &Tasks) -> Self {
        let this = Self(Arc::new(Keeper { storage, clock, retention }));
        tasks.spawn("visitors", this.clone().forget_again_and_again(tasks.stopping()));
        this
    }

    /// How long those who don't come back are kept.
    #[must_use]
    pub fn retention(&self) -> Duration {
        self.0.retention
    }

    /// The visitor of this token, if there is one.
    pub async fn find(&self, token: &VisitorToken) -> Result<Option<Visitor>, StorageFailure> {
        let Some(visitor) = self.0.storage.visitor(&token.hash()).await? else { return Ok(None) };
        let Keeper { storage, clock, .. } = &*self.0;
        let is_noted = visitor.seen_at >= clock.ago(self.0.lag());
        // Between the two looks the visitor may have been forgotten.
        let is_here = is_noted || storage.touch_visitor(visitor.owner, clock.now()).await?;
        Ok(is_here.then_some(visitor))
    }

    /// The visitor of this token, from now on if there was none.
    pub async fn admit(&self, token: &VisitorToken) -> Result<Visitor, StorageFailure> {
        loop {
            if let Some(visitor) = self.find(token).await? {
                return Ok(visitor);
            }
            if let Some(visitor) = self.0.storage.add_visitor(&token.hash(), self.0.clock.now()).await? {
                return Ok(visitor);
            }
            // Another request of the same visitor was faster, and will be found at the next look.
        }
    }

    async fn forget_again_and_again(self, stopping: CancellationToken) {
        let pause = self.0.lag().max(Duration::from_millis(100));
        loop {
            if let Err(failure) = self.forget(&stopping).await {
                tracing::warn!(%failure, "visitors who didn't come back cannot be forgotten yet");
            }
            select! {
                () = sleep(pause) => {}
                () = stopping.cancelled() => return,
            }
        }
    }

    async fn forget(&self, stopping: &CancellationToken) -> Result<(), StorageFailure> {
        let Keeper { storage, clock, retention } = &*self.0;
        if !storage.holds_lease("visitors", clock.now()).await? {
            return Ok(());
        }
        let long_ago = clock.ago(*retention + self.0.lag());
        loop {
            let gone = storage.inactive_visitors(long_ago, BATCH).await?;
            for visitor in &gone {
                if stopping.is_cancelled() {
                    return Ok(());
                }
                storage.purge_visitor(visitor, long_ago).await?;
            }
            if gone.is_empty() {
                return Ok(());
            }
        }
    }
}
