//! Whole answers in one JSON body.

use super::{
    answer_error::AnswerError,
    chunk::{Chunk, model_name},
    finish,
    report::AnswerReport,
    sse::without_byte_order_mark,
    usage,
};
use crate::{
    adapters::model::{ModelError, ModelFailure},
    domain::chat::Finish,
};

/// Parses the body of a whole answer. Returns the text and the finish reason, or the inner error if the answer cannot
/// be used; the token counts are added to `report` in both cases. Returns the outer error if the body is no answer.
pub(super) fn parse_answer(
    body: &[u8],
    report: &mut AnswerReport,
) -> Result<Result<(String, Finish), ModelFailure>, AnswerError> {
    let body = without_byte_order_mark(body);
    let content = Chunk::parse(body)?.into_content();
    if !content.has_choice {
        return Err(ModelError::from(ModelFailure::Unreadable).into());
    }
    let text = content.text.into_text();
    let reason = content.finish_reason.as_deref();
    report.model = model_name(body);
    report.usage = usage::plausible(content.usage, !text.is_empty());
    report.cost = content.cost.or(report.cost);
    report.has_reasoned = content.has_reasoning;
    report.is_cut_by_limit = finish::is_limit(reason);
    Ok(finish::interpret(reason, !text.is_empty()).map(|finish| (text, finish)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cost::TokenUsage;

    fn read(body: &str) -> Result<(String, Finish, AnswerReport), ModelFailure> {
        let mut report = AnswerReport::default();
        let answer = parse_answer(body.as_bytes(), &mut report).map_err(|error| ModelError::from(error).failure);
        answer?.map(|(text, finish)| (text, finish, report))
    }

    #[test]
    fn an_answer_has_text_finish_reason_and_tokens() {
        let (text, finish, report) = read(
            "\u{feff}{\"model\":\"m-1\",\"choices\":[{\"message\":{\"content\":\"hi\"},\"finish_reason\":\"length\"}],\
             \"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3}}",
        )
        .unwrap();
        assert_eq!((text.as_str(), finish, report.model.as_deref()), ("hi", Finish::Length, Some("m-1")));
        assert_eq!(report.usage, Some(TokenUsage { prompt: 7, completion: 3 }));
    }

    #[test]
    fn an_answer_without_text_used_tokens() {
        let body = r#"{"choices":[{"message":{"content":null,"reasoning_content":"Hm"},"finish_reason":"length"}],
                       "usage":{"prompt_tokens":7,"completion_tokens":200}}"#;
        let mut report = AnswerReport::default();
        let answer = parse_answer(body.as_bytes(), &mut report).ok();
        assert_eq!(answer, Some(Err(ModelFailure::Empty)));
        assert_eq!(report.usage, Some(TokenUsage { prompt: 7, completion: 200 }));
        assert!(report.has_reasoned && report.is_cut_by_limit);
    }

    #[test]
    fn other_bodies_are_not_answers() {
        for body in ["", "<html>", "{}", r#"{"choices":[]}"#, "[1]"] {
            assert_eq!(read(body).unwrap_err(), ModelFailure::Unreadable, "{body}");
        }
        let empty = |finish: &str| read(&format!(r#"{{"choices":[{{"message":{{}},"finish_reason":"{finish}"}}]}}"#));
        assert_eq!(empty("stop").unwrap_err(), ModelFailure::Empty);
        assert_eq!(empty("content_filter").unwrap_err(), ModelFailure::ContentFiltered);
    }

    #[test]
    fn invalid_token_counts_are_ignored() {
        for figures in ["null", "[]", "{}", r#"{"prompt_tokens":-1}"#, r#"{"prompt_tokens":0,"completion_tokens":0}"#] {
            let body = format!(r#"{{"choices":[{{"message":{{"content":"hi"}}}}],"usage":{figures}}}"#);
            assert_eq!(read(&body).unwrap().2.usage, None, "{figures}");
        }
    }
}
