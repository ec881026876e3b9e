//! The groups into which the contract sorts the operations.

use poem_openapi::Tags;

/// A group of operations in the contract (a tag, in the terms of `OpenAPI`).
#[derive(Tags)]
pub(super) enum Group {
    /// Turns between a visitor and the model.
    Chat,
    /// A visitor's stay at a chat window.
    Session,
    /// Chats that are kept for an account.
    Chats,
    /// What is said in kept chats, and answered.
    Messages,
    /// The portal's own pages: a chat with each visitor, who is known by a cookie.
    Portal,
    /// Accounts, opened by a password and kept open by a token.
    Auth,
    /// The model behind the chat: its key, a test, and what it has cost.
    OpenAI,
    /// Whether the service is well.
    Health,
}
