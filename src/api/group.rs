//! The groups into which the contract sorts the operations.

use poem_openapi::Tags;

/// A group of operations in the contract (a tag, in the terms of `OpenAPI`).
#[derive(Tags)]
pub(super) enum Group {
    /// Turns between a visitor and the model.
    Chat,
    /// Sessions: one visit of a client, for the session log.
    Session,
    /// Stored chats of an account.
    Chats,
    /// Messages of stored chats, and turns that answer them.
    Messages,
    /// The portal: one chat for each visitor, who is identified by a cookie.
    Portal,
    /// Accounts: registration, login by password, and access tokens.
    Auth,
    /// The language model: its key, a test, and its cost.
    OpenAI,
    /// The endpoints in the form of OpenAI's API, for its SDKs.
    #[oai(rename = "OpenAI-compatible")]
    OpenAICompatible,
    /// State of the service.
    Health,
    /// For the operator, who sends `ADMIN_TOKEN`.
    Admin,
}
