//! The request body of a chat turn.

use std::sync::Arc;

use poem_openapi::{Enum, Object, types::Example};
use serde::Deserialize;

use crate::{
    api::{
        AppState,
        caller::{AskedFrom, Identity},
        field_aliases::{image, single_value},
        json::{last_objects, objects},
        problem::Problem,
        request_context::RequestContext,
        turn::{TurnHeaders, named_model, named_session},
        unread_field::with_unread_fields,
    },
    domain::{
        chat::{Message, Role},
        errors::{requests, resources},
        persona::Persona,
        prompt::{self, AttachedFile},
    },
    services::turn::TurnRequest,
};

/// The largest request body, in bytes: enough for ten attached files of 1 MB with JSON escapes.
pub(super) const MAX_BODY_BYTES: usize = 32 << 20;

/// The longest user name, in characters.
const LONGEST_NAME: usize = 200;

/// The question about an image that is sent without one.
const QUESTION: &str = "What is in this image?";

with_unread_fields! {
    /// A question to the model. A message, a file or an image is required.
    #[derive(Debug, Default, Deserialize, Object)]
    #[serde(default)]
    #[oai(example, nullable_all, skip_serializing_if_is_none)]
    pub(super) struct ChatRequest {
        /// The visitor's message.
        message: Option<String>,
        /// The same as `message`.
        #[oai(deprecated)]
        question: Option<String>,
        /// The same as `message`.
        #[oai(deprecated)]
        text: Option<String>,
        /// The transcript of a voice recording. It is added to the message, or replaces an empty one.
        #[oai(deprecated)]
        voice_text: Option<String>,
        /// An image for models with vision (PNG, JPEG, GIF, WebP; at most 12 MiB): an https address on the public
        /// internet, a data URL, or base64 alone. The images of one turn are on at most 16 different hosts.
        image: Option<String>,
        /// The same as `image`.
        image_url: Option<String>,
        /// The earlier messages of the conversation, the oldest first. Of more than 10,000 the last ones are read.
        #[serde(deserialize_with = "last_objects")]
        history: Option<Vec<HistoryEntry>>,
        /// The model that answers, one of the models that the operator allows.
        model: Option<String>,
        /// The id of the persona that answers, from `GET /api/personas`; without one, the persona that the operator has
        /// chosen answers, or the model without a persona.
        persona: Option<String>,
        /// Text files that the visitor has attached, at most 10,000.
        #[serde(deserialize_with = "objects")]
        attached_files: Option<Vec<File>>,
        /// The text of one attached file, the older form. It is added to `attached_files`, unless it is one of them.
        attached_content: Option<String>,
        /// The name of the file in `attached_content`.
        attached_filename: Option<String>,
        /// The visitor's name at the site.
        #[oai(validator(max_length = 200))]
        username: Option<String>,
        /// Whether the visitor is a guest. Without a user name it is always true.
        #[serde(rename = "isGuest")]
        #[oai(rename = "isGuest")]
        is_guest_camel: Option<bool>,
        /// The same as `isGuest`.
        is_guest: Option<bool>,
        /// The session of this turn. The header `X-Session-ID` takes precedence.
        #[serde(rename = "sessionId")]
        #[oai(rename = "sessionId")]
        session_id_camel: Option<String>,
        /// The same as `sessionId`.
        #[oai(validator(pattern = "^[A-Za-z0-9.:_-]{0,128}$"))]
        session_id: Option<String>,
        /// Whether the response is a stream of events; without this field, `Accept` decides.
        stream: Option<bool>,
    } unread { messages, images, files }
}

/// An earlier message of the conversation.
#[derive(Debug, Deserialize, Object)]
#[oai(rename = "HistoryEntry")]
struct HistoryEntry {
    /// The author of the message.
    role: HistoryRole,
    /// The text of the message.
    #[oai(nullable)]
    content: Option<String>,
    /// The image of the message, in one of the forms of a request's `image`.
    #[oai(nullable)]
    image: Option<String>,
    /// The same as `image`.
    #[oai(nullable)]
    image_url: Option<String>,
}

/// The author of a message: the visitor or the model.
#[derive(Clone, Copy, Debug, Deserialize, Enum, Eq, PartialEq)]
#[serde(try_from = "String")]
#[oai(rename = "HistoryRole", rename_all = "lowercase")]
enum HistoryRole {
    User,
    Assistant,
}

impl TryFrom<String> for HistoryRole {
    type Error = &'static str;

    fn try_from(role: String) -> Result<Self, Self::Error> {
        match role.as_str() {
            "user" => Ok(Self::User),
            "assistant" => Ok(Self::Assistant),
            _ => Err("expected `user` or `assistant`"),
        }
    }
}

with_unread_fields! {
    /// An attached text file.
    #[derive(Debug, Deserialize, Object)]
    #[oai(rename = "AttachedFile")]
    struct File {
        /// The file's name; `file` if it is missing.
        #[oai(nullable)]
        name: Option<String>,
        /// The file's text.
        content: String,
    } unread { text, data }
}

impl ChatRequest {
    /// Returns the name of the persona that the request names.
    pub(super) fn persona(&self) -> Option<&str> {
        self.persona.as_deref()
    }

    /// Adds the default question to a request without one, and returns the request and its question. Fails without an image.
    pub(super) fn about_image(mut self) -> Result<(Self, String), Problem> {
        let is_blank = |field: &Option<String>| field.as_deref().is_none_or(|text| text.trim().is_empty());
        if is_blank(&self.image) && is_blank(&self.image_url) {
            return Err(Problem::new(&resources::IMAGE_REQUIRED));
        }
        let text = self.take_text()?;
        let question = if text.trim().is_empty() { QUESTION.to_owned() } else { text };
        Ok((Self { message: Some(question.clone()), ..self }, question))
    }

    /// Takes the message from the field that holds it, and appends the transcript of a spoken message.
    fn take_text(&mut self) -> Result<String, Problem> {
        let names = [("message", self.message.take()), ("question", self.question.take()), ("text", self.text.take())];
        Ok(prompt::with_voice(single_value(names)?.unwrap_or_default(), self.voice_text.take()))
    }

    /// Converts the request into the request of a turn.
    pub(super) fn into_turn_request(
        mut self,
        state: &AppState,
        headers: TurnHeaders,
        context: &RequestContext,
        from: AskedFrom,
        identity: &Identity,
        persona: Option<Arc<Persona>>,
    ) -> Result<TurnRequest, Problem> {
        let username = self.username.as_deref();
        if username.is_some_and(|name| name.chars().count() > LONGEST_NAME) {
            let error = "username must have at most 200 characters";
            return Err(Problem::new(&requests::INVALID_REQUEST).with_sentence(error));
        }
        let caller = identity.caller(username, self.is_guest_camel.or(self.is_guest));
        context.note_caller(&caller);
        let session_id = named_session([headers.session, self.session_id_camel.take(), self.session_id.take()])?;
        context.note_session(session_id.as_ref());
        let id = identity.asker_id(session_id.as_ref(), &state.sessions);
        let asker = from.asker_for(identity.tenant(), id, context);
        let message = self.take_text()?;
        let files = attached(self.attached_files, self.attached_content, self.attached_filename);
        let history = self.history.unwrap_or_default().into_iter().map(Message::try_from);
        let history = history.collect::<Result<Vec<_>, _>>()?;
        let image = image(self.image_url, self.image)?;
        let messages = prompt::conversation(history, &files, &message, Vec::from_iter(image))?;
        Ok(TurnRequest {
            request_id: context.id.clone(),
            arrived: context.arrived,
            caller,
            session_id,
            asker,
            stored_chat: None,
            model: named_model(self.model),
            persona,
            language: headers.language,
            context: None,
            server_instruction: None,
            options: None,
            messages,
            stream: self.stream.unwrap_or(headers.accepts_events),
            is_model_test: false,
            idempotency_key: headers.idempotency_key,
            trace: context.trace(),
            body: context.take_body(),
        })
    }
}

fn attached(files: Option<Vec<File>>, content: Option<String>, name: Option<String>) -> Vec<AttachedFile> {
    let named = |name: Option<String>| {
        // The prompt has the name within a line, so it must not contain line breaks.
        let name = name.unwrap_or_default().replace(['\r', '\n'], " ");
        let name = name.trim();
        if name.is_empty() { "file".to_owned() } else { name.to_owned() }
    };
    let file = |File { name, content, .. }| AttachedFile { name: named(name), content };
    let mut files = files.unwrap_or_default().into_iter().map(file).collect::<Vec<_>>();
    let content = content.filter(|content| !content.trim().is_empty());
    // Some clients send the same file in both forms.
    if let Some(content) = content.filter(|content| files.iter().all(|file| file.content != *content)) {
        files.push(AttachedFile { name: named(name), content });
    }
    files
}

impl TryFrom<HistoryEntry> for Message {
    type Error = Problem;

    fn try_from(entry: HistoryEntry) -> Result<Self, Problem> {
        let role = match entry.role {
            HistoryRole::User => Role::User,
            HistoryRole::Assistant => Role::Assistant,
        };
        let image = image(entry.image_url, entry.image)?;
        if role == Role::Assistant && image.is_some() {
            let error = "Only what the user said may have an image in the history";
            return Err(Problem::new(&requests::INVALID_REQUEST).with_sentence(error));
        }
        Ok(Self::new(role, entry.content.unwrap_or_default()).with_images(image))
    }
}

impl Example for ChatRequest {
    fn example() -> Self {
        Self {
            message: Some("What are your opening hours?".to_owned()),
            session_id_camel: Some("session_20261121_093000_k3vq8mzt5wxnp2ra".to_owned()),
            username: Some("ada".to_owned()),
            is_guest_camel: Some(false),
            ..Self::default()
        }
    }
}
