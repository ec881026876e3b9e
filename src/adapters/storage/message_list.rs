//! The messages of a chat as a list that is read in parts, the oldest first, so that no list is in memory as a whole.

use super::{
    column_values::{to_count, to_integer},
    failure::StorageFailure,
    handle::Storage,
    ids::{ChatId, Cursor},
    statement::{Statement, sql},
    stored_message::{MessageRow, StoredMessage, message},
};
use crate::domain::account::OwnerId;

/// The limit for the image URLs of one list, in bytes. The contract has two names for an image, so that a list on the wire
/// takes twice as much. The limit has room for the largest image: 12 MiB in base64, and the prefix of its data URL.
const MAX_LIST_IMAGE_BYTES: u64 = (16 << 20) + 1024;

/// The most bytes of texts, sources and images in one part, unless a single message has more.
const MAX_PART_BYTES: u64 = 64 << 10;

/// The most messages in one part.
const MAX_PART_ROWS: usize = 64;

/// The messages that a list has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListedMessages {
    /// All, the latest with their images.
    All,
    /// The complete ones, without their images.
    Complete,
}

/// A list of messages of one chat, as it was when the list was made. Messages that are deleted meanwhile are left out.
#[derive(Clone, Copy, Debug)]
pub struct MessageList {
    owner: OwnerId,
    chat: ChatId,
    listed: ListedMessages,
    /// The position of which the list has the messages before.
    before: Cursor,
    /// The position after which the rest of the list begins.
    after: Cursor,
    /// The position after which messages have their images.
    images_after: Cursor,
    /// The largest number of a message: later ones are not in the list.
    last_id: i64,
    /// The position before which the messages are that the limit leaves out; `None` if there are none.
    pub next: Option<Cursor>,
    /// The number of messages.
    pub len: u64,
    /// The bytes of the longest text with its sources.
    pub largest_text: u64,
    /// The bytes of the longest URL of an image in the list.
    pub largest_image: u64,
}

/// The position before the first message of any chat.
const FIRST: Cursor = Cursor(i64::MIN, i64::MIN);

impl Storage {
    /// Returns the list of the messages of one of an owner's chats before a position: the latest `limit` ones, or all. Empty if
    /// the chat has another owner.
    pub async fn message_list(
        &self,
        (owner, chat): (OwnerId, ChatId),
        listed: ListedMessages,
        before: Cursor,
        limit: Option<u64>,
    ) -> Result<MessageList, StorageFailure> {
        let mut list = MessageList {
            owner,
            chat,
            listed,
            before,
            after: FIRST,
            images_after: before,
            last_id: i64::MAX,
            next: None,
            len: 0,
            largest_text: 0,
            largest_image: 0,
        };
        if let Some(limit) = limit {
            self.limit_list(&mut list, limit).await?;
        }
        let (len, last_id, text, image): (i64, i64, i64, i64) = list
            .bind(sql("SELECT COUNT(*), COALESCE(MAX(id), 0),
                    CAST(COALESCE(MAX(octet_length(text) + octet_length(COALESCE(sources, ''))), 0) AS BIGINT),
                    COALESCE(MAX(image_bytes), 0) FROM messages
             WHERE chat_id = $1 AND owner_id = $2 AND (turn, id) > ($3, $4) AND (turn, id) < ($5, $6) AND id <= $7
               AND (CAST($8 AS BIGINT) = 0 OR status = 'complete')"))
            .fetch_one(&self.read)
            .await?;
        (list.len, list.last_id, list.largest_text) = (to_count(len), last_id, to_count(text));
        if image > 0 && listed == ListedMessages::All {
            self.find_images(&mut list).await?;
        }
        Ok(list)
    }

    /// Limits a list to its latest messages.
    async fn limit_list(&self, list: &mut MessageList, limit: u64) -> Result<(), StorageFailure> {
        let rows: Vec<(i64, i64)> = list
            .bind(sql("SELECT turn, id FROM messages
             WHERE chat_id = $1 AND owner_id = $2 AND (turn, id) > ($3, $4) AND (turn, id) < ($5, $6) AND id <= $7
               AND (CAST($8 AS BIGINT) = 0 OR status = 'complete')
             ORDER BY turn DESC, id DESC LIMIT 2 OFFSET $9"))
            .bind(to_integer(limit.saturating_sub(1)))
            .fetch_all(&self.read)
            .await?;
        if let [(turn, id), (last_turn, last_id)] = rows.as_slice() {
            (list.next, list.after) = (Some(Cursor(*turn, *id)), Cursor(*last_turn, *last_id));
        }
        Ok(())
    }

    /// Finds the position after which the images of a list's messages fit into [`MAX_LIST_IMAGE_BYTES`].
    async fn find_images(&self, list: &mut MessageList) -> Result<(), StorageFailure> {
        let (mut left, mut before) = (MAX_LIST_IMAGE_BYTES, list.before);
        loop {
            let rows: Vec<(i64, i64, i64)> = MessageList { before, ..*list }
                .bind(sql("SELECT turn, id, image_bytes FROM messages
                 WHERE chat_id = $1 AND owner_id = $2 AND (turn, id) > ($3, $4) AND (turn, id) < ($5, $6) AND id <= $7
                   AND (CAST($8 AS BIGINT) = 0 OR status = 'complete') AND image_bytes > 0
                 ORDER BY turn DESC, id DESC LIMIT $9"))
                .bind(to_integer(MAX_PART_ROWS as u64))
                .fetch_all(&self.read)
                .await?;
            for &(turn, id, bytes) in &rows {
                let bytes = to_count(bytes);
                let Some(rest) = left.checked_sub(bytes) else {
                    list.images_after = Cursor(turn, id);
                    return Ok(());
                };
                (left, before) = (rest, Cursor(turn, id));
                list.largest_image = list.largest_image.max(bytes);
            }
            if rows.len() < MAX_PART_ROWS {
                list.images_after = FIRST;
                return Ok(());
            }
        }
    }

    /// Returns the next messages of a list, the oldest first, and sets the list to the rest. Whether there is a rest is the
    /// second value.
    pub async fn read_list(&self, list: &mut MessageList) -> Result<(Vec<StoredMessage>, bool), StorageFailure> {
        let sizes: Vec<(i64, i64, i64, i64)> = list
            .bind(sql(
                "SELECT turn, id, CAST(octet_length(text) + octet_length(COALESCE(sources, '')) AS BIGINT), image_bytes
             FROM messages
             WHERE chat_id = $1 AND owner_id = $2 AND (turn, id) > ($3, $4) AND (turn, id) < ($5, $6) AND id <= $7
               AND (CAST($8 AS BIGINT) = 0 OR status = 'complete')
             ORDER BY turn, id LIMIT $9",
            ))
            .bind(to_integer(MAX_PART_ROWS as u64 + 1))
            .fetch_all(&self.read)
            .await?;
        let (mut bytes, mut rows, mut end) = (0_u64, 0_usize, list.after);
        for &(turn, id, text_bytes, image_bytes) in sizes.iter().take(MAX_PART_ROWS) {
            let position = Cursor(turn, id);
            let image = if list.has_image_at(position) { to_count(image_bytes) } else { 0 };
            bytes = bytes.saturating_add(to_count(text_bytes)).saturating_add(image);
            if rows > 0 && bytes > MAX_PART_BYTES {
                break;
            }
            (rows, end) = (rows + 1, position);
        }
        if rows == 0 {
            return Ok((Vec::new(), false));
        }
        let found: Vec<MessageRow> = list
            .bind(sql("SELECT id, chat_id, turn, sender, status, text, image_bytes, sources, created_at FROM messages
             WHERE chat_id = $1 AND owner_id = $2 AND (turn, id) > ($3, $4) AND (turn, id) < ($5, $6) AND id <= $7
               AND (CAST($8 AS BIGINT) = 0 OR status = 'complete') AND (turn, id) <= ($9, $10)
             ORDER BY turn, id"))
            .bind(end.0)
            .bind(end.1)
            .fetch_all(&self.read)
            .await?;
        let mut messages = found.into_iter().map(message).collect::<Vec<_>>();
        let with_images = messages.iter_mut().filter(|it| it.image_bytes > 0 && list.has_image_at(it.cursor()));
        for message in with_images {
            message.image = self.image(list.owner, message.id).await?;
        }
        list.after = end;
        Ok((messages, sizes.len() > rows))
    }
}

impl MessageList {
    /// Binds the first eight parameters of a statement: the chat, the bounds of the rest of the list, and which messages it has.
    fn bind<'q>(&self, statement: Statement<'q>) -> Statement<'q> {
        statement
            .bind(self.chat.0)
            .bind(self.owner.0)
            .bind(self.after.0)
            .bind(self.after.1)
            .bind(self.before.0)
            .bind(self.before.1)
            .bind(self.last_id)
            .bind(i64::from(self.listed == ListedMessages::Complete))
    }

    fn has_image_at(&self, Cursor(turn, id): Cursor) -> bool {
        (turn, id) > (self.images_after.0, self.images_after.1)
    }
}
