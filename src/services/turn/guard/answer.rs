//! An answer on its way from a model to the journal, by way of the guard.
//!
//! Only what the guard has let go on is ever in the journal, so that every reader, the stored chat, the session log and
//! repetitions have nothing else. A streamed answer is judged in pieces of whole sentences, one at a time, while the model is
//! read on; whatever has arrived meanwhile is the next piece. A whole answer is judged at once.

use std::future::pending;

use futures_util::{FutureExt, future::BoxFuture};

use super::{
    held_text::HeldText,
    judge::Guard,
    record::{GuardRecord, Judgement},
};
use crate::{
    adapters::hooks::{GuardRequest, HookTurn, JudgedKind, Verdict},
    domain::{breaker::CallerHash, session::SessionId},
    foundation::trace::RequestTrace,
    services::turn::{failure::TurnFailure, journal::Journal},
};

/// The most bytes of the answer so far that the guard gets with a piece.
const MAX_BEFORE: usize = 8 << 10;

/// Where an answer is from, and for whom it is.
#[derive(Clone, Copy)]
pub(in crate::services::turn) struct AnswerOrigin<'r> {
    pub(in crate::services::turn) journal: &'r Journal,
    /// Whether the client wants the answer as a stream.
    pub(in crate::services::turn) stream: bool,
    pub(in crate::services::turn) caller: CallerHash,
    pub(in crate::services::turn) site: Option<&'r str>,
    pub(in crate::services::turn) persona: Option<&'r str>,
    pub(in crate::services::turn) trace: Option<&'r RequestTrace>,
}

/// The end that the guard makes of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::services::turn) enum AnswerEnd {
    /// The answer ends with what was said, and perhaps a sentence about that.
    Cut {
        /// The guard's sentence for the visitor.
        notice: Option<String>,
    },
    /// The turn fails.
    Failed(TurnFailure),
}

/// A piece of an answer with its judgement.
pub(in crate::services::turn) struct JudgedPiece {
    text: String,
    judgement: Judgement,
    verdict: Result<Verdict, TurnFailure>,
}

/// An answer whose text goes to the journal once it is judged.
pub(in crate::services::turn) struct GuardedAnswer<'r> {
    guard: &'r Guard,
    origin: AnswerOrigin<'r>,
    held: HeldText,
    /// Whether all text has arrived.
    is_complete: bool,
    /// The number of pieces that were sent to the guard.
    parts: u32,
    /// The piece that the guard is judging.
    judging: Option<BoxFuture<'r, JudgedPiece>>,
    has_failed: bool,
}

impl<'r> GuardedAnswer<'r> {
    pub(in crate::services::turn) fn new(guard: &'r Guard, origin: AnswerOrigin<'r>) -> Self {
        let held = HeldText::default();
        Self { guard, origin, held, is_complete: false, parts: 0, judging: None, has_failed: false }
    }

    /// Whether more text may be added. A whole answer is limited by the model's client.
    pub(in crate::services::turn) fn has_room(&self) -> bool {
        !self.origin.stream || self.held.has_room()
    }

    /// Adds text that has arrived.
    pub(in crate::services::turn) fn add(&mut self, text: &str) {
        self.origin.journal.note_received(text);
        self.held.add(text);
        self.judge_next();
    }

    /// Waits for the judgement of the piece that the guard is judging; for ever if there is none. Nothing is lost if the wait
    /// is given up.
    pub(in crate::services::turn) async fn judged(&mut self) -> JudgedPiece {
        match &mut self.judging {
            Some(judging) => judging.await,
            None => pending().await,
        }
    }

    /// Writes a piece to the journal as the guard says, and has the next one judged. Fails if the answer ends here.
    pub(in crate::services::turn) async fn release(
        &mut self,
        judged: JudgedPiece,
        record: &mut GuardRecord,
    ) -> Result<(), AnswerEnd> {
        let JudgedPiece { text, judgement, verdict } = judged;
        self.judging = None;
        self.has_failed |= judgement.has_failed();
        record.add_answer(judgement);
        let journal = self.origin.journal;
        let text = match verdict {
            Ok(Verdict::Pass) => text,
            Ok(Verdict::Mask { text, .. }) => text,
            Ok(Verdict::Reject { message }) if journal.has_readable_text() => {
                return Err(AnswerEnd::Cut { notice: message });
            }
            Ok(Verdict::Reject { message }) => {
                return Err(AnswerEnd::Failed(TurnFailure::AnswerRejectedByGuard { message }));
            }
            Err(failure) => return Err(AnswerEnd::Failed(failure)),
        };
        if !text.is_empty() {
            journal.append(&text).await;
        }
        self.judge_next();
        Ok(())
    }

    /// Writes the rest of the answer to the journal, as far as the guard lets it go on. An answer of which nothing is left is
    /// rejected.
    pub(in crate::services::turn) async fn finish(&mut self, record: &mut GuardRecord) -> Result<(), AnswerEnd> {
        self.is_complete = true;
        self.judge_next();
        while self.judging.is_some() {
            let judged = self.judged().await;
            self.release(judged, record).await?;
        }
        if self.parts > 0 && !self.origin.journal.has_readable_text() {
            return Err(AnswerEnd::Failed(TurnFailure::AnswerRejectedByGuard { message: None }));
        }
        Ok(())
    }

    /// Sends the next piece to the guard, unless it is judging one or there is none.
    fn judge_next(&mut self) {
        if self.judging.is_some() {
            return;
        }
        let piece = if self.is_complete {
            Some(self.held.take_all()).filter(|text| !text.is_empty())
        } else if self.origin.stream {
            self.held.take_piece()
        } else {
            None
        };
        if let Some(piece) = piece {
            self.parts += 1;
            self.judging = Some(self.judge(piece).boxed());
        }
    }

    fn judge(&self, text: String) -> impl Future<Output = JudgedPiece> + Send + use<'r> {
        let Self { guard, origin, parts: part, is_complete: is_final, has_failed, .. } = *self;
        let AnswerOrigin { journal, caller, site, persona, trace, .. } = origin;
        let before = journal.text_end(MAX_BEFORE);
        async move {
            let session_id = journal.scope.session.as_ref().map(SessionId::as_str);
            let turn = HookTurn { request_id: &journal.request_id, session_id, site, persona };
            let request =
                GuardRequest { kind: JudgedKind::Answer { before: &before, part, is_final }, text: &text, turn };
            let (judgement, verdict) = guard.ask(&request, caller, has_failed, trace).await;
            JudgedPiece { text, judgement, verdict }
        }
    }
}
