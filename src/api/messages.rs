//! What is said in stored chats: `POST /api/messages/{chat_id}/send` and `…/send/stream`, `GET /api/messages/{chat_id}/messages`, and
//! `POST /api/messages/{message_id}/retry`.

#![expect(
    clippy::used_underscore_binding,
    reason = "derived code moves the fields that are refused when they are read"
)]

mod aliases;
mod body;

use poem::{Request, web::Data};
use poem_openapi::{
    Object, OpenApi,
    param::{Header, Path, Query},
    types::Example,
};
use serde::{Deserialize, Serialize};

pub(super) use self::body::MessageBody;
use self::body::Said;
use super::{
    AppState, Group,
    caller::RequiredAccount,
    chats::chat_not_found,
    confirmation::{Confirmation, confirm},
    field_aliases::{image, single_value},
    json::{Json, OptionalJson},
    page::{Page, PageRequest},
    personas::persona_of_chat,
    problem::{Problem, failures},
    request_context::RequestContext,
    turn::{EventStream, Reply, TurnHeaders, named_model, named_session, start_stream, start_turn},
    unread_field::with_unread_fields,
};
use crate::{
    adapters::storage::{ChatId, Exchange, MessageId, MessageStatus, Sender, StoredMessage},
    domain::{
        account::Account,
        chat::{Caller, Image, Message, Role},
        errors::resources,
        prompt,
    },
    services::turn::{StoredChatTurn, TurnRequest},
};

/// An image of 12 MiB that comes along in its URL, which are 16 MiB, and a text of 1 MiB.
const LARGEST_BODY: usize = 17 << 20;

failures! { SendFailure, of a turn {
    400 "Something in the request is not as it should be: no text and no image (`text_required`), its body (`invalid_json`, \
         `body_incomplete`), a field (`invalid_request`), the image (`invalid_image`, `image_not_public`), the session id (`invalid_session_id`), the \
         `Idempotency-Key` (`invalid_idempotency_key`), the model (`model_not_allowed`, `model_not_found`), its length \
         (`prompt_too_long`), or its content (`request_refused`, `answer_withheld`).",
    401 "There is no token (`token_missing`), or it is of no use (`token_invalid`, `token_expired`, `token_ended`); or \
         the model's provider refuses the API key, even after a refresh (`invalid_api_key`).",
    404 "There is no such chat, or it is somebody else's (`chat_not_found`).",
    409 "The turn of this `Idempotency-Key` was cut off before it was answered (`turn_interrupted`); the chat was \
         cleared or deleted meanwhile (`chat_changed`); or its persona was taken away (`persona_gone`).",
    413 "The body is larger than 17 MiB (`body_too_large`).",
    415 "The body is not JSON (`unsupported_media_type`).",
} }

failures! { RetryFailure, of a turn {
    400 "Something in the request is not as it should be: its body (`invalid_json`, \
         `body_incomplete`), a field (`invalid_request`), the image, where it was kept before its kind was \
         refused (`invalid_image`, `image_not_public`), the session id (`invalid_session_id`), the `Idempotency-Key` (`invalid_idempotency_key`), the model (`model_not_allowed`, \
         `model_not_found`), the message's length (`prompt_too_long`), or its content (`request_refused`, \
         `answer_withheld`).",
    401 "There is no token (`token_missing`), or it is of no use (`token_invalid`, `token_expired`, `token_ended`); or \
         the model's provider refuses the API key, even after a refresh (`invalid_api_key`).",
    404 "There is no such message, or it is somebody else's (`message_not_found`).",
    409 "The message has not failed (`not_failed`), or was removed or answered meanwhile (`chat_changed`); the turn \
         of this `Idempotency-Key` was cut off before it was answered (`turn_interrupted`); or the chat's persona was \
         taken away (`persona_gone`).",
    413 "The body is larger than 1 MiB (`body_too_large`).",
} }

failures! { ListFailure, signed in {
    400 "`limit` or `before` is not as it should be (`invalid_request`, `invalid_cursor`).",
    404 "There is no such chat, or it is somebody else's (`chat_not_found`).",
} }

failures! { MessageFailure, signed in {
    404 "There is no such message, or it is somebody else's (`message_not_found`).",
} }

with_unread_fields! {
    /// What is to be said. A text or an image is required.
    #[derive(Debug, Default, Deserialize, Object)]
    #[serde(default)]
    #[oai(rename = "SendMessageRequest", example, nullable_all, skip_serializing_if_is_none)]
    struct SendRequest {
        /// What the user says.
        text: Option<String>,
        /// The same as `text`.
        #[oai(deprecated)]
        message: Option<String>,
        /// What the user said by voice, written down; alone it is the text.
        #[oai(deprecated)]
        voice_text: Option<String>,
        /// An image to look at, for models that see (PNG, JPEG, GIF, WebP; at most 12 MiB): an https address on the public internet, a
        /// data URL, or base64 alone.
        image_url: Option<String>,
        /// The same as `image_url`.
        #[oai(deprecated)]
        image: Option<String>,
        /// The model to ask, among those the operator allows.
        model: Option<String>,
        /// Whether the answer is wanted as a stream of events, the same as those of `POST /api/chat`; without it,
        /// `Accept: text/event-stream` asks for one.
        stream: Option<bool>,
    } unread {
        _question = "question",
        _history = "history",
        _messages = "messages",
        _images = "images",
        _files = "files",
        _attached_files = "attached_files",
        _attached_content = "attached_content",
    }
}

with_unread_fields! {
    /// How a failed message is to be tried again; what it says and shows stays.
    #[derive(Debug, Default, Deserialize, Object)]
    #[serde(default)]
    #[oai(rename = "RetryMessageRequest", nullable_all, skip_serializing_if_is_none)]
    struct RetryRequest {
        /// The model to ask, among those the operator allows.
        model: Option<String>,
        /// Whether the answer is wanted as a stream of events; without it, `Accept: text/event-stream` asks for one.
        stream: Option<bool>,
    } unread {
        _text = "text",
        _message = "message",
        _question = "question",
        _voice_text = "voice_text",
        _image = "image",
        _image_url = "image_url",
        _history = "history",
        _messages = "messages",
        _images = "images",
        _files = "files",
        _attached_files = "attached_files",
        _attached_content = "attached_content",
    }
}

/// A message and what was answered.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "MessageExchange")]
struct Answered {
    /// What the user said.
    user_message: MessageBody,
    /// What the model said.
    ai_response: MessageBody,
    /// The same as `ai_response`.
    #[oai(deprecated)]
    ai_message: MessageBody,
}

impl Answered {
    fn new(user_message: MessageBody, ai_response: MessageBody) -> Self {
        Self { user_message, ai_message: ai_response.clone(), ai_response }
    }
}

/// A turn in a chat, as far as it is the same for a new message and for one that is tried again.
struct Turn<'a> {
    state: &'a AppState,
    context: &'a RequestContext,
    account: Account,
    headers: TurnHeaders,
    /// The chat's.
    persona: Option<String>,
    model: Option<String>,
    stream: Option<bool>,
}

impl Turn<'_> {
    /// What is asked with the user's message.
    fn ask(self, stored_chat: StoredChatTurn, said: Message) -> Result<TurnRequest, Problem> {
        let Turn { state, context, account, headers, .. } = self;
        Ok(TurnRequest {
            request_id: context.id.clone(),
            arrived: context.arrived,
            caller: Caller::of_account(&account),
            session_id: named_session([headers.session, None, None])?,
            address: None,
            stored_chat: Some(stored_chat),
            model: named_model(self.model),
            persona: persona_of_chat(state, self.persona.as_deref())?,
            messages: vec![said],
            stream: self.stream.unwrap_or(headers.accepts_events),
            idempotency_key: headers.idempotency_key,
        })
    }

    /// Asks the model. `said` is the user's message, as it is told with the answer.
    async fn take(self, stored_chat: StoredChatTurn, said: Message) -> Result<Reply<Answered>, Problem> {
        let state = self.state;
        let (text, image_url) = (said.content.clone(), said.image.as_ref().map(|image| image.url().to_owned()));
        start_turn(state, self.ask(stored_chat, said)?, |answer, summary, _| {
            let Exchange { question, answer: kept } = summary.exchange.ok_or_else(Problem::internal)?;
            let asked = Said { sender: Sender::User, text, image_url };
            let answered = Said { sender: Sender::Bot, text: answer, image_url: None };
            Ok(Answered::new(
                MessageBody::kept(question, stored_chat, asked, &state.clock),
                MessageBody::kept(kept, stored_chat, answered, &state.clock),
            ))
        })
        .await
    }
}

/// A new message in a chat of this account, and the turn that answers it.
async fn new_message<'a>(
    state: &'a AppState,
    context: &'a RequestContext,
    account: Account,
    headers: TurnHeaders,
    chat_id: i64,
    asked: SendRequest,
) -> Result<(Turn<'a>, StoredChatTurn, Message), Problem> {
    let (owner, chat) = (account.id, ChatId(chat_id));
    let text = single_value([("text", asked.text), ("message", asked.message)])?.unwrap_or_default();
    let text = prompt::with_voice(text, asked.voice_text);
    let said = Message { image: image(asked.image_url, asked.image)?, ..Message::new(Role::User, text) };
    if said.is_blank() {
        return Err(Problem::new(&resources::TEXT_REQUIRED));
    }
    let persona = state.storage.chat(owner, chat).await?.ok_or_else(chat_not_found)?.persona;
    let turn = Turn { state, context, account, headers, persona, model: asked.model, stream: asked.stream };
    Ok((turn, StoredChatTurn { owner, chat, retry_of: None }, said))
}

fn message_not_found() -> Problem {
    Problem::new(&resources::MESSAGE_NOT_FOUND)
}

pub(super) struct MessagesApi;

#[OpenApi(prefix_path = "/api/messages", tag = "Group::Messages")]
impl MessagesApi {
    /// Say something in a chat
    ///
    /// The model answers it with the chat's history before it, as much as it can read. Messages of one chat are
    /// answered one after the other. Where the turn fails, the message stays, marked as `failed`; the error's
    /// `details.user_message_id` says which one it is, and it can be tried again.
    ///
    /// Streams, `Idempotency-Key`, stopping and coming back are the same as with `POST /api/chat`.
    #[oai(path = "/:chat_id/send", method = "post", operation_id = "sendMessage")]
    #[expect(clippy::too_many_arguments, reason = "all that a request may say")]
    async fn send(
        &self,
        Data(state): Data<&AppState>,
        Data(context): Data<&RequestContext>,
        request: &Request,
        RequiredAccount(signed_in): RequiredAccount,
        /// The chat's number.
        Path(chat_id): Path<i64>,
        /// The session this turn belongs to, for the session log.
        #[oai(name = "X-Session-ID")]
        Header(session): Header<Option<String>>,
        /// The client's name for this turn, the same in each repetition: 1 to 255 visible ASCII characters, best a
        /// random UUID. Kept for a day.
        #[oai(name = "Idempotency-Key")]
        Header(idempotency_key): Header<Option<String>>,
        Json(asked): Json<SendRequest, LARGEST_BODY>,
    ) -> Result<Reply<Answered>, SendFailure> {
        let headers = TurnHeaders::read(request, session, idempotency_key)?;
        let (turn, stored_chat, said) = new_message(state, context, signed_in.account, headers, chat_id, asked).await?;
        Ok(turn.take(stored_chat, said).await?)
    }

    /// Say something in a chat, and read the answer as it comes
    ///
    /// The same turn as that of `POST /api/messages/{chat_id}/send`, as a stream, whatever `stream` says.
    #[oai(path = "/:chat_id/send/stream", method = "post", operation_id = "sendMessageStream")]
    #[expect(clippy::too_many_arguments, reason = "all that a request may say")]
    async fn send_stream(
        &self,
        Data(state): Data<&AppState>,
        Data(context): Data<&RequestContext>,
        request: &Request,
        RequiredAccount(signed_in): RequiredAccount,
        /// The chat's number.
        Path(chat_id): Path<i64>,
        /// The session this turn belongs to, for the session log.
        #[oai(name = "X-Session-ID")]
        Header(session): Header<Option<String>>,
        /// The client's name for this turn, the same in each repetition: 1 to 255 visible ASCII characters, best a
        /// random UUID. Kept for a day.
        #[oai(name = "Idempotency-Key")]
        Header(idempotency_key): Header<Option<String>>,
        Json(asked): Json<SendRequest, LARGEST_BODY>,
    ) -> Result<EventStream, SendFailure> {
        let headers = TurnHeaders::read(request, session, idempotency_key)?;
        let (turn, stored_chat, said) = new_message(state, context, signed_in.account, headers, chat_id, asked).await?;
        Ok(start_stream(state, turn.ask(stored_chat, said)?).await?)
    }

    /// List the messages of a chat
    ///
    /// All of them, the oldest first. With `limit` come the latest ones, still the oldest of them first; the `Link`
    /// header says where those before them are.
    #[oai(path = "/:chat_id/messages", method = "get", operation_id = "listMessages")]
    async fn messages(
        &self,
        Data(state): Data<&AppState>,
        request: &Request,
        RequiredAccount(signed_in): RequiredAccount,
        /// The chat's number.
        Path(chat_id): Path<i64>,
        /// At most so many.
        #[oai(validator(minimum(value = "1"), maximum(value = "1000")))]
        Query(limit): Query<Option<u64>>,
        /// A place in the list, from a `Link` header: those before it come.
        Query(before): Query<Option<String>>,
    ) -> Result<Page<MessageBody>, ListFailure> {
        let (owner, chat) = (signed_in.account.id, ChatId(chat_id));
        let page_request = PageRequest::new(limit, before.as_deref())?;
        let messages = state.storage.messages(owner, chat, page_request.after, page_request.rows_to_read()).await?;
        if messages.is_empty() {
            state.storage.chat(owner, chat).await?.ok_or_else(chat_not_found)?;
        }
        let body = |message| MessageBody::new(message, owner, &state.clock);
        Ok(page_request.page(messages, request, StoredMessage::cursor, body).reversed())
    }

    /// Read a message
    ///
    /// One message of one's own chats, with its image.
    #[oai(path = "/:message_id", method = "get", operation_id = "getMessage")]
    async fn get(
        &self,
        Data(state): Data<&AppState>,
        RequiredAccount(signed_in): RequiredAccount,
        /// The message's number.
        Path(message_id): Path<i64>,
    ) -> Result<Json<MessageBody>, MessageFailure> {
        let owner = signed_in.account.id;
        let message = state.storage.message(owner, MessageId(message_id)).await?;
        Ok(Json(MessageBody::new(message.ok_or_else(message_not_found)?, owner, &state.clock)))
    }

    /// Try a message again
    ///
    /// A message of one's own whose turn has failed is answered as if it had just been said; its place in the chat
    /// stays. Nothing needs to be sent. With `"stream": true`, or an `Accept` as with `POST /api/chat`, the answer comes
    /// as a stream.
    #[oai(path = "/:message_id/retry", method = "post", operation_id = "retryMessage")]
    #[expect(clippy::too_many_arguments, reason = "all that a request may say")]
    async fn retry(
        &self,
        Data(state): Data<&AppState>,
        Data(context): Data<&RequestContext>,
        request: &Request,
        RequiredAccount(signed_in): RequiredAccount,
        /// The message's number.
        Path(message_id): Path<i64>,
        /// The session this turn belongs to, for the session log.
        #[oai(name = "X-Session-ID")]
        Header(session): Header<Option<String>>,
        /// The client's name for this turn, the same in each repetition: 1 to 255 visible ASCII characters, best a
        /// random UUID. Kept for a day.
        #[oai(name = "Idempotency-Key")]
        Header(idempotency_key): Header<Option<String>>,
        OptionalJson(asked): OptionalJson<RetryRequest>,
    ) -> Result<Reply<Answered>, RetryFailure> {
        let account = signed_in.account;
        let owner = account.id;
        let headers = TurnHeaders::read(request, session, idempotency_key)?;
        let message = state.storage.message(owner, MessageId(message_id)).await?.ok_or_else(message_not_found)?;
        // A repetition finds its turn by its key, also when the message has been answered by then.
        if message.status != MessageStatus::Failed && headers.idempotency_key.is_none() {
            return Err(Problem::new(&resources::NOT_FAILED).into());
        }
        let image = message.image.as_deref().map(Image::parse).transpose()?;
        let said = Message { role: Role::User, content: message.text, image };
        let persona = state.storage.chat(owner, message.chat).await?.ok_or_else(message_not_found)?.persona;
        let turn = Turn { state, context, account, headers, persona, model: asked.model, stream: asked.stream };
        Ok(turn.take(StoredChatTurn { owner, chat: message.chat, retry_of: Some(message.id) }, said).await?)
    }

    /// Delete a message
    ///
    /// That one alone; what was answered to it stays.
    #[oai(path = "/:message_id", method = "delete", operation_id = "deleteMessage")]
    async fn delete(
        &self,
        Data(state): Data<&AppState>,
        RequiredAccount(signed_in): RequiredAccount,
        /// The message's number.
        Path(message_id): Path<i64>,
    ) -> Result<Json<Confirmation>, MessageFailure> {
        if state.storage.delete_message(signed_in.account.id, MessageId(message_id)).await? {
            return Ok(confirm("Message deleted successfully"));
        }
        Err(message_not_found().into())
    }
}

impl Example for SendRequest {
    fn example() -> Self {
        Self { text: Some("What are your opening hours?".to_owned()), ..Self::default() }
    }
}
