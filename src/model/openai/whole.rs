//! A whole answer in one JSON body.

use serde::Deserialize;
use serde_json::Value;

use super::ModelFailure;
use crate::{chat::Finish, cost::TokenUsage};

/// What a whole answer says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) usage: Option<TokenUsage>,
    pub(super) finish: Finish,
}

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
    usage: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    message: Said,
    finish_reason: Option<String>,
}

/// A message, or the part of one.
#[derive(Default, Deserialize)]
pub(super) struct Said {
    content: Option<Content>,
    refusal: Option<String>,
}

impl Said {
    pub(super) fn into_text(self) -> String {
        let text = match self.content {
            Some(Content::Text(text)) => text,
            Some(Content::Parts(parts)) => parts.into_iter().filter_map(|part| part.text).collect(),
            None => String::new(),
        };
        if text.is_empty() { self.refusal.unwrap_or_default() } else { text }
    }
}

/// Text, or the list of parts that some servers send.
#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    text: Option<String>,
}

/// No turn takes more; a larger figure is a fault, not a figure.
const MOST_TOKENS: u64 = 1_000_000_000;

/// The figures of an answer's `usage`; none rather than wrong ones when they don't make sense.
pub(super) fn read_usage(usage: &Value) -> Option<TokenUsage> {
    let told = |name| usage.get(name).filter(|figure| !figure.is_null());
    let figure = |figure: Option<&Value>| match figure {
        None => Some(0),
        Some(figure) => figure.as_u64().filter(|tokens| *tokens <= MOST_TOKENS),
    };
    let (prompt, completion) = (told("prompt_tokens"), told("completion_tokens"));
    prompt.or(completion)?;
    Some(TokenUsage { prompt: figure(prompt)?, completion: figure(completion)? })
}

/// What the reason given for an answer's end means, or that there is none.
pub(super) fn read_finish(reason: Option<&str>, has_text: bool) -> Result<Finish, ModelFailure> {
    match reason {
        // What the limit cut off may be empty: a model that thinks can use it up before the first word.
        Some("length") => Ok(Finish::Length),
        Some("content_filter") if !has_text => Err(ModelFailure::Withheld),
        _ if !has_text => Err(ModelFailure::Unreadable),
        _ => Ok(Finish::Complete),
    }
}

pub(super) fn read_answer(body: &[u8]) -> Result<Answer, ModelFailure> {
    let completion: Completion = serde_json::from_slice(body).map_err(|_| ModelFailure::Unreadable)?;
    let choice = completion.choices.into_iter().next().ok_or(ModelFailure::Unreadable)?;
    let text = choice.message.into_text();
    let finish = read_finish(choice.finish_reason.as_deref(), !text.is_empty())?;
    Ok(Answer { text, usage: completion.usage.as_ref().and_then(read_usage), finish })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Answer, ModelFailure> {
        read_answer(body.as_bytes())
    }

    #[test]
    fn answers_of_different_servers_are_understood() {
        let plain = read(r#"{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}"#).unwrap();
        assert_eq!((plain.text.as_str(), plain.usage, plain.finish), ("hi", None, Finish::Complete));
        let parts = read(r#"{"choices":[{"message":{"content":[{"type":"text","text":"a"},{"text":"b"}]}}]}"#).unwrap();
        assert_eq!(parts.text, "ab");
        let refusal = read(r#"{"choices":[{"message":{"content":null,"refusal":"No."}}],"usage":{"prompt_tokens":3}}"#);
        let usage = TokenUsage { prompt: 3, completion: 0 };
        assert_eq!(refusal.map(|answer| (answer.text, answer.usage)), Ok(("No.".into(), Some(usage))));
        let cut = read(r#"{"choices":[{"message":{"content":""},"finish_reason":"length"}]}"#).unwrap();
        assert_eq!(cut.finish, Finish::Length);
    }

    #[test]
    fn what_is_not_an_answer_is_not_made_one() {
        for body in ["", "<html>", "{}", r#"{"choices":[]}"#, r#"{"error":{"message":"x"}}"#, "[1]"] {
            assert_eq!(read(body), Err(ModelFailure::Unreadable), "{body}");
        }
        let empty = |finish: &str| read(&format!(r#"{{"choices":[{{"message":{{}},"finish_reason":"{finish}"}}]}}"#));
        assert_eq!(empty("stop"), Err(ModelFailure::Unreadable));
        assert_eq!(empty("content_filter"), Err(ModelFailure::Withheld));
    }

    #[test]
    fn figures_that_make_no_sense_are_none() {
        let usage = |figures: &str| {
            let body = format!(r#"{{"choices":[{{"message":{{"content":"hi"}}}}],"usage":{figures}}}"#);
            read(&body).unwrap().usage
        };
        assert_eq!(
            usage(r#"{"prompt_tokens":1,"completion_tokens":2}"#),
            Some(TokenUsage { prompt: 1, completion: 2 })
        );
        for figures in
            ["null", "[]", "{}", r#"{"prompt_tokens":-1}"#, r#"{"prompt_tokens":"9"}"#, r#"{"prompt_tokens":9e18}"#]
        {
            assert_eq!(usage(figures), None, "{figures}");
        }
    }
}
