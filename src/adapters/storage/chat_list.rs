//! The chats of an owner as a list that is read in parts, the latest first, so that no list is in memory as a whole.

use std::collections::HashMap;

use super::{
    chats::{ChatRow, StoredChat, chat},
    column_values::to_integer,
    failure::StorageFailure,
    handle::Storage,
    ids::{ChatId, Cursor},
    statement::sql,
};
use crate::domain::account::OwnerId;

/// The most chats in one part.
const MAX_PART_ROWS: usize = 64;

/// A list of an owner's chats, in the order in which they were when the list was made. Chats that are deleted meanwhile are left
/// out.
#[derive(Debug)]
pub struct ChatList {
    owner: OwnerId,
    /// The positions of all chats in the list.
    positions: Vec<Cursor>,
    /// The number of chats that were read.
    read: usize,
    /// The position after which the chats are that the limit leaves out; `None` if there are none.
    pub next: Option<Cursor>,
}

impl ChatList {
    /// Returns the bytes that the positions occupy.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        (self.positions.len() * size_of::<Cursor>()) as u64
    }

    /// Returns the most chats of one part.
    #[must_use]
    pub fn part_len(&self) -> usize {
        self.positions.len().min(MAX_PART_ROWS)
    }
}

impl Storage {
    /// Returns the list of an owner's chats after a position: at most `limit`, or all.
    pub async fn chat_list(
        &self,
        owner: OwnerId,
        after: Cursor,
        limit: Option<u64>,
    ) -> Result<ChatList, StorageFailure> {
        // One more than the list has, to see whether others follow.
        let rows = limit.map_or(u64::MAX, |limit| limit.saturating_add(1));
        let found: Vec<(i64, i64)> = sql("SELECT updated_at, id FROM chats
             WHERE owner_id = $1 AND (updated_at, id) < ($2, $3)
             ORDER BY updated_at DESC, id DESC LIMIT $4")
        .bind(owner.0)
        .bind(after.0)
        .bind(after.1)
        .bind(to_integer(rows))
        .fetch_all(&self.read)
        .await?;
        let mut positions = found.into_iter().map(|(updated_at, id)| Cursor(updated_at, id)).collect::<Vec<_>>();
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        let has_more = positions.len() > limit;
        positions.truncate(limit);
        let next = positions.last().copied().filter(|_| has_more);
        Ok(ChatList { owner, positions, read: 0, next })
    }

    /// Returns the next chats of a list, and whether others follow.
    pub async fn read_chats(&self, list: &mut ChatList) -> Result<(Vec<StoredChat>, bool), StorageFailure> {
        let part = &list.positions[list.read..list.positions.len().min(list.read + MAX_PART_ROWS)];
        let (Some(newest), Some(oldest)) = (part.first(), part.last()) else { return Ok((Vec::new(), false)) };
        let rows: Vec<ChatRow> = sql("SELECT id, title, created_at, updated_at, message_count, persona FROM chats
             WHERE owner_id = $1 AND (updated_at, id) <= ($2, $3) AND (updated_at, id) >= ($4, $5)")
        .bind(list.owner.0)
        .bind(newest.0)
        .bind(newest.1)
        .bind(oldest.0)
        .bind(oldest.1)
        .fetch_all(&self.read)
        .await?;
        let mut found = rows.into_iter().map(|row| (row.0, chat(row))).collect::<HashMap<_, _>>();
        let mut chats = Vec::with_capacity(part.len());
        for Cursor(_, id) in part {
            match found.remove(id) {
                Some(chat) => chats.push(chat),
                // Changed since the list was made, and so at another position; or deleted.
                None => chats.extend(self.chat(list.owner, ChatId(*id)).await?),
            }
        }
        list.read += part.len();
        Ok((chats, list.read < list.positions.len()))
    }
}
