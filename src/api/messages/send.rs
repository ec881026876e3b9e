//! `POST /api/messages/{chat_id}/send` and `/send/stream`: a new message in a stored chat, and the turn that answers it.

use poem::{Request, web::Data};
use poem_openapi::{Object, OpenApi, param::Path, types::Example};
use serde::Deserialize;

use super::turn::{MessageExchange, MessageTurn};
use crate::{
    adapters::storage::ChatId,
    api::{
        AppState, Group,
        caller::{AskedFrom, RequiredAccount},
        chats::chat_not_found,
        field_aliases::{image, single_value},
        json::Json,
        problem::{Problem, failures},
        request_context::RequestContext,
        text_header::TextHeader,
        turn::{EventStream, Reply, TurnHeaders},
        unread_field::with_unread_fields,
    },
    domain::{
        account::Account,
        chat::{Message, Role},
        errors::{requests, resources},
        prompt,
    },
    services::turn::StoredChatTurn,
};

/// The largest text of a message, in bytes. Each later turn of the chat reads it, and so does each list of its messages.
const MAX_TEXT_BYTES: usize = 1 << 20;

/// The maximum size of a body in bytes: an image of 12 MiB as a data URL, which takes 16 MiB, and a text of 1 MiB.
const MAX_BODY_BYTES: usize = 17 << 20;

failures! { SendFailure, of a turn {
    400 "The request is invalid: no text and no image (`text_required`), its body (`invalid_json`, \
         `body_incomplete`), a field (`invalid_request`), the image (`invalid_image`, `image_not_public`), the session id (`invalid_session_id`), the \
         `Idempotency-Key` (`invalid_idempotency_key`), the model (`model_not_allowed`, `model_not_found`), its length \
         (`prompt_too_long`), or its content (`request_refused`, `answer_withheld`).",
    401 "There is no token (`token_missing`), or it is invalid, expired, revoked (`token_invalid`, `token_expired`, `token_ended`), or of \
         another kind (`api_key_not_accepted`, `ticket_not_accepted`); or \
         the model's provider refuses the API key, even after a refresh (`invalid_api_key`).",
    404 "The account has no such chat (`chat_not_found`).",
    409 "The turn of this `Idempotency-Key` was cut off before it was answered (`turn_interrupted`); the chat was \
         cleared or deleted meanwhile (`chat_changed`); the account may store no more (`storage_full`); or its persona was removed (`persona_gone`).",
    413 "The body is larger than 17 MiB, or its text than 1 MiB (`body_too_large`).",
    415 "The body is not JSON (`unsupported_media_type`).",
} }

with_unread_fields! {
    /// A new message of a stored chat. A text or an image is required.
    #[derive(Debug, Default, Deserialize, Object)]
    #[serde(default)]
    #[oai(rename = "SendMessageRequest", example, nullable_all, skip_serializing_if_is_none)]
    struct SendRequest {
        /// The text of the message, at most 1 MiB.
        text: Option<String>,
        /// The same as `text`.
        #[oai(deprecated)]
        message: Option<String>,
        /// The transcript of a voice recording. It is added to the text, or replaces an empty one.
        #[oai(deprecated)]
        voice_text: Option<String>,
        /// An image for models with vision (PNG, JPEG, GIF, WebP; at most 12 MiB): an https address on the public
        /// internet, a data URL, or base64 alone.
        image_url: Option<String>,
        /// The same as `image_url`.
        #[oai(deprecated)]
        image: Option<String>,
        /// The model that answers, one of the models that the operator allows.
        model: Option<String>,
        /// Whether the response is a stream of events, as with `POST /api/chat`; without this field, `Accept`
        /// decides.
        stream: Option<bool>,
    } unread {
        question, history, messages, images, files, attached_files, attached_content,
    }
}

pub(in crate::api) struct SendMessageApi;

#[OpenApi(prefix_path = "/api/messages", tag = "Group::Messages")]
impl SendMessageApi {
    /// Send a message
    ///
    /// Adds a message to the chat and answers it, with as much of the chat's history as the model can read. Messages
    /// of one chat are answered one after the other. If the turn fails, the message stays with the status `failed`
    /// and can be retried; the error's `details.user_message_id` is its number.
    ///
    /// Streams, `Idempotency-Key`, stop and resume are the same as with `POST /api/chat`.
    #[oai(path = "/:chat_id/send", method = "post", operation_id = "sendMessage")]
    #[expect(clippy::too_many_arguments, reason = "one argument for each part of the request")]
    async fn send(
        &self,
        Data(state): Data<&AppState>,
        Data(context): Data<&RequestContext>,
        request: &Request,
        from: AskedFrom,
        RequiredAccount(signed_in): RequiredAccount,
        /// The chat's number.
        Path(chat_id): Path<i64>,
        /// The session of this turn, for the session log.
        #[oai(name = "X-Session-ID")]
        TextHeader(session): TextHeader,
        /// A key that the client chooses for this turn and sends again with each repetition: 1 to 255 visible ASCII
        /// characters, best a random UUID. It is valid for a day.
        #[oai(name = "Idempotency-Key")]
        TextHeader(idempotency_key): TextHeader,
        Json(body): Json<SendRequest, MAX_BODY_BYTES>,
    ) -> Result<Reply<MessageExchange>, SendFailure> {
        let headers = TurnHeaders::read(request, session, idempotency_key)?;
        let (turn, stored_chat, message) =
            new_message(state, context, from, signed_in.account, headers, chat_id, body).await?;
        Ok(turn.reply(stored_chat, message).await?)
    }

    /// Send a message, with a stream as the response
    ///
    /// Starts the same turn as `POST /api/messages/{chat_id}/send`, with a stream as the response, whatever `stream`
    /// says.
    #[oai(path = "/:chat_id/send/stream", method = "post", operation_id = "sendMessageStream")]
    #[expect(clippy::too_many_arguments, reason = "one argument for each part of the request")]
    async fn send_stream(
        &self,
        Data(state): Data<&AppState>,
        Data(context): Data<&RequestContext>,
        request: &Request,
        from: AskedFrom,
        RequiredAccount(signed_in): RequiredAccount,
        /// The chat's number.
        Path(chat_id): Path<i64>,
        /// The session of this turn, for the session log.
        #[oai(name = "X-Session-ID")]
        TextHeader(session): TextHeader,
        /// A key that the client chooses for this turn and sends again with each repetition: 1 to 255 visible ASCII
        /// characters, best a random UUID. It is valid for a day.
        #[oai(name = "Idempotency-Key")]
        TextHeader(idempotency_key): TextHeader,
        Json(body): Json<SendRequest, MAX_BODY_BYTES>,
    ) -> Result<EventStream, SendFailure> {
        let headers = TurnHeaders::read(request, session, idempotency_key)?;
        let (turn, stored_chat, message) =
            new_message(state, context, from, signed_in.account, headers, chat_id, body).await?;
        Ok(turn.stream(stored_chat, message).await?)
    }
}

/// Validates a new message, and returns the turn that answers it.
async fn new_message<'a>(
    state: &'a AppState,
    context: &'a RequestContext,
    from: AskedFrom,
    account: Account,
    headers: TurnHeaders,
    chat_id: i64,
    request: SendRequest,
) -> Result<(MessageTurn<'a>, StoredChatTurn, Message), Problem> {
    let (owner, chat) = (account.id, ChatId(chat_id));
    let text = single_value([("text", request.text), ("message", request.message)])?.unwrap_or_default();
    let text = prompt::with_voice(text, request.voice_text);
    if text.len() > MAX_TEXT_BYTES {
        let problem = Problem::new(&requests::BODY_TOO_LARGE).with_sentence("text must have at most 1 MiB");
        return Err(problem.with_field("text").with_detail("limit_bytes", MAX_TEXT_BYTES.into()));
    }
    let message = Message::new(Role::User, text).with_images(image(request.image_url, request.image)?);
    if message.is_blank() {
        return Err(Problem::new(&resources::TEXT_REQUIRED));
    }
    let persona = state.storage.chat(owner, chat).await?.ok_or_else(chat_not_found)?.persona;
    let turn =
        MessageTurn { state, context, from, account, headers, persona, model: request.model, stream: request.stream };
    Ok((turn, StoredChatTurn { owner, chat, retry_of: None }, message))
}

impl Example for SendRequest {
    fn example() -> Self {
        Self { text: Some("What are your opening hours?".to_owned()), ..Self::default() }
    }
}
