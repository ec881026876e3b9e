//! The portal's operations, for its own pages, one file each. A visitor's history is a stored chat like any other.

mod chat;
mod clear;
mod history;
mod status;

pub(super) use self::{chat::PortalChatApi, clear::PortalClearApi, history::PortalHistoryApi, status::PortalStatusApi};
