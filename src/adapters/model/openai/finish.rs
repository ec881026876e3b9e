//! The finish reasons of different servers.

use crate::{adapters::model::ModelFailure, domain::chat::Finish};

/// Parts of the finish reasons of servers that failed or were interrupted before the end: DeepSeek's
/// `insufficient_system_resource`, vLLM's `abort`, watsonx's `time_limit` and others.
const FAILED: [&str; 9] =
    ["error", "insufficient", "fail", "abort", "cancel", "time", "malformed", "incomplete", "interrupt"];

/// Parts of the finish reasons for an answer that the provider's filter cut.
const FILTERED: [&str; 10] = [
    "filter",
    "safety",
    "sensitive",
    "moderation",
    "guardrail",
    "prohibited",
    "blocklist",
    "recitation",
    "refusal",
    "spii",
];

/// Parts of the finish reasons for an answer that reached a limit of tokens.
const LENGTH: [&str; 4] = ["length", "max_", "limit", "context_window"];

/// The HTTP status that stands for a failure in the middle of an answer.
const FAILED_STATUS: u16 = 502;

/// Returns a finish reason unless it is blank. Some servers send a blank one with each piece.
pub(super) fn not_blank(reason: Option<String>) -> Option<String> {
    reason.filter(|reason| !matches!(reason.trim(), "" | "null" | "none" | "None"))
}

/// Whether a limit of tokens ended the answer.
pub(super) fn is_limit(reason: Option<&str>) -> bool {
    reason.is_some_and(|reason| has_part_of(&reason.to_ascii_lowercase(), &LENGTH))
}

/// Maps a server's finish reason to ours. An answer without text is a failure.
pub(super) fn interpret(reason: Option<&str>, has_text: bool) -> Result<Finish, ModelFailure> {
    let reason = reason.unwrap_or_default().to_ascii_lowercase();
    let is_one_of = |parts: &[&str]| has_part_of(&reason, parts);
    match (has_text, is_one_of(&FILTERED)) {
        _ if is_one_of(&FAILED) => Err(ModelFailure::Failed { status: FAILED_STATUS, retry_after: None }),
        (false, true) => Err(ModelFailure::ContentFiltered),
        (true, true) => Ok(Finish::ContentFilter),
        (false, false) => Err(ModelFailure::Empty),
        (true, false) if is_one_of(&LENGTH) => Ok(Finish::Length),
        (true, false) => Ok(Finish::Complete),
    }
}

/// Whether a reason contains one of the parts.
fn has_part_of(reason: &str, parts: &[&str]) -> bool {
    parts.iter().any(|part| reason.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_of_different_servers_are_mapped() {
        for reason in ["stop", "eos", "eos_token", "end_turn", "STOP", "tool_calls", "something new"] {
            assert_eq!(interpret(Some(reason), true), Ok(Finish::Complete), "{reason}");
        }
        assert_eq!(interpret(None, true), Ok(Finish::Complete));
        for reason in ["length", "MAX_TOKENS", "token_limit", "model_length", "model_context_window_exceeded"] {
            assert_eq!(interpret(Some(reason), true), Ok(Finish::Length), "{reason}");
            assert!(is_limit(Some(reason)));
        }
        for reason in ["content_filter", "content-filter", "SAFETY", "IMAGE_SAFETY", "guardrail_intervened"] {
            assert_eq!(interpret(Some(reason), true), Ok(Finish::ContentFilter), "{reason}");
        }
    }

    #[test]
    fn failures_are_never_complete_answers() {
        for reason in ["error", "insufficient_system_resource", "network_error", "abort", "cancelled", "time_limit"] {
            let failed = Err(ModelFailure::Failed { status: FAILED_STATUS, retry_after: None });
            assert_eq!(
                (interpret(Some(reason), true), interpret(Some(reason), false)),
                (failed.clone(), failed),
                "{reason}"
            );
        }
    }

    #[test]
    fn an_answer_without_text_is_a_failure() {
        assert_eq!(interpret(Some("content_filter"), false), Err(ModelFailure::ContentFiltered));
        for reason in [None, Some("stop"), Some("length")] {
            assert_eq!(interpret(reason, false), Err(ModelFailure::Empty), "{reason:?}");
        }
    }

    #[test]
    fn blank_reasons_are_ignored() {
        assert!(["", " ", "null"].iter().all(|reason| not_blank(Some((*reason).to_owned())).is_none()));
        assert_eq!(not_blank(Some("stop".to_owned())).as_deref(), Some("stop"));
    }
}
