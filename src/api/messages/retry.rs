//! `POST /api/messages/{message_id}/retry`: a new turn for a message whose turn failed.

use poem::{Request, web::Data};
use poem_openapi::{Object, OpenApi, param::Path, types::Example};
use serde::Deserialize;

use super::{
    by_id::message_not_found,
    turn::{MessageExchange, MessageTurn},
};
use crate::{
    adapters::storage::{MessageId, MessageStatus},
    api::{
        AppState, Group,
        caller::{AskedFrom, RequiredAccount},
        json::OptionalJson,
        problem::{Problem, failures},
        request_context::RequestContext,
        text_header::TextHeader,
        turn::{Reply, TurnHeaders},
        unread_field::with_unread_fields,
    },
    domain::{
        chat::{Image, Message, Role},
        errors::resources,
    },
    services::turn::StoredChatTurn,
};

failures! { RetryFailure, of a turn {
    400 "The request is invalid: its body (`invalid_json`, \
         `body_incomplete`), a field (`invalid_request`), the stored image, if its kind is \
         refused now (`invalid_image`, `image_not_public`), the session id (`invalid_session_id`), the `Idempotency-Key` (`invalid_idempotency_key`), the model (`model_not_allowed`, \
         `model_not_found`), the message's length (`prompt_too_long`), or its content (`request_refused`, \
         `answer_withheld`).",
    401 "There is no token (`token_missing`), or it is invalid, expired, revoked (`token_invalid`, `token_expired`, `token_ended`), or of \
         another kind (`api_key_not_accepted`, `ticket_not_accepted`); or \
         the model's provider refuses the API key, even after a refresh (`invalid_api_key`).",
    404 "The account has no such message (`message_not_found`).",
    409 "The message has not failed (`not_failed`), or was deleted or answered meanwhile (`chat_changed`); the turn \
         of this `Idempotency-Key` was cut off before it was answered (`turn_interrupted`); or the chat's persona was \
         removed (`persona_gone`).",
    413 "The body is larger than 1 MiB (`body_too_large`).",
} }

with_unread_fields! {
    /// Options for the retry of a failed message. Its text and image stay.
    #[derive(Debug, Default, Deserialize, Object)]
    #[serde(default)]
    #[oai(rename = "RetryMessageRequest", example, nullable_all, skip_serializing_if_is_none)]
    struct RetryRequest {
        /// The model that answers, one of the models that the operator allows.
        model: Option<String>,
        /// Whether the response is a stream of events; without this field, `Accept` decides.
        stream: Option<bool>,
    } unread {
        text, message, question, voice_text, image, image_url, history, messages, images, files, attached_files, attached_content,
    }
}

pub(in crate::api) struct RetryMessageApi;

#[OpenApi(prefix_path = "/api/messages", tag = "Group::Messages")]
impl RetryMessageApi {
    /// Retry a message
    ///
    /// Answers a message of the account whose turn has failed. Its position in the chat stays. No body is needed.
    /// With `"stream": true`, or an `Accept` as with `POST /api/chat`, the response is a stream.
    #[oai(path = "/:message_id/retry", method = "post", operation_id = "retryMessage")]
    #[expect(clippy::too_many_arguments, reason = "one argument for each part of the request")]
    async fn retry(
        &self,
        Data(state): Data<&AppState>,
        Data(context): Data<&RequestContext>,
        request: &Request,
        from: AskedFrom,
        RequiredAccount(signed_in): RequiredAccount,
        /// The message's number.
        Path(message_id): Path<i64>,
        /// The session of this turn, for the session log.
        #[oai(name = "X-Session-ID")]
        TextHeader(session): TextHeader,
        /// A key that the client chooses for this turn and sends again with each repetition: 1 to 255 visible ASCII
        /// characters, best a random UUID. It is valid for a day.
        #[oai(name = "Idempotency-Key")]
        TextHeader(idempotency_key): TextHeader,
        OptionalJson(body): OptionalJson<RetryRequest>,
    ) -> Result<Reply<MessageExchange>, RetryFailure> {
        let account = signed_in.account;
        let owner = account.id;
        let headers = TurnHeaders::read(request, session, idempotency_key)?;
        let stored = state.storage.message(owner, MessageId(message_id)).await?.ok_or_else(message_not_found)?;
        // A repeated request finds its turn by the idempotency key, even if the message is answered by now.
        if stored.status != MessageStatus::Failed && headers.idempotency_key.is_none() {
            return Err(Problem::new(&resources::NOT_FAILED).into());
        }
        let image = stored.image.as_deref().map(Image::parse).transpose()?;
        let message = Message::new(Role::User, stored.text).with_images(image);
        let persona = state.storage.chat(owner, stored.chat).await?.ok_or_else(message_not_found)?.persona;
        let (model, stream) = (body.model, body.stream);
        let turn = MessageTurn { state, context, from, account, headers, persona, model, stream };
        let stored_chat = StoredChatTurn { owner, chat: stored.chat, retry_of: Some(stored.id) };
        Ok(turn.reply(stored_chat, message).await?)
    }
}

impl Example for RetryRequest {
    fn example() -> Self {
        Self { model: Some("gpt-4o-mini".to_owned()), ..Self::default() }
    }
}
