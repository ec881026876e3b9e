//! The messages of a request in OpenAI's form, and the conversation that they make.

use std::fmt;

use poem_openapi::{Enum, Object};
use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny},
};

use super::{content::Content, known_fields::KnownFields, refusal::invalid};
use crate::{
    api::{json::unsupported_field, problem::Problem},
    domain::{
        chat::{Image, Message, Role},
        prompt,
    },
};

/// The text between two system messages.
const SEPARATOR: &str = "\n\n";

/// A message of a request.
#[derive(Debug, Deserialize, Object)]
#[serde(remote = "Self")]
#[oai(rename = "ChatCompletionRequestMessage")]
pub(super) struct InputMessage {
    /// The author.
    role: InputRole,
    /// The text of the message, or its parts. Only messages of the user may have images.
    content: Option<Content>,
    // What the SDKs add to the answers that applications send back as history. It changes nothing.
    #[serde(default, rename = "name")]
    #[oai(skip)]
    name: IgnoredAny,
    #[serde(default)]
    #[oai(skip)]
    annotations: IgnoredAny,
    #[serde(default)]
    #[oai(skip)]
    parsed: IgnoredAny,
}

impl<'de> Deserialize<'de> for InputMessage {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::deserialize(KnownFields(from))
    }
}

/// The author of a message: `system` and `developer` are the same here.
#[derive(Clone, Copy, Debug, Deserialize, Enum, Eq, PartialEq)]
#[serde(try_from = "String")]
#[oai(rename = "ChatCompletionRequestRole", rename_all = "lowercase")]
pub(super) enum InputRole {
    System,
    Developer,
    User,
    Assistant,
}

impl TryFrom<String> for InputRole {
    type Error = UnsupportedRole;

    fn try_from(role: String) -> Result<Self, UnsupportedRole> {
        match role.as_str() {
            "system" => Ok(Self::System),
            "developer" => Ok(Self::Developer),
            "user" => Ok(Self::User),
            "assistant" => Ok(Self::Assistant),
            _ => Err(UnsupportedRole),
        }
    }
}

/// The error of another role, such as `tool`.
pub(super) struct UnsupportedRole;

impl fmt::Display for UnsupportedRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        unsupported_field::<de::value::Error>("", "may only be `system`, `developer`, `user` or `assistant` here")
            .fmt(f)
    }
}

/// The conversation that messages make, whose last message is the question.
pub(super) struct Conversation {
    /// The texts of all system messages; `None` without one.
    pub(super) instruction: Option<String>,
    pub(super) messages: Vec<Message>,
}

impl Conversation {
    /// Separates the system messages from the others. Fails unless the last of these is the user's, with a text or an image.
    pub(super) fn new(messages: Vec<InputMessage>) -> Result<Self, Problem> {
        let mut instructions = Vec::new();
        let mut conversation = Vec::with_capacity(messages.len());
        for InputMessage { role, content, .. } in messages {
            let (text, images) = content.map_or(Ok(<_>::default()), Content::into_text_and_images)?;
            match role {
                InputRole::System | InputRole::Developer => {
                    without_images(&images)?;
                    instructions.extend(Some(text).filter(|text| !text.trim().is_empty()));
                }
                InputRole::User => conversation.push(Message::new(Role::User, text).with_images(images)),
                InputRole::Assistant => {
                    without_images(&images)?;
                    conversation.push(Message::new(Role::Assistant, text));
                }
            }
        }
        let question = conversation.pop().filter(|message| message.role == Role::User);
        let question =
            question.ok_or_else(|| invalid("messages", "must end with one of the user's, which is answered"))?;
        let messages = prompt::conversation(conversation, &[], &question.content, question.images)?;
        let instruction = (!instructions.is_empty()).then(|| instructions.join(SEPARATOR));
        Ok(Self { instruction, messages })
    }
}

fn without_images(images: &[Image]) -> Result<(), Problem> {
    if images.is_empty() { Ok(()) } else { Err(invalid("messages", "may have images in those of the user only")) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(messages: Value) -> Result<Conversation, Problem> {
        Conversation::new(serde_json::from_value(messages).unwrap())
    }

    #[test]
    fn system_messages_are_taken_out_in_order() {
        let read = read(json!([
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "One?"},
            {"role": "assistant", "content": [{"type": "text", "text": "One."}], "refusal": null, "tool_calls": []},
            {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]},
            {"role": "user", "content": [{"type": "text", "text": "Two,"}, {"type": "text", "text": "or three?"}]},
        ]));
        let Conversation { instruction, messages } = read.unwrap();
        assert_eq!(instruction.as_deref(), Some("Be kind.\n\nBe brief."));
        let said = messages.iter().map(|message| (message.role, message.content.as_str())).collect::<Vec<_>>();
        assert_eq!(said, [(Role::User, "One?"), (Role::Assistant, "One."), (Role::User, "Two,\n\nor three?")]);
    }

    #[test]
    fn a_message_has_its_whole_text_and_all_its_images() {
        let image = |name: &str| json!({"type": "image_url", "image_url": {"url": format!("https://a.example/{name}"), "detail": "low"}});
        let parts = json!([image("1.png"), {"type": "text", "text": "Which is older?"}, image("2.png")]);
        let messages = read(json!([{"role": "user", "content": parts}])).unwrap().messages;
        assert_eq!(messages.len(), 1, "{messages:?}");
        let message = &messages[0];
        let images = message.images.iter().map(Image::url).collect::<Vec<_>>();
        assert_eq!(message.content, "Which is older?");
        assert_eq!(images, ["https://a.example/1.png", "https://a.example/2.png"]);
    }

    #[test]
    fn the_last_message_must_be_a_question() {
        for messages in [
            json!([{"role": "system", "content": "Be kind."}]),
            json!([{"role": "user", "content": "One?"}, {"role": "assistant", "content": "One"}]),
            json!([{"role": "user", "content": " "}]),
            json!([{"role": "user"}]),
        ] {
            assert!(read(messages.clone()).is_err(), "{messages}");
        }
    }
}
