//! The scope of an idempotency key, and the fingerprint of the request that has the key.

use sha2::{Digest, Sha256};

use super::key::IdempotencyKey;
use crate::{
    adapters::storage::ScopedKey,
    domain::{
        answer_options::{AnswerFormat, AnswerOptions},
        limits::{AskerId, LimitKey},
    },
    services::turn::request::{StoredChatTurn, TurnRequest},
};

/// Returns the key in the scope of its caller: the API key, the chat's owner, the account, the visitor of a ticket, the session that
/// was started here, or else the asker with the session or name that the client has made up.
///
/// Nobody can name the scope of another: that of a visitor of whom only the address is known has the hash of that address.
/// People who share one and name nothing else share a scope. If both use the same key, one gets the other's answer only if
/// their requests are exactly the same.
pub(in crate::services::turn) fn scoped_key(
    request: &TurnRequest,
    key: IdempotencyKey,
    asker: impl FnOnce() -> LimitKey,
) -> ScopedKey {
    let scope = match (request.asker.api_key(), request.chat_owner(), &request.asker.id) {
        (Some(name), ..) => ScopedKey::api_key(name.as_str()),
        (None, Some(owner), _) => ScopedKey::owner(owner),
        (None, None, AskerId::Account(account)) => ScopedKey::account(*account),
        (None, None, AskerId::Ticket(visitor)) => format!("ticket {visitor}"),
        (None, None, AskerId::Session(session)) => ScopedKey::session(session),
        (None, None, AskerId::Cookie(_) | AskerId::Address) => format!("{} {}", asker(), made_up_name(request)),
    };
    ScopedKey { caller: scope, key: key.into_string() }
}

/// Returns what a client says of itself: a session that was not started here, or a name.
fn made_up_name(request: &TurnRequest) -> String {
    let TurnRequest { caller, session_id, .. } = request;
    match session_id {
        Some(session) => ScopedKey::session(session),
        None if caller.is_guest => format!("guest {}", caller.username),
        None => format!("user {}", caller.username),
    }
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
    if let Some(instruction) = &request.server_instruction {
        add("instruction");
        add(instruction);
    }
    if let Some(options) = &request.options {
        add_options(options, &mut add);
    }
    if let Some(StoredChatTurn { chat, retry_of, .. }) = request.stored_chat {
        add(&chat.0.to_string());
        add(&retry_of.map_or_else(String::new, |message| message.0.to_string()));
    }
    for message in &request.messages {
        add(message.role.as_str());
        add(&message.content);
        for image in &message.images {
            add(image.url());
            image.detail().into_iter().for_each(|detail| add(detail.as_str()));
        }
    }
    format!("{:x}", hasher.finalize())
}

/// Adds each option that has a value, with its name.
fn add_options(options: &AnswerOptions, add: &mut impl FnMut(&str)) {
    // Without `..`, so that no new option is forgotten.
    let AnswerOptions {
        temperature,
        top_p,
        max_tokens,
        stop,
        seed,
        presence_penalty,
        frequency_penalty,
        format,
        reasoning_effort,
    } = options;
    let numbers = [
        ("temperature", temperature.map(|value| value.to_string())),
        ("top_p", top_p.map(|value| value.to_string())),
        ("max_tokens", max_tokens.map(|value| value.to_string())),
        ("seed", seed.map(|value| value.to_string())),
        ("presence_penalty", presence_penalty.map(|value| value.to_string())),
        ("frequency_penalty", frequency_penalty.map(|value| value.to_string())),
    ];
    for (name, value) in numbers {
        if let Some(value) = value {
            add(&format!("{name} {value}"));
        }
    }
    for text in stop {
        add(&format!("stop {text}"));
    }
    match format {
        Some(AnswerFormat::JsonObject) => add("json_object"),
        Some(AnswerFormat::JsonSchema(schema)) => {
            add("json_schema");
            add(schema.as_str());
        }
        None => {}
    }
    if let Some(effort) = reasoning_effort {
        add(&format!("reasoning_effort {effort}"));
    }
}
