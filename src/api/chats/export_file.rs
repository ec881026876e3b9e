//! The files of exported chats: JSON, and Markdown for people.

use std::fmt::Write;

use poem::http::{HeaderValue, header};
use poem_openapi::{
    ApiResponse, Enum,
    registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchemaRef, Registry},
    types::Type,
};

use super::body::WholeChat;
use crate::{
    api::{
        AppState,
        json::MEDIA_TYPE,
        messages::MessageBody,
        problem::Problem,
        streamed::{Frame, Listing, Streamed},
    },
    domain::{account::OwnerId, client_ip::ClientIp},
};

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

/// The contract of a chat as a file.
pub(super) struct Export;

/// The contract of a chat as a Markdown file.
pub(super) struct MarkdownExport;

/// Returns the response with one of the owner's chats as a file.
pub(super) async fn file<T>(
    state: &AppState,
    client: ClientIp,
    owner: OwnerId,
    id: i64,
    format: Format,
) -> Result<Streamed<T>, Problem> {
    let (response, extension) = match format {
        Format::Json => (WholeChat::respond(state, client, owner, id).await?, "json"),
        Format::Markdown => {
            let (chat, list) = WholeChat::read(state, owner, id).await?;
            let before = format!("# {}\n", chat.title);
            let frame = Frame { media_type: MARKDOWN, before, between: "", after: "" };
            let clock = state.clock.clone();
            let encode = move |_, message| markdown(&MessageBody::new(message, owner, &clock));
            (Listing { frame, list, encode }.respond(state, client).await?, "md")
        }
    };
    let name = format!("attachment; filename=\"chat-{id}.{extension}\"");
    Ok(response.with_header(header::CONTENT_DISPOSITION, HeaderValue::from_str(&name).ok()))
}

/// Returns a message as Markdown: its text under its sender and its time.
fn markdown(message: &MessageBody) -> String {
    let speaker = if message.sender.as_str() == "user" { "You" } else { "Bot" };
    let mut text = format!("\n**{speaker}**, {}", message.created_at);
    // Writing to a string does not fail.
    let status = message.status.as_str();
    if status != "complete" {
        let _ = write!(text, " ({status})");
    }
    let _ = write!(text, "\n\n{}\n", message.text.trim_end());
    if let Some(image) = &message.image_url {
        let _ = write!(text, "\n![An image]({image})\n");
    }
    if let Some(sources) = &message.sources {
        text.push_str("\nSources:\n\n");
        text.extend(sources.iter().map(|source| format!("- {}\n", source.markdown_link())));
    }
    text
}

impl ApiResponse for Export {
    fn meta() -> MetaResponses {
        MetaResponses { responses: vec![described("The chat as a file.", MEDIA_TYPE, WholeChat::schema_ref())] }
    }

    fn register(registry: &mut Registry) {
        WholeChat::register(registry);
    }
}

impl ApiResponse for MarkdownExport {
    fn meta() -> MetaResponses {
        MetaResponses { responses: vec![described("The chat as Markdown.", "text/markdown", String::schema_ref())] }
    }

    fn register(_: &mut Registry) {}
}

/// Returns the response for the contract: a file with its name in `Content-Disposition`.
fn described(description: &'static str, content_type: &'static str, schema: MetaSchemaRef) -> MetaResponse {
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
