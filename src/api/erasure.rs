//! Erasures of texts, first in the database and then in memory.
//!
//! Each runs in a task of its own, which comes to its end if the client leaves: what is erased in the database must not stay
//! readable in memory. It is erased in memory, too, if the database fails: a commit without an answer may have taken effect.

use super::{AppState, problem::Problem};
use crate::{
    adapters::storage::ChatId,
    domain::{account::OwnerId, errors::requests, session::SessionId},
    services::accounts::SignedIn,
};

/// Erases the texts of a session, or those that the key with this id has sealed; with an `owner`, only that owner's. Returns
/// whether there was any.
pub(super) async fn erase_session(state: &AppState, id: SessionId, owner: Option<OwnerId>) -> Result<bool, Problem> {
    let (storage, turns) = (state.storage.clone(), state.turns.clone());
    run_to_end(state, async move {
        let was_stored = storage.erase_content(&id, owner).await;
        let was_in_memory = turns.erase_session(&id, owner);
        Ok::<_, Problem>(was_stored? || was_in_memory)
    })
    .await
}

/// Removes an account with its texts.
pub(super) async fn remove_account(state: &AppState, signed_in: SignedIn) -> Result<(), Problem> {
    let (accounts, turns, owner) = (state.accounts.clone(), state.turns.clone(), signed_in.account.id);
    run_to_end(state, async move {
        let removed = accounts.remove(signed_in).await;
        turns.erase_owner(owner);
        removed
    })
    .await
}

/// Deletes one of an owner's chats with its texts. Returns whether there was such a chat.
pub(super) async fn delete_chat(state: &AppState, owner: OwnerId, chat: ChatId) -> Result<bool, Problem> {
    let (storage, turns) = (state.storage.clone(), state.turns.clone());
    run_to_end(state, async move {
        let deleted = storage.delete_chat(owner, chat).await;
        turns.erase_chat(owner, chat);
        deleted
    })
    .await
}

/// Deletes the messages of one of an owner's chats, and its texts. Returns whether there is such a chat.
pub(super) async fn clear_chat(state: &AppState, owner: OwnerId, chat: ChatId) -> Result<bool, Problem> {
    let (storage, turns, now) = (state.storage.clone(), state.turns.clone(), state.clock.now());
    run_to_end(state, async move {
        let cleared = storage.clear_chat(owner, chat, now).await;
        turns.erase_chat(owner, chat);
        cleared
    })
    .await
}

async fn run_to_end<T: Send + 'static, E: Into<Problem> + Send + 'static>(
    state: &AppState,
    erasure: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, Problem> {
    let erased = state.tasks.run_to_completion("erasure", erasure).await;
    erased.map_or_else(|| Err(Problem::new(&requests::INTERNAL_ERROR)), |erased| erased.map_err(Into::into))
}
