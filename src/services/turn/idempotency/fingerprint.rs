//! The scope of an idempotency key, and the fingerprint of the request that has the key.

use sha2::{Digest, Sha256};

use super::key::IdempotencyKey;
use crate::{
    adapters::storage::ScopedKey,
    services::turn::request::{StoredChatTurn, TurnRequest},
};

/// Returns the key in the scope of its caller: the chat's owner, the account, the session, or the name.
///
/// Without an account, two callers may share a scope. If both use the same key, one gets the other's answer only if
/// their requests are exactly the same.
pub(in crate::services::turn) fn scoped_key(request: &TurnRequest, key: IdempotencyKey) -> ScopedKey {
    let TurnRequest { caller, session_id, .. } = request;
    let scope = match (request.chat_owner(), caller.account, session_id) {
        (Some(owner), _, _) => ScopedKey::owner(owner),
        (None, Some(account), _) => ScopedKey::account(account),
        (None, None, Some(session)) => ScopedKey::session(session),
        (None, None, None) if caller.is_guest => format!("guest {}", caller.username),
        (None, None, None) => format!("user {}", caller.username),
    };
    ScopedKey { caller: scope, key: key.into_string() }
}

/// Returns a hash of everything that a request asks, except whether it wants a stream.
pub(super) fn fingerprint(request: &TurnRequest) -> String {
    let mut hasher = Sha256::new();
    let mut add = |text: &str| {
        // The length comes first, so that no two texts together look like two others.
        hasher.update(text.len().to_le_bytes());
        hasher.update(text);
    };
    add(&request.caller.username);
    add(if request.caller.is_guest { "guest" } else { "user" });
    add(request.model.as_deref().unwrap_or_default());
    if let Some(persona) = &request.persona {
        add(&format!("persona {}", persona.id));
    }
    if let Some(StoredChatTurn { chat, retry_of, .. }) = request.stored_chat {
        add(&chat.0.to_string());
        add(&retry_of.map_or_else(String::new, |message| message.0.to_string()));
    }
    for message in &request.messages {
        add(message.role.as_str());
        add(&message.content);
        if let Some(image) = &message.image {
            add(image.url());
        }
    }
    format!("{:x}", hasher.finalize())
}
