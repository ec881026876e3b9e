//! A whole answer in one JSON body.

use super::{
    ModelError, ModelFailure, NoAnswer, Report,
    chunk::{Chunk, model_name},
    finish, usage,
};
use crate::domain::chat::Finish;

/// Reads the body of a whole answer into its text and the way it ended, or why it is of no use. What the answer took is
/// noted in `report` in either case. Fails where the body is no answer at all.
pub(super) fn read_answer(
    body: &[u8],
    report: &mut Report,
) -> Result<Result<(String, Finish), ModelFailure>, NoAnswer> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let parts = Chunk::read(body)?.into_parts();
    if !parts.has_choice {
        return Err(ModelError::from(ModelFailure::Unreadable).into());
    }
    let text = parts.text.into_text();
    let reason = parts.finish_reason.as_deref();
    report.model = model_name(body);
    report.usage = usage::credible(parts.usage, !text.is_empty());
    report.cost = parts.cost.or(report.cost);
    report.has_reasoned = parts.has_reasoning;
    report.is_cut_by_limit = finish::is_limit(reason);
    Ok(finish::read(reason, !text.is_empty()).map(|finish| (text, finish)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cost::TokenUsage;

    fn read(body: &str) -> Result<(String, Finish, Report), ModelFailure> {
        let mut report = Report::default();
        let answer = read_answer(body.as_bytes(), &mut report).map_err(|no_answer| ModelError::from(no_answer).failure);
        answer?.map(|(text, finish)| (text, finish, report))
    }

    #[test]
    fn an_answer_has_a_text_an_end_and_figures() {
        let (text, finish, report) = read(
            "\u{feff}{\"model\":\"m-1\",\"choices\":[{\"message\":{\"content\":\"hi\"},\"finish_reason\":\"length\"}],\
             \"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3}}",
        )
        .unwrap();
        assert_eq!((text.as_str(), finish, report.model.as_deref()), ("hi", Finish::Length, Some("m-1")));
        assert_eq!(report.usage, Some(TokenUsage { prompt: 7, completion: 3 }));
    }

    #[test]
    fn an_answer_without_a_word_took_its_tokens() {
        let body = r#"{"choices":[{"message":{"content":null,"reasoning_content":"Hm"},"finish_reason":"length"}],
                       "usage":{"prompt_tokens":7,"completion_tokens":200}}"#;
        let mut report = Report::default();
        let answer = read_answer(body.as_bytes(), &mut report).ok();
        assert_eq!(answer, Some(Err(ModelFailure::Empty)));
        assert_eq!(report.usage, Some(TokenUsage { prompt: 7, completion: 200 }));
        assert!(report.has_reasoned && report.is_cut_by_limit);
    }

    #[test]
    fn what_is_not_an_answer_is_not_made_one() {
        for body in ["", "<html>", "{}", r#"{"choices":[]}"#, "[1]"] {
            assert_eq!(read(body).unwrap_err(), ModelFailure::Unreadable, "{body}");
        }
        let empty = |finish: &str| read(&format!(r#"{{"choices":[{{"message":{{}},"finish_reason":"{finish}"}}]}}"#));
        assert_eq!(empty("stop").unwrap_err(), ModelFailure::Empty);
        assert_eq!(empty("content_filter").unwrap_err(), ModelFailure::ContentFiltered);
    }

    #[test]
    fn figures_that_make_no_sense_are_none() {
        for figures in ["null", "[]", "{}", r#"{"prompt_tokens":-1}"#, r#"{"prompt_tokens":0,"completion_tokens":0}"#] {
            let body = format!(r#"{{"choices":[{{"message":{{"content":"hi"}}}}],"usage":{figures}}}"#);
            assert_eq!(read(&body).unwrap().2.usage, None, "{figures}");
        }
    }
}
