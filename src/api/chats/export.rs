//! A chat as a file.

use std::fmt::Write;

use poem::{
    IntoResponse, Response,
    http::{HeaderValue, header},
};
use poem_openapi::{
    ApiResponse, Enum,
    registry::{MetaMediaType, MetaResponse, MetaResponses, Registry},
    types::Type,
};

use super::WholeChat;
use crate::api::json::{Json, MEDIA_TYPE};

/// The media type of Markdown (RFC 7763).
const MARKDOWN: &str = "text/markdown; charset=utf-8";

/// The form of an exported chat.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
#[oai(rename = "ExportFormat", rename_all = "lowercase")]
pub(super) enum Format {
    /// For programs.
    Json,
    /// For people.
    Markdown,
}

/// A chat to be saved.
pub(super) struct Export {
    pub(super) chat: WholeChat,
    pub(super) format: Format,
}

impl IntoResponse for Export {
    fn into_response(self) -> Response {
        let name = format!("attachment; filename=\"chat-{}", self.chat.id);
        let (mut response, name) = match self.format {
            Format::Json => (Json(self.chat).into_response(), format!("{name}.json\"")),
            Format::Markdown => {
                let response = Response::builder().header(header::CONTENT_TYPE, MARKDOWN).body(markdown(&self.chat));
                (response, format!("{name}.md\""))
            }
        };
        if let Ok(name) = HeaderValue::from_str(&name) {
            response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
        }
        response
    }
}

/// The chat for people: its title, then each message under who said it, and when.
fn markdown(chat: &WholeChat) -> String {
    let mut text = format!("# {}\n", chat.title);
    for message in &chat.messages {
        let speaker = if message.sender == "user" { "You" } else { "Bot" };
        // Writing to a string does not fail.
        let _ = write!(text, "\n**{speaker}**, {}", message.created_at);
        if message.status != "complete" {
            let _ = write!(text, " ({})", message.status);
        }
        let _ = write!(text, "\n\n{}\n", message.text.trim_end());
        if let Some(image) = &message.image_url {
            let _ = write!(text, "\n![An image]({image})\n");
        }
    }
    text
}

impl ApiResponse for Export {
    fn meta() -> MetaResponses {
        let media = |content_type, schema| MetaMediaType { content_type, schema };
        MetaResponses {
            responses: vec![MetaResponse {
                description: "The chat as a file.",
                status: Some(200),
                status_range: None,
                content: vec![media(MEDIA_TYPE, WholeChat::schema_ref()), media("text/markdown", String::schema_ref())],
                headers: Vec::new(),
            }],
        }
    }

    fn register(registry: &mut Registry) {
        WholeChat::register(registry);
    }
}
