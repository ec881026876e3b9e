//! The lists that are read from the database part by part.

use crate::adapters::storage::{ChatList, MessageList, Storage, StorageFailure, StoredChat, StoredMessage};

/// The most bytes that a byte of text takes in JSON, and the text itself while it is encoded.
const TEXT_FACTOR: u64 = 7;

/// The same for an image, which is in a message twice and needs no escapes.
const IMAGE_FACTOR: u64 = 3;

/// The most bytes of a chat, with its title and its persona, and of its JSON.
const CHAT_BYTES: u64 = 4 << 10;

/// A list that is read part by part.
pub(in crate::api) trait PartedList: Send + 'static {
    /// What the list has.
    type Entry: Send;

    /// Returns the most memory that the list and one of its parts need, in bytes.
    fn largest_part(&self) -> u64;

    /// Returns the next entries, and whether others follow.
    fn read(
        &mut self,
        storage: &Storage,
    ) -> impl Future<Output = Result<(Vec<Self::Entry>, bool), StorageFailure>> + Send;
}

impl PartedList for MessageList {
    type Entry = StoredMessage;

    fn largest_part(&self) -> u64 {
        let text = self.largest_text.saturating_mul(TEXT_FACTOR);
        text.saturating_add(self.largest_image.saturating_mul(IMAGE_FACTOR))
    }

    async fn read(&mut self, storage: &Storage) -> Result<(Vec<StoredMessage>, bool), StorageFailure> {
        storage.read_list(self).await
    }
}

impl PartedList for ChatList {
    type Entry = StoredChat;

    fn largest_part(&self) -> u64 {
        (self.part_len() as u64 * CHAT_BYTES).saturating_add(self.bytes())
    }

    async fn read(&mut self, storage: &Storage) -> Result<(Vec<StoredChat>, bool), StorageFailure> {
        storage.read_chats(self).await
    }
}
