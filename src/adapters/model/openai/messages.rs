//! The messages of a request, serialized without copies.
//!
//! Consecutive messages of one role are joined to one message, with a blank line between their texts. Such messages
//! occur after a failed or stopped turn, and the prompt templates of many local models refuse them.

use std::fmt;

use serde::{Serialize, Serializer};

use super::restrictions::Restrictions;
use crate::{
    adapters::model::ModelRequest,
    domain::chat::{Image, ImageDetail, Message, Role},
};

/// The separator between the texts of joined messages.
const SEPARATOR: &str = "\n\n";

/// The messages of a request, without the roles that the model refuses.
pub(super) struct Messages<'a> {
    instruction: Option<&'a str>,
    conversation: &'a [Message],
    with_images: bool,
    has_system_role: bool,
}

impl<'a> Messages<'a> {
    pub(super) fn new(request: &ModelRequest<'a>, restrictions: Restrictions) -> Self {
        let all = request.messages;
        let leading_answers = all.iter().take_while(|message| message.role == Role::Assistant).count();
        let omitted = if restrictions.starts_with_user { leading_answers } else { 0 };
        Self {
            instruction: request.instruction,
            conversation: &all[omitted..],
            with_images: request.with_images,
            has_system_role: !restrictions.no_system_role,
        }
    }

    /// Whether the request has a system message.
    pub(super) fn has_system(&self) -> bool {
        self.has_system_role && self.instruction.is_some()
    }

    /// Whether the conversation begins with a message of the assistant.
    pub(super) fn starts_with_assistant(&self) -> bool {
        self.conversation.first().is_some_and(|message| message.role == Role::Assistant)
    }
}

impl Serialize for Messages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let groups = self.conversation.chunk_by(|before, next| before.role == next.role);
        let mut prefix = self.instruction.filter(|_| !self.has_system_role);
        let system = self.instruction.filter(|_| self.has_system_role);
        let system = system.map(|text| WireMessage {
            role: "system",
            content: MessageContent { prefix: Some(text), group: &[], with_images: false },
        });
        let written = groups.map(|group| {
            let role = group.first().map_or(Role::User, |message| message.role);
            // Without a system role, the system prompt is put before the user's first message.
            let prefix = if role == Role::User { prefix.take() } else { None };
            WireMessage {
                role: role.as_str(),
                content: MessageContent { prefix, group, with_images: self.with_images },
            }
        });
        serializer.collect_seq(system.into_iter().chain(written))
    }
}

/// One message, as it is sent.
#[derive(Serialize)]
struct WireMessage<'a> {
    role: &'static str,
    content: MessageContent<'a>,
}

/// The content of one message. Without images it is a plain string, because not every server supports content parts.
#[derive(Clone, Copy)]
struct MessageContent<'a> {
    /// A text before the texts of the messages.
    prefix: Option<&'a str>,
    /// Consecutive messages of one role.
    group: &'a [Message],
    with_images: bool,
}

impl MessageContent<'_> {
    fn shows_images(&self) -> bool {
        self.with_images && self.group.iter().any(|message| !message.images.is_empty())
    }
}

impl Serialize for MessageContent<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.shows_images() {
            return self.serialize_parts(serializer);
        }
        match (self.prefix, self.group) {
            (None, [message]) if message.images.is_empty() => serializer.serialize_str(&message.content),
            (Some(text), []) => serializer.serialize_str(text),
            _ => serializer.collect_str(self),
        }
    }
}

impl MessageContent<'_> {
    fn serialize_parts<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let prefix = self.prefix.map(|text| ContentPart::Text { text });
        let parts = self.group.iter().flat_map(|message| {
            // Some servers refuse blank texts.
            let text = (!message.content.trim().is_empty()).then_some(ContentPart::Text { text: &message.content });
            text.into_iter().chain(message.images.iter().map(ContentPart::of_image))
        });
        serializer.collect_seq(prefix.into_iter().chain(parts))
    }
}

/// Writes the texts as one, with a line in the place of each image.
impl fmt::Display for MessageContent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if let Some(text) = self.prefix {
            f.write_str(text)?;
            separator = SEPARATOR;
        }
        for message in self.group {
            write!(f, "{separator}{}", message.as_text())?;
            separator = SEPARATOR;
        }
        Ok(())
    }
}

/// A part of a message with images.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ContentPart<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: ImageUrl<'a> },
}

impl<'a> ContentPart<'a> {
    fn of_image(image: &'a Image) -> Self {
        let detail = image.detail().map(ImageDetail::as_str);
        Self::ImageUrl { image_url: ImageUrl { url: image.url(), detail } }
    }
}

#[derive(Serialize)]
struct ImageUrl<'a> {
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
}
