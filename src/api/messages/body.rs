//! A message in answers of the API.

use std::sync::Arc;

use poem_openapi::{Object, types::Example};
use serde::Serialize;

use super::aliases::MessageAliases;
use crate::{
    adapters::storage::{ChatId, MessageRef, MessageStatus, Sender, StoredMessage},
    api::{
        string_enum::{StringEnum, StringEnumValues},
        turn::AnswerSource,
    },
    domain::account::OwnerId,
    foundation::clock::Clock,
    services::turn::StoredChatTurn,
};

/// A message of a stored chat.
#[derive(Clone, Debug, Object, Serialize)]
#[oai(rename = "Message", example)]
pub(in crate::api) struct MessageBody {
    /// The message's number.
    pub(in crate::api) id: i64,
    /// The text of the message.
    pub(in crate::api) text: String,
    /// The author of the message.
    pub(in crate::api) sender: StringEnum<Senders>,
    /// The image of the message, as its address or a data URL; null without one.
    #[oai(nullable)]
    pub(in crate::api) image_url: Option<Arc<String>>,
    /// True if the message has an image that is left out, because a list holds at most 16 MiB of images, the latest
    /// ones. `GET /api/messages/{message_id}` returns it.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) image_omitted: Option<bool>,
    /// The time of the message, RFC 3339.
    pub(in crate::api) created_at: String,
    /// The status of the message.
    pub(in crate::api) status: StringEnum<MessageStatuses>,
    /// The pages that an answer is based on, in the order of their importance.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::api) sources: Option<Vec<AnswerSource>>,
    #[serde(flatten)]
    #[oai(flatten)]
    aliases: MessageAliases,
}

/// The senders of messages, as an enum of the contract.
pub(in crate::api) struct Senders;

impl StringEnumValues for Senders {
    const NAME: &'static str = "MessageSender";
    const DESCRIPTION: &'static str = "The sender of a message in a stored chat: its owner, or the model.";

    fn words() -> Vec<&'static str> {
        [Sender::User, Sender::Bot].map(Sender::as_str).to_vec()
    }
}

/// The statuses of messages, as an enum of the contract.
pub(in crate::api) struct MessageStatuses;

impl StringEnumValues for MessageStatuses {
    const NAME: &'static str = "MessageStatus";
    const DESCRIPTION: &'static str = "The status of a message: `complete`; a user's message is `pending` while it is being answered, and `failed` if it was \
         not, and can then be retried.";

    fn words() -> Vec<&'static str> {
        [MessageStatus::Complete, MessageStatus::Pending, MessageStatus::Failed].map(MessageStatus::as_str).to_vec()
    }
}

impl MessageBody {
    /// Converts a stored message. `owner` is the owner of its chat.
    pub(in crate::api) fn new(message: StoredMessage, owner: OwnerId, clock: &Clock) -> Self {
        let sender = message.sender.as_str();
        let image_omitted = (message.image.is_none() && message.image_bytes > 0).then_some(true);
        let image_url = message.image.map(Arc::new);
        let created_at = clock.rfc3339(message.created_at);
        let aliases = MessageAliases::new((owner, message.chat), sender, image_url.as_ref(), &created_at);
        let (sender, status) = (StringEnum::new(sender), StringEnum::new(message.status.as_str()));
        let (id, text, sources) = (message.id.0, message.text, AnswerSource::all(message.sources));
        Self { id, text, sender, image_url, image_omitted, created_at, status, sources, aliases }
    }

    /// Returns a function that encodes stored messages as JSON. `owner` is the owner of their chat.
    pub(in crate::api) fn encoder(
        owner: OwnerId,
        clock: &Clock,
    ) -> impl Fn(u64, StoredMessage) -> String + Send + use<> {
        let clock = clock.clone();
        // Encoding this type does not fail.
        move |_, message| serde_json::to_string(&Self::new(message, owner, &clock)).unwrap_or_default()
    }

    /// Combines the id and time of a message that was just stored with its content.
    pub(super) fn from_stored(
        stored: MessageRef,
        StoredChatTurn { owner, chat, .. }: StoredChatTurn,
        content: MessageContent,
        clock: &Clock,
    ) -> Self {
        let MessageContent { sender, text, image_url, sources } = content;
        let sender = sender.as_str();
        let image_url = image_url.map(Arc::new);
        let created_at = clock.rfc3339(stored.created_at);
        let aliases = MessageAliases::new((owner, chat), sender, image_url.as_ref(), &created_at);
        let (sender, status) = (StringEnum::new(sender), StringEnum::new(MessageStatus::Complete.as_str()));
        Self { id: stored.id.0, text, sender, image_url, image_omitted: None, created_at, status, sources, aliases }
    }
}

/// The content of a message that was just stored.
pub(super) struct MessageContent {
    pub(super) sender: Sender,
    pub(super) text: String,
    pub(super) image_url: Option<String>,
    pub(super) sources: Option<Vec<AnswerSource>>,
}

impl MessageBody {
    /// Returns the answer to the example.
    pub(in crate::api) fn example_answer() -> Self {
        Self::example_of(13, Sender::Bot, "We are open from nine to five.", "2026-11-21T09:30:02.125000+01:00")
    }

    fn example_of(id: i64, sender: Sender, text: &str, created_at: &str) -> Self {
        Self {
            id,
            text: text.to_owned(),
            sender: StringEnum::new(sender.as_str()),
            image_url: None,
            image_omitted: None,
            created_at: created_at.to_owned(),
            status: StringEnum::new(MessageStatus::Complete.as_str()),
            sources: None,
            aliases: MessageAliases::new((OwnerId(7), ChatId(3)), sender.as_str(), None, created_at),
        }
    }
}

impl Example for MessageBody {
    fn example() -> Self {
        Self::example_of(12, Sender::User, "What are your opening hours?", "2026-11-21T09:30:00.417000+01:00")
    }
}
