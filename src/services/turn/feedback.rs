//! Feedback: the caller of an answered turn rates the answer. It is in the session log first, and then in the database together
//! with the turns before it, with the event for the owner's receiver.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use moka::{
    future::Cache,
    ops::compute::{CompResult, Op},
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{
    feedback_failure::FeedbackFailure,
    logged_comment::LoggedComment,
    recording::Recorder,
    registry::Registry,
    text_scope::{AskedBy, TurnClient},
};
use crate::{
    adapters::{
        session_log::{FeedbackLine, LogUnavailable},
        storage::{AnsweredTurn, LoggedFeedback, Storage, StorageFailure},
    },
    domain::{
        client_ip::ClientIp,
        feedback::{Comment, MAX_CHANGES, Rating},
        limits::{LimitScope, TooManyOfAddress, UsageLimits},
        log_position::LogEnd,
        session::SessionId,
    },
    foundation::{config::LogContent, error_chain::ErrorChain, tasks::Tasks},
};

/// The time between two removals of turns that can be rated no more.
const PURGE_INTERVAL: Duration = Duration::from_mins(10);

/// The sender of feedback, as its limit counts it.
#[derive(Clone, Copy, Debug)]
pub struct FeedbackSender {
    /// The client's address.
    pub address: ClientIp,
    /// Whether the request comes from this machine, and not through a proxy.
    pub is_local: bool,
    /// Whether the client is a server with an API key, which passes on the ratings of many people.
    pub is_server: bool,
}

/// What a client thinks of an answer.
#[derive(Clone, Debug)]
pub struct NewFeedback {
    /// The id of the turn's request.
    pub request_id: String,
    /// The rating.
    pub rating: Rating,
    /// The comment.
    pub comment: Option<Comment>,
}

/// Feedback that is recorded, now or before.
#[derive(Clone, Copy, Debug)]
pub struct RecordedFeedback {
    /// The time of the request.
    pub at: Timestamp,
    /// Whether there is a comment in the session log.
    pub has_comment: bool,
    /// Whether the session log takes comments on the turn: it has the turn's texts.
    pub takes_comments: bool,
}

/// Records feedback, for one turn one after the other.
#[derive(Debug)]
pub(super) struct Feedback {
    recorder: Arc<Recorder>,
    registry: Arc<Registry>,
    limits: Arc<UsageLimits>,
    content: LogContent,
    tasks: Tasks,
    /// The latest feedback on each turn. The cache changes an entry only once at a time, so further feedback on the turn waits.
    latest_by_turn: Cache<String, RecordedFeedback>,
}

impl Feedback {
    /// Starts the task that removes turns that can be rated no more.
    pub(super) fn start(
        recorder: Arc<Recorder>,
        registry: Arc<Registry>,
        limits: Arc<UsageLimits>,
        content: LogContent,
        tasks: &Tasks,
    ) -> Self {
        let latest_by_turn = Cache::builder().max_capacity(10_000).time_to_live(Duration::from_secs(1)).build();
        tasks.spawn("answered turns", purge(recorder.storage.clone(), tasks.stopping()));
        Self { recorder, registry, limits, content, tasks: tasks.clone(), latest_by_turn }
    }

    /// Counts a request for the address of its sender, whatever comes of it. Fails if there were too many.
    pub(super) fn admit(&self, sender: FeedbackSender) -> Result<(), TooManyOfAddress> {
        let FeedbackSender { address, is_local, is_server } = sender;
        if is_server {
            return Ok(());
        }
        self.limits.admit(LimitScope::Feedback, address, is_local, self.recorder.storage.session_time())
    }

    /// Records feedback whose sender was admitted.
    pub(super) async fn record(
        &self,
        client: TurnClient,
        new: NewFeedback,
    ) -> Result<RecordedFeedback, FeedbackFailure> {
        let log = &self.recorder.log;
        log.ensure_writable()?;
        // A repeated request has an id of its own, and the turn that of the first one.
        let first = self.registry.find(&new.request_id).map(|journal| journal.request_id.clone());
        let new = NewFeedback { request_id: first.unwrap_or(new.request_id), ..new };
        let (recorder, content, latest_by_turn) =
            (Arc::clone(&self.recorder), self.content, self.latest_by_turn.clone());
        let work = async move {
            let entry = latest_by_turn.entry(new.request_id.clone());
            let replaced = entry.and_try_compute_with(async |_| {
                Ok::<_, FeedbackFailure>(Op::Put(record_next(&recorder, content, &client, &new).await?))
            });
            replaced.await
        };
        match self.tasks.run_to_completion("feedback", work).await.unwrap_or(Err(LogUnavailable.into()))? {
            CompResult::Inserted(entry) | CompResult::ReplacedWith(entry) | CompResult::Unchanged(entry) => {
                Ok(entry.into_value())
            }
            CompResult::Removed(_) | CompResult::StillNone(_) => Err(FeedbackFailure::NoTurn),
        }
    }
}

/// Records feedback, while no other on the same turn is being recorded here.
async fn record_next(
    recorder: &Recorder,
    content: LogContent,
    client: &TurnClient,
    new: &NewFeedback,
) -> Result<RecordedFeedback, FeedbackFailure> {
    let Recorder { storage, clock, .. } = recorder;
    let turn = storage.answered_turn(&new.request_id).await?.filter(|turn| is_of(client, turn));
    let turn = turn.ok_or(FeedbackFailure::NoTurn)?;
    let logged = match &new.comment {
        Some(comment) => LoggedComment::new(comment, content, &new.request_id, &turn, storage).await?,
        None => None,
    };
    let mark = logged.as_ref().map(|comment| &comment.mark);
    let takes_comments = match content {
        LogContent::Plain => true,
        LogContent::Sealed => turn.origin.content_key.is_some(),
        LogContent::Off => false,
    };
    let answer = RecordedFeedback { at: clock.now(), has_comment: mark.is_some(), takes_comments };
    if let Some(stored) = &turn.feedback {
        // A rating without a comment leaves the comment on the same rating as it is.
        if stored.rating == new.rating && (mark.is_none() || stored.comment_mark.as_ref() == mark) {
            return Ok(RecordedFeedback { has_comment: stored.comment_mark.is_some(), ..answer });
        }
        if stored.revision > MAX_CHANGES {
            return Err(FeedbackFailure::TooManyChanges);
        }
    }
    log_feedback(recorder, answer.at, &turn, new, logged).await?;
    // So that other replicas know of it before the client does. If this fails, the database gets it later.
    if let Err(failure) = storage.flush_turns().await {
        tracing::warn!(failure = %ErrorChain(&failure), "feedback is in the session log, and not in the database yet");
    }
    Ok(answer)
}

/// Whether a turn is the client's.
fn is_of(client: &TurnClient, turn: &AnsweredTurn) -> bool {
    let origin = &turn.origin;
    let asked_by = AskedBy {
        session: turn.session_id.as_ref(),
        chat_owner: origin.chat_owner,
        ticket_visitor: origin.visitor,
        api_key: origin.api_key.as_deref(),
    };
    asked_by.admits(client)
}

/// Writes the line of feedback, and queues what the database gets.
async fn log_feedback(
    recorder: &Recorder,
    at: Timestamp,
    turn: &AnsweredTurn,
    new: &NewFeedback,
    comment: Option<LoggedComment>,
) -> Result<(), LogUnavailable> {
    let (origin, previous) = (&turn.origin, turn.feedback.as_ref());
    let revision = previous.map_or(1, |feedback| feedback.revision.saturating_add(1));
    let sealed = comment.as_ref().and_then(|comment| comment.sealed.as_deref());
    let is_plain = comment.is_some() && sealed.is_none();
    let line = FeedbackLine {
        request_id: &new.request_id,
        session_id: turn.session_id.as_ref().map(SessionId::as_str),
        api_key: origin.api_key.as_deref(),
        model: &turn.model,
        site: origin.site.as_deref(),
        persona: origin.persona.as_deref(),
        revision,
        rating: new.rating.as_str(),
        previous_rating: previous.map(|feedback| feedback.rating.as_str()),
        has_comment: comment.is_some(),
        content_key: origin.content_key.as_deref().filter(|_| sealed.is_some()),
        sealed,
        comment: new.comment.as_ref().filter(|_| is_plain).map(Comment::expose),
    };
    let mut lines = recorder.log.lines(at);
    lines.add(&line);
    let event = recorder.outbox_entries.feedback_given(&line, at);
    let feedback = LoggedFeedback {
        request_id: new.request_id.clone(),
        revision,
        at,
        rating: new.rating,
        comment_mark: comment.map(|comment| comment.mark),
        turn_expires_at: origin.expires_at,
        event,
    };
    let (storage, metrics, rating) = (recorder.storage.clone(), Arc::clone(&recorder.metrics), new.rating);
    let store = move |end: Option<LogEnd>| {
        if let Some(end) = end {
            metrics.count_feedback(rating);
            storage.enqueue_feedback(feedback, end);
        }
    };
    recorder.log.write_then(lines, store).await.map(drop)
}

/// Removes turns that can be rated no more, until the token is cancelled.
async fn purge(storage: Storage, stopping: CancellationToken) {
    loop {
        if let Err(failure) = purge_once(&storage).await {
            let failure = ErrorChain(&failure);
            tracing::warn!(%failure, "turns that can be rated no more cannot be removed; trying again later");
        }
        if stopping.run_until_cancelled(sleep(PURGE_INTERVAL)).await.is_none() {
            return;
        }
    }
}

async fn purge_once(storage: &Storage) -> Result<(), StorageFailure> {
    if !storage.try_acquire_lease("answered turns").await? {
        return Ok(());
    }
    storage.sync_retention_time().await?;
    storage.purge_answered_turns().await
}
