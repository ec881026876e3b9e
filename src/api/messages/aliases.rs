//! Deprecated fields of a message, for older clients.

use std::sync::Arc;

use poem_openapi::Object;
use serde::Serialize;

use crate::{adapters::storage::ChatId, domain::account::OwnerId};

/// Fields that older clients look for in a message.
#[derive(Clone, Debug, Object, Serialize)]
pub(super) struct MessageAliases {
    /// The number of the message's chat.
    #[oai(deprecated)]
    chat_id: i64,
    /// The account that owns the chat.
    #[oai(deprecated)]
    user_id: i64,
    /// The same as `sender`.
    #[oai(deprecated)]
    who: String,
    /// The same as `image_url`.
    #[oai(deprecated, nullable)]
    image: Option<Arc<String>>,
    /// The same as `created_at`.
    #[oai(deprecated)]
    time: String,
}

impl MessageAliases {
    pub(super) fn new(
        (owner, chat): (OwnerId, ChatId),
        sender: &str,
        image_url: Option<&Arc<String>>,
        created_at: &str,
    ) -> Self {
        Self {
            chat_id: chat.0,
            user_id: owner.0,
            who: sender.to_owned(),
            image: image_url.cloned(),
            time: created_at.to_owned(),
        }
    }
}
