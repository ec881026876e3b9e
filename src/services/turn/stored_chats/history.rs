//! The history of a stored chat, as much as fits into the model's context window.

use std::sync::Arc;

use super::unavailable::unavailable;
use crate::{
    adapters::storage::{HistoryMessage, PendingQuestion, Storage},
    domain::{
        account::OwnerId,
        chat::{Image, Message, MessageText},
        prompt::PromptBuilder,
    },
    services::turn::{failure::TurnFailure, model_calls::ModelAbilities, request::TurnRequest},
};

/// Number of messages in the first page of the history.
const FIRST_PAGE_SIZE: u64 = 64;

/// Limit of the messages that are read at once. Pages grow up to it, so that a history for a large context window takes
/// few queries.
const MAX_PAGE_SIZE: u64 = 256;

/// Reads the history of stored chats.
#[derive(Debug)]
pub(super) struct History {
    storage: Storage,
    abilities: Arc<ModelAbilities>,
}

impl History {
    pub(super) fn new(storage: Storage, abilities: Arc<ModelAbilities>) -> Self {
        Self { storage, abilities }
    }

    /// Returns the conversation for a model: the question, and in front of it as much of the history as fits.
    pub(super) async fn conversation(
        &self,
        question: &PendingQuestion,
        request: &TurnRequest,
        model: &str,
    ) -> Result<Vec<Message>, TurnFailure> {
        let Some(message) = request.messages.last().cloned() else { return Ok(Vec::new()) };
        let reserved = request.context.as_ref().map_or(0, |context| context.tokens);
        let prompt = PromptBuilder::new(request.persona.as_deref(), message, self.abilities.of(model));
        let mut prompt = prompt.with_reserved(reserved);
        let (mut before, mut limit) = (question.cursor(), FIRST_PAGE_SIZE);
        while prompt.has_room() {
            let page = self.storage.history(question.owner, question.chat, before, limit).await;
            let page = page.map_err(|failure| unavailable(&failure))?;
            let Some(oldest) = page.last().map(|stored| stored.cursor) else { break };
            for stored in page {
                let message = self.message(question.owner, stored, &prompt).await?;
                if !prompt.offer(message) {
                    break;
                }
            }
            (before, limit) = (oldest, MAX_PAGE_SIZE.min(limit * 2));
        }
        Ok(prompt.into_messages())
    }

    /// Returns a stored message for the model. Its image is replaced by a note if there is no room for the image or its
    /// format is no longer accepted.
    async fn message(
        &self,
        owner: OwnerId,
        stored: HistoryMessage,
        prompt: &PromptBuilder,
    ) -> Result<Message, TurnFailure> {
        let mut message = Message::new(stored.sender.role(), stored.text);
        let bytes = usize::try_from(stored.image_bytes).unwrap_or(usize::MAX);
        if bytes == 0 {
            return Ok(message);
        }
        if prompt.has_room_for_image(bytes) {
            let image = self.storage.image(owner, stored.id).await.map_err(|failure| unavailable(&failure))?;
            message.images.extend(image.and_then(|url| Image::parse(&url).ok()));
        }
        if message.images.is_empty() {
            message.content = MessageText::with_image(&message.content).to_string();
        }
        Ok(message)
    }
}
