//! Messages of stored chats: `/api/messages/…`, one file per operation. Operations with the same path share a file.

mod aliases;
mod body;
mod by_id;
mod list;
mod retry;
mod send;
mod turn;

pub(super) use self::{
    body::MessageBody, by_id::MessageByIdApi, list::ListMessagesApi, retry::RetryMessageApi, send::SendMessageApi,
};
