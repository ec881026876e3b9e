//! The judgement of a question, with the history that its client has sent.

use super::{judge::Guard, record::Judgement};
use crate::{
    adapters::hooks::{EarlierText, GuardRequest, JudgedKind, Verdict},
    services::turn::{failure::TurnFailure, request::TurnRequest},
};

impl Guard {
    /// Judges the messages of a request, which are all from its client. Masked texts replace them. Also fails if the question is
    /// rejected, or could not be judged and `GUARD_FAIL` is `closed`.
    pub(in crate::services::turn) async fn judge_question(
        &self,
        request: &mut TurnRequest,
    ) -> (Judgement, Result<(), TurnFailure>) {
        let (judgement, verdict) =
            self.ask(&question(request), request.address_hash(), false, request.trace.as_ref()).await;
        let judged = verdict.and_then(|verdict| match verdict {
            Verdict::Pass => Ok(()),
            Verdict::Mask { text, history } => replace(request, text, history),
            Verdict::Reject { message } => Err(TurnFailure::RejectedByGuard { message }),
        });
        (judgement, judged)
    }
}

/// Returns the question and the history as the guard gets them.
fn question(request: &TurnRequest) -> GuardRequest<'_> {
    let earlier = request.messages.split_last().map(|(_, earlier)| earlier).unwrap_or_default();
    let history =
        earlier.iter().map(|message| EarlierText { role: message.role.as_str(), text: &message.content }).collect();
    GuardRequest { kind: JudgedKind::Question { history }, text: request.question(), turn: request.hook_turn() }
}

/// Replaces the texts of a request. Messages of the history that are blank now are left out, as some providers refuse them. A
/// question of which nothing is left is rejected.
fn replace(request: &mut TurnRequest, text: String, history: Option<Vec<String>>) -> Result<(), TurnFailure> {
    let Some((question, earlier)) = request.messages.split_last_mut() else { return Ok(()) };
    for (message, text) in earlier.iter_mut().zip(history.into_iter().flatten()) {
        message.content = text;
    }
    question.content = text;
    if question.is_blank() {
        return Err(TurnFailure::RejectedByGuard { message: None });
    }
    request.messages.retain(|message| !message.is_blank());
    Ok(())
}
