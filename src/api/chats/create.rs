//! `POST /api/chat/create`: a new chat.

use poem::web::Data;
use poem_openapi::{Object, OpenApi, types::Example};
use serde::Deserialize;

use super::body::WholeChat;
use crate::{
    adapters::storage::ChatCreation,
    api::{
        AppState, Group,
        caller::RequiredAccount,
        json::{Created, OptionalJson},
        personas::named_persona,
        problem::{Problem, failures},
        unread_field::with_unread_fields,
    },
    domain::{errors::resources, title::Title},
    services::accounts::AccountFailure,
};

failures! { CreateFailure, signed in with a body {
    400 "The body is not valid JSON (`invalid_json`) or not whole (`body_incomplete`), the title is invalid (`invalid_request`, `invalid_title`), or there \
         is no such persona (`persona_not_found`).",
    409 "The account has as many chats as it may store (`too_many_chats`).",
    413 "The body is larger than 1 MiB (`body_too_large`).",
} }

with_unread_fields! {
    /// The properties of a new chat, all of them optional.
    #[derive(Debug, Default, Deserialize, Object)]
    #[serde(default)]
    #[oai(rename = "CreateChatRequest", example, nullable_all, skip_serializing_if_is_none)]
    struct CreateRequest {
        /// 1 to 200 characters in one line. Without one, the chat is called `New Chat` until its first message gives it a
        /// title.
        title: Option<String>,
        /// The id of the persona that answers in this chat, from `GET /api/personas`; without one, the persona that
        /// the operator has chosen answers, or the model without a persona.
        persona: Option<String>,
    } unread {
        text, message, question, voice_text, image, image_url, history, messages, images, files, attached_files, attached_content,
    }
}

pub(in crate::api) struct CreateChatApi;

#[OpenApi(prefix_path = "/api/chat", tag = "Group::Chats")]
impl CreateChatApi {
    /// Create a chat
    ///
    /// No body is needed. A chat without a title is called `New Chat` until its first message gives it one.
    #[oai(path = "/create", method = "post", operation_id = "createChat")]
    async fn create(
        &self,
        Data(state): Data<&AppState>,
        RequiredAccount(signed_in): RequiredAccount,
        OptionalJson(request): OptionalJson<CreateRequest>,
    ) -> Result<Created<WholeChat>, CreateFailure> {
        // The default title, sent back by a client, does not count as a title.
        let given = request.title.filter(|title| !matches!(title.trim(), "" | Title::NEW));
        let title = given.as_deref().map(Title::parse).transpose()?;
        let persona = named_persona(state, request.persona.as_deref())?;
        let persona = persona.as_ref().map(|persona| persona.id.as_str());
        let (owner, now) = (signed_in.account.id, state.clock.now());
        let max_chats = state.config.quotas.chats;
        match state.storage.create_chat(owner, title.as_ref(), persona, now, max_chats).await? {
            ChatCreation::Created(chat) => Ok(Created(WholeChat::empty(chat, owner, &state.clock))),
            ChatCreation::TooMany => {
                let problem = Problem::new(&resources::TOO_MANY_CHATS).with_detail("max_chats", max_chats.into());
                Err(problem.into())
            }
            ChatCreation::NoOwner => Err(AccountFailure::EndedToken.into()),
        }
    }
}

impl Example for CreateRequest {
    fn example() -> Self {
        let (title, persona) = (Some("Opening hours".to_owned()), Some("assistant".to_owned()));
        Self { title, persona, ..Self::default() }
    }
}
