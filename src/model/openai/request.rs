//! What is asked, in the words of chat completions. Nothing is copied before it is written.

use serde::{Serialize, Serializer};

use crate::{
    chat::{InWords, Message},
    model::{AnswerLimit, Question},
};

#[derive(Serialize)]
pub(super) struct Request<'a> {
    model: &'a str,
    messages: Messages<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

impl<'a> From<Question<'a>> for Request<'a> {
    fn from(question: Question<'a>) -> Self {
        let (max_tokens, max_completion_tokens) = match question.limit {
            None => (None, None),
            Some(AnswerLimit::Answer(limit)) => (Some(limit), None),
            Some(AnswerLimit::ThoughtsAndAnswer(limit)) => (None, Some(limit)),
        };
        Self {
            model: question.model,
            messages: Messages {
                instruction: question.instruction,
                all: question.messages,
                with_images: question.with_images,
            },
            stream: question.stream.then_some(true),
            stream_options: question.stream.then_some(StreamOptions { include_usage: true }),
            temperature: question.temperature,
            max_tokens,
            max_completion_tokens,
        }
    }
}

struct Messages<'a> {
    instruction: Option<&'a str>,
    all: &'a [Message],
    with_images: bool,
}

impl<'a> Serialize for Messages<'a> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let instruction = self.instruction.map(|text| Said { role: "system", content: Content::Text(text) });
        let said = |message: &'a Message| Said {
            role: message.role.as_str(),
            content: Content::of(message, self.with_images),
        };
        serializer.collect_seq(instruction.into_iter().chain(self.all.iter().map(said)))
    }
}

#[derive(Serialize)]
struct Said<'a> {
    role: &'static str,
    content: Content<'a>,
}

/// A plain text wherever it will do: not every server knows parts.
enum Content<'a> {
    Text(&'a str),
    InWords(InWords<'a>),
    Parts { text: &'a str, image: &'a str },
}

impl<'a> Content<'a> {
    fn of(message: &'a Message, with_images: bool) -> Self {
        match &message.image {
            None => Self::Text(&message.content),
            Some(_) if !with_images => Self::InWords(message.in_words()),
            Some(image) => Self::Parts { text: &message.content, image: image.url() },
        }
    }
}

impl Serialize for Content<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::InWords(words) => serializer.collect_str(&words),
            Self::Parts { text, image } => {
                // Some servers refuse a blank text.
                let text = (!text.trim().is_empty()).then_some(Part::Text { text });
                let image = Part::ImageUrl { image_url: ImageUrl { url: image } };
                serializer.collect_seq(text.into_iter().chain([image]))
            }
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: ImageUrl<'a> },
}

#[derive(Serialize)]
struct ImageUrl<'a> {
    url: &'a str,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::chat::{Image, Role};

    /// The question of a model that is just itself.
    fn plain(messages: &[Message]) -> Question<'_> {
        Question {
            model: "m",
            instruction: None,
            messages,
            with_images: false,
            temperature: None,
            limit: None,
            stream: false,
        }
    }

    fn written(messages: &[Message], with_images: bool, stream: bool) -> serde_json::Value {
        serde_json::to_value(Request::from(Question { with_images, stream, ..plain(messages) })).unwrap()
    }

    #[test]
    fn a_persona_comes_first_and_a_limit_has_the_name_that_the_model_knows() {
        let (instruction, temperature) = (Some("Be \"kind\"."), Some(0.9));
        let written = |limit| {
            let question = Question { instruction, temperature, limit: Some(limit), ..plain(&[]) };
            serde_json::to_value(Request::from(question)).unwrap()
        };
        let messages = json!([{"role": "system", "content": "Be \"kind\"."}]);
        let asked = json!({"model": "m", "messages": messages, "temperature": 0.9, "max_tokens": 200});
        assert_eq!(written(AnswerLimit::Answer(200)), asked);
        assert_eq!(written(AnswerLimit::ThoughtsAndAnswer(200))["max_completion_tokens"], 200);
        assert_eq!(written(AnswerLimit::ThoughtsAndAnswer(200)).get("max_tokens"), None);
    }

    #[test]
    fn words_alone_are_plain_texts() {
        let messages = [Message::new(Role::Assistant, "Be \"kind\"."), Message::new(Role::User, "é\n")];
        let expected = json!([{"role": "assistant", "content": "Be \"kind\"."}, {"role": "user", "content": "é\n"}]);
        assert_eq!(written(&messages, false, false), json!({"model": "m", "messages": expected}));
        let streamed =
            json!({"model": "m", "messages": expected, "stream": true, "stream_options": {"include_usage": true}});
        assert_eq!(written(&messages, true, true), streamed);
    }

    #[test]
    fn an_image_is_a_part_for_a_model_that_sees_and_a_line_for_one_that_does_not() {
        let url = "data:image/png;base64,iVBORw0KGgo=";
        let image = Image::parse(url).ok();
        let shown = |content| [Message { image: image.clone(), ..Message::new(Role::User, content) }];
        let content =
            |content, with_images| written(&shown(content), with_images, false)["messages"][0]["content"].take();
        let part = json!({"type": "image_url", "image_url": {"url": url}});
        assert_eq!(content("Who is it?", true), json!([{"type": "text", "text": "Who is it?"}, part]));
        assert_eq!(content(" ", true), json!([part]));
        assert_eq!(content("Who is it?", false), json!(format!("Who is it?\n\n{}", InWords::UNSEEN)));
        assert_eq!(content("", false), json!(InWords::UNSEEN));
    }
}
