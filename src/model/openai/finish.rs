//! Why an answer ended, in the words of different servers.

use crate::{chat::Finish, model::ModelFailure};

/// Reasons that mean that a limit of tokens was reached.
const LENGTH: [&str; 6] =
    ["length", "max_tokens", "max_output_tokens", "model_length", "context_length", "model_context_window_exceeded"];

/// Reasons that mean that a filter of the provider cut the answer.
const FILTERED: [&str; 11] = [
    "content_filter",
    "content_filtered",
    "safety",
    "sensitive",
    "refusal",
    "recitation",
    "language",
    "blocklist",
    "prohibited_content",
    "spii",
    "guardrail_intervened",
];

/// Parts of the reasons that mean that the server failed, such as DeepSeek's `insufficient_system_resource` or vLLM's
/// `abort`.
const FAILED: [&str; 7] = ["error", "insufficient", "fail", "abort", "cancel", "timeout", "malformed"];

/// The status of a failure in the middle of an answer, which no server sends as one.
const STATUS: u16 = 502;

/// A reason as a server gave it; none where it is blank, as some servers send it with each piece.
pub(super) fn given(reason: Option<String>) -> Option<String> {
    reason.filter(|reason| !matches!(reason.trim(), "" | "null" | "none" | "None"))
}

/// Whether a limit of tokens ended the answer.
pub(super) fn is_limit(reason: Option<&str>) -> bool {
    reason.is_some_and(|reason| LENGTH.contains(&reason.trim().to_ascii_lowercase().as_str()))
}

/// What the reason for the end of an answer means. An answer without a word is a failure.
pub(super) fn read(reason: Option<&str>, has_text: bool) -> Result<Finish, ModelFailure> {
    let reason = reason.unwrap_or_default().trim().to_ascii_lowercase();
    let reason = reason.as_str();
    let is_failure = FAILED.iter().any(|part| reason.contains(part));
    match (has_text, FILTERED.contains(&reason)) {
        _ if is_failure => Err(ModelFailure::Failed { status: STATUS, retry_after: None }),
        (false, true) => Err(ModelFailure::Withheld),
        (true, true) => Ok(Finish::ContentFilter),
        (false, false) => Err(ModelFailure::Empty),
        (true, false) if LENGTH.contains(&reason) => Ok(Finish::Length),
        (true, false) => Ok(Finish::Complete),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_of_different_servers_are_understood() {
        for reason in ["stop", "eos", "eos_token", "end_turn", "STOP", "tool_calls", "something new"] {
            assert_eq!(read(Some(reason), true), Ok(Finish::Complete), "{reason}");
        }
        assert_eq!(read(None, true), Ok(Finish::Complete));
        assert_eq!(read(Some("MAX_TOKENS"), true), Ok(Finish::Length));
        assert_eq!(read(Some("SAFETY"), true), Ok(Finish::ContentFilter));
    }

    #[test]
    fn failures_are_never_complete_answers() {
        for reason in ["error", "insufficient_system_resource", "network_error", "abort", "cancelled", "timeout"] {
            let failed = Err(ModelFailure::Failed { status: STATUS, retry_after: None });
            assert_eq!((read(Some(reason), true), read(Some(reason), false)), (failed.clone(), failed), "{reason}");
        }
    }

    #[test]
    fn an_answer_without_a_word_is_a_failure() {
        assert_eq!(read(Some("content_filter"), false), Err(ModelFailure::Withheld));
        for reason in [None, Some("stop"), Some("length")] {
            assert_eq!(read(reason, false), Err(ModelFailure::Empty), "{reason:?}");
        }
    }

    #[test]
    fn blank_reasons_are_none() {
        assert!(["", " ", "null"].iter().all(|reason| given(Some((*reason).to_owned())).is_none()));
        assert_eq!(given(Some("stop".to_owned())).as_deref(), Some("stop"));
    }
}
