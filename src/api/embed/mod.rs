//! Operations for pages that embed the chat window: `/api/embed/…`, one file per operation.

mod ticket;

pub(super) use self::ticket::EmbedTicketApi;
