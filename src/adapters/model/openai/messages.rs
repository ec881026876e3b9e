//! The messages of a request. Nothing is copied before it is written.
//!
//! Neighbours of one role are written as one message, a blank line between their texts: a conversation has such
//! neighbours after a failed or stopped turn, and the templates of many local models refuse them.

use std::fmt;

use serde::{Serialize, Serializer};

use super::traits::Form;
use crate::{
    adapters::model::Question,
    domain::chat::{Message, Role},
};

/// Stands between the texts of messages that are written as one.
const SEPARATOR: &str = "\n\n";

/// The messages of a question, in the form that its model takes.
pub(super) struct Messages<'a> {
    instruction: Option<&'a str>,
    conversation: &'a [Message],
    with_images: bool,
    has_system_role: bool,
}

impl<'a> Messages<'a> {
    pub(super) fn new(question: &Question<'a>, form: Form) -> Self {
        let all = question.messages;
        let answers_in_front = all.iter().take_while(|message| message.role == Role::Assistant).count();
        let left_out = if form.starts_with_user { answers_in_front } else { 0 };
        Self {
            instruction: question.instruction,
            conversation: &all[left_out..],
            with_images: question.with_images,
            has_system_role: !form.no_system_role,
        }
    }

    /// Whether there is a system message.
    pub(super) fn has_system(&self) -> bool {
        self.has_system_role && self.instruction.is_some()
    }

    /// Whether the conversation begins with the assistant.
    pub(super) fn starts_with_assistant(&self) -> bool {
        self.conversation.first().is_some_and(|message| message.role == Role::Assistant)
    }
}

impl Serialize for Messages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let groups = self.conversation.chunk_by(|before, next| before.role == next.role);
        let mut in_front = self.instruction.filter(|_| !self.has_system_role);
        let system = self.instruction.filter(|_| self.has_system_role);
        let system = system.map(|text| Written {
            role: "system",
            content: Content { in_front: Some(text), group: &[], with_images: false },
        });
        let written = groups.map(|group| {
            let role = group.first().map_or(Role::User, |message| message.role);
            // Without a system message, its text is the beginning of what the user says first.
            let in_front = if role == Role::User { in_front.take() } else { None };
            Written { role: role.as_str(), content: Content { in_front, group, with_images: self.with_images } }
        });
        serializer.collect_seq(system.into_iter().chain(written))
    }
}

/// One message of the request.
#[derive(Serialize)]
struct Written<'a> {
    role: &'static str,
    content: Content<'a>,
}

/// A plain text wherever that will do, since not every server knows parts.
#[derive(Clone, Copy)]
struct Content<'a> {
    /// A text before those of the group.
    in_front: Option<&'a str>,
    /// Messages of one role.
    group: &'a [Message],
    with_images: bool,
}

impl Content<'_> {
    fn shows_images(&self) -> bool {
        self.with_images && self.group.iter().any(|message| message.image.is_some())
    }
}

impl Serialize for Content<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.shows_images() {
            return self.serialize_parts(serializer);
        }
        match (self.in_front, self.group) {
            (None, [Message { content, image: None, .. }]) => serializer.serialize_str(content),
            (Some(text), []) => serializer.serialize_str(text),
            _ => serializer.collect_str(self),
        }
    }
}

impl Content<'_> {
    fn serialize_parts<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let in_front = self.in_front.map(|text| Part::Text { text });
        let parts = self.group.iter().flat_map(|message| {
            // Some servers refuse a blank text.
            let text = (!message.content.trim().is_empty()).then_some(Part::Text { text: &message.content });
            let image = message.image.as_ref().map(|image| Part::ImageUrl { image_url: ImageUrl { url: image.url() } });
            text.into_iter().chain(image)
        });
        serializer.collect_seq(in_front.into_iter().chain(parts))
    }
}

/// The texts in one, a line in the place of each image.
impl fmt::Display for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if let Some(text) = self.in_front {
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
