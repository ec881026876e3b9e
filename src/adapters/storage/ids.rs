//! The ids of stored chats and messages, and positions in their lists.

/// The number of a stored chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChatId(pub i64);

/// The number of a stored message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageId(pub i64);

/// A position in a list that is read page by page: the two columns by which the list orders its rows, for the last row of
/// a page. The next page begins after that row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(pub i64, pub i64);

impl Cursor {
    /// The position before the first row of any list.
    pub const START: Self = Self(i64::MAX, i64::MAX);
}
