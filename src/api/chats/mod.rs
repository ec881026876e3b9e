//! Stored chats: `/api/chat/…`, one file per operation. Operations with the same path share a file.

mod body;
mod by_id;
mod clear;
mod create;
mod delete;
mod export;
mod export_file;
mod list;
mod search;

pub(super) use self::{
    body::chat_not_found, by_id::ChatByIdApi, clear::ClearChatApi, create::CreateChatApi, delete::DeleteChatApi,
    export::ExportChatApi, list::ListChatsApi, search::SearchMessagesApi,
};
