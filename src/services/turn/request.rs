//! A request for a turn.

use std::{borrow::Cow, sync::Arc, time::Instant};

use super::{idempotency::IdempotencyKey, text_scope::TextScope};
use crate::{
    adapters::{
        hooks::HookTurn,
        storage::{ChatId, MessageId},
    },
    domain::{
        account::OwnerId,
        answer_options::AnswerOptions,
        body_memory::BodyShare,
        breaker::CallerHash,
        chat::{Caller, Message},
        limits::Asker,
        persona::Persona,
        prompt::PromptContext,
        session::SessionId,
    },
    foundation::trace::RequestTrace,
};

/// A request for a turn, as an endpoint passes it to [`Turns::start`](super::Turns::start).
#[derive(Debug)]
pub struct TurnRequest {
    /// The request id, unique and unguessable.
    pub request_id: String,
    /// The time at which the request arrived.
    pub arrived: Instant,
    /// The caller.
    pub caller: Caller,
    /// The session that the client names.
    pub session_id: Option<SessionId>,
    /// Whoever asks, for the limits.
    pub asker: Asker,
    /// The model that the client names.
    pub model: Option<String>,
    /// The persona that answers.
    pub persona: Option<Arc<Persona>>,
    /// The language that the client prefers, a tag such as `de-AT`.
    pub language: Option<String>,
    /// The texts of the context hook; `None` from a client.
    pub context: Option<PromptContext>,
    /// The system message of a server with an API key. It follows the persona's prompt.
    pub server_instruction: Option<String>,
    /// What a server with an API key asks of the answer; `None` for all others.
    pub options: Option<Box<AnswerOptions>>,
    /// The stored chat and its owner; `None` if the client sends the history itself.
    pub stored_chat: Option<StoredChatTurn>,
    /// The conversation, whose last message is the question. For a stored chat it holds the question only: the history
    /// is read from the database.
    pub messages: Vec<Message>,
    /// Whether the client wants the answer as a stream.
    pub stream: bool,
    /// Whether the operator tests the model.
    pub is_model_test: bool,
    /// The `Idempotency-Key` of the request.
    pub idempotency_key: Option<IdempotencyKey>,
    /// The trace of the request; `None` if turns are not traced.
    pub trace: Option<RequestTrace>,
    /// The memory that the request's body occupies: the messages are about as large. It is free when the turn ends.
    pub body: Option<BodyShare>,
}

impl TurnRequest {
    /// Returns the owner of the stored chat; `None` outside of stored chats.
    pub(super) fn chat_owner(&self) -> Option<OwnerId> {
        self.stored_chat.map(|stored_chat| stored_chat.owner)
    }

    /// Returns the owner of the stored chat, or the account.
    pub(super) fn owner(&self) -> Option<OwnerId> {
        self.chat_owner().or(self.caller.account)
    }

    /// Returns to whom the texts of the turn belong.
    pub(super) fn text_scope(&self) -> TextScope {
        let chat = self.stored_chat.map(|stored_chat| stored_chat.chat);
        TextScope {
            session: self.session_id.clone(),
            owner: self.owner(),
            chat,
            ticket_visitor: self.asker.ticket_visitor(),
            api_key: self.asker.api_key().copied(),
        }
    }

    /// Returns the turn as hooks are asked about it.
    pub(super) fn hook_turn(&self) -> HookTurn<'_> {
        HookTurn {
            request_id: &self.request_id,
            session_id: self.session_id.as_ref().map(SessionId::as_str),
            site: self.asker.site().map(|site| site.settings.id.as_str()),
            persona: self.persona.as_ref().map(|persona| persona.id.as_str()),
        }
    }

    /// Returns the persona's prompt, with the texts of the context hook if `with_context`.
    fn owner_instruction(&self, with_context: bool) -> Option<&str> {
        let context = self.context.as_ref().filter(|_| with_context);
        let with_texts = context.map(|context| context.instruction.as_str());
        with_texts.or_else(|| self.persona.as_ref().map(|persona| persona.prompt.as_str()))
    }

    /// Returns what a server adds to the prompt besides the conversation: its system message, and the schema of the answer.
    pub(super) fn server_texts(&self) -> impl Iterator<Item = &str> + Clone {
        let schema = self.options.as_ref().and_then(|options| options.schema());
        self.server_instruction.as_deref().into_iter().chain(schema)
    }

    /// Returns all that the prompt has besides the conversation: the parts of the system message, and the schema of the answer.
    pub(super) fn texts_beside_messages(&self, with_context: bool) -> impl Iterator<Item = &str> + Clone {
        self.owner_instruction(with_context).into_iter().chain(self.server_texts())
    }

    /// Returns the system message: that of the owner, with the texts of the context hook if `with_context`, and that of a server;
    /// `None` without either.
    pub(super) fn instruction(&self, with_context: bool) -> Option<Cow<'_, str>> {
        match (self.owner_instruction(with_context), self.server_instruction.as_deref()) {
            (Some(of_owner), Some(of_server)) => Some(Cow::Owned(format!("{of_owner}\n\n{of_server}"))),
            (of_owner, of_server) => of_owner.or(of_server).map(Cow::Borrowed),
        }
    }

    /// Returns the text of the question.
    pub(super) fn question(&self) -> &str {
        self.messages.last().map_or("", |message| message.content.as_str())
    }

    /// Returns the identity by which the circuit breakers of hooks count callers: the address, since nobody can make up several.
    pub(super) fn address_hash(&self) -> CallerHash {
        CallerHash::of(&self.asker.address)
    }

    /// Returns the identity by which the circuit breaker counts callers: the owner of the chat, the account, the
    /// session, or else the address.
    ///
    /// A client that makes up sessions counts as several callers. Addresses would prevent that, but behind proxies that
    /// `PROXIES` doesn't list all visitors have the same one.
    pub(super) fn caller_hash(&self) -> CallerHash {
        match (self.owner(), &self.session_id) {
            (Some(owner), _) => CallerHash::of(&owner),
            (None, Some(session)) => CallerHash::of(session),
            (None, None) => CallerHash::of(&self.asker.address),
        }
    }
}

/// The stored chat in which a turn takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredChatTurn {
    /// The owner of the chat.
    pub owner: OwnerId,
    /// The chat.
    pub chat: ChatId,
    /// The failed message that this turn retries; `None` for a new message.
    pub retry_of: Option<MessageId>,
}
