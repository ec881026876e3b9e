//! The files of exported chats: JSON, and Markdown for people.

use std::fmt::Write;

use poem::{
    IntoResponse, Response,
    http::{HeaderValue, header},
};
use poem_openapi::{
    ApiResponse, Enum,
    registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchemaRef, Registry},
    types::Type,
};

use super::body::WholeChat;
use crate::api::json::{Json, MEDIA_TYPE};

/// The media type of Markdown (RFC 7763).
const MARKDOWN: &str = "text/markdown; charset=utf-8";

/// The format of an exported chat.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq)]
#[oai(rename = "ExportFormat", rename_all = "lowercase")]
pub(super) enum Format {
    /// For programs.
    Json,
    /// For people.
    Markdown,
}

/// An exported chat in the requested format, as a response.
pub(super) struct Export {
    pub(super) chat: WholeChat,
    pub(super) format: Format,
}

impl IntoResponse for Export {
    fn into_response(self) -> Response {
        let name = format!("attachment; filename=\"chat-{}", self.chat.summary.id);
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

/// Returns a chat as Markdown: its title, then each message under its sender and its time.
fn markdown(chat: &WholeChat) -> String {
    let mut text = format!("# {}\n", chat.summary.title);
    for message in &chat.messages {
        let speaker = if message.sender.as_str() == "user" { "You" } else { "Bot" };
        // Writing to a string does not fail.
        let _ = write!(text, "\n**{speaker}**, {}", message.created_at);
        let status = message.status.as_str();
        if status != "complete" {
            let _ = write!(text, " ({status})");
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
        MetaResponses { responses: vec![file("The chat as a file.", MEDIA_TYPE, WholeChat::schema_ref())] }
    }

    fn register(registry: &mut Registry) {
        WholeChat::register(registry);
    }
}

/// An exported chat as Markdown, as a response.
pub(super) struct MarkdownExport(pub(super) WholeChat);

impl IntoResponse for MarkdownExport {
    fn into_response(self) -> Response {
        Export { chat: self.0, format: Format::Markdown }.into_response()
    }
}

impl ApiResponse for MarkdownExport {
    fn meta() -> MetaResponses {
        MetaResponses { responses: vec![file("The chat as Markdown.", "text/markdown", String::schema_ref())] }
    }

    fn register(_: &mut Registry) {}
}

/// Returns the response for the contract: a file with its name in `Content-Disposition`.
fn file(description: &'static str, content_type: &'static str, schema: MetaSchemaRef) -> MetaResponse {
    let name = MetaHeader {
        name: "Content-Disposition".to_owned(),
        description: Some("The file's name.".to_owned()),
        required: true,
        deprecated: false,
        schema: String::schema_ref(),
    };
    let content = vec![MetaMediaType { content_type, schema }];
    MetaResponse { description, status: Some(200), status_range: None, content, headers: vec![name] }
}
