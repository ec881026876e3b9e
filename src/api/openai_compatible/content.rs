//! The content of a message in OpenAI's form: a text, or parts, which are texts and images.

use std::fmt;

use poem_openapi::{Enum, Object};
use serde::{Deserialize, Deserializer, de};

use super::{known_fields::KnownFields, refusal::invalid, text_or_list::TextOrList};
use crate::{
    api::{json::unsupported_field, problem::Problem},
    domain::chat::{Image, ImageDetail},
};

/// The text between the texts of two parts.
const SEPARATOR: &str = "\n\n";

/// The content of a message: a text, or a list of parts.
pub(super) type Content = TextOrList<Part>;

/// A part of a message's content.
#[derive(Debug, Deserialize, Object)]
#[serde(remote = "Self")]
#[oai(rename = "ChatCompletionContentPart")]
pub(super) struct Part {
    /// `text` or `image_url`.
    #[serde(rename = "type")]
    #[oai(rename = "type")]
    kind: PartKind,
    /// The text of a part `text`.
    #[oai(nullable)]
    text: Option<String>,
    /// The image of a part `image_url`.
    image_url: Option<ImageUrl>,
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::deserialize(KnownFields(from))
    }
}

/// An image of a message.
#[derive(Debug, Deserialize, Object)]
#[oai(rename = "ChatCompletionImageUrl")]
struct ImageUrl {
    /// The image: an https address on the public internet, or a data URL (PNG, JPEG, GIF, WebP; at most 12 MiB).
    url: String,
    /// The resolution at which the model reads the image, which sets the tokens that the image costs.
    detail: Option<Detail>,
}

/// The resolution at which a model reads an image: `low`, `high`, or chosen by the provider (`auto`).
#[derive(Clone, Copy, Debug, Deserialize, Enum, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
#[oai(rename = "ChatCompletionImageDetail", rename_all = "lowercase")]
enum Detail {
    Auto,
    Low,
    High,
}

impl From<Detail> for ImageDetail {
    fn from(detail: Detail) -> Self {
        match detail {
            Detail::Auto => Self::Auto,
            Detail::Low => Self::Low,
            Detail::High => Self::High,
        }
    }
}

/// The kind of a part.
#[derive(Clone, Copy, Debug, Deserialize, Enum, Eq, PartialEq)]
#[serde(try_from = "String")]
#[oai(rename = "ChatCompletionContentPartType", rename_all = "snake_case")]
enum PartKind {
    Text,
    ImageUrl,
}

impl TryFrom<String> for PartKind {
    type Error = UnsupportedKind;

    fn try_from(kind: String) -> Result<Self, UnsupportedKind> {
        match kind.as_str() {
            "text" => Ok(Self::Text),
            "image_url" => Ok(Self::ImageUrl),
            _ => Err(UnsupportedKind),
        }
    }
}

/// The error of a part that is neither a text nor an image.
struct UnsupportedKind;

impl fmt::Display for UnsupportedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        unsupported_field::<de::value::Error>("", "may only be `text` or `image_url` here").fmt(f)
    }
}

impl Content {
    /// Returns the texts as one, and the images.
    pub(super) fn into_text_and_images(self) -> Result<(String, Vec<Image>), Problem> {
        let parts = match self {
            Self::Text(text) => return Ok((text, Vec::new())),
            Self::List(parts) => parts,
        };
        let (mut texts, mut images) = (Vec::new(), Vec::new());
        for part in parts {
            match (part.kind, part.text, part.image_url) {
                (PartKind::Text, Some(text), None) => texts.push(text),
                (PartKind::ImageUrl, None, Some(ImageUrl { url, detail })) => {
                    images.push(Image::read(&url)?.with_detail(detail.map(Into::into)));
                }
                _ => {
                    return Err(invalid(
                        "messages",
                        "must have parts with either `text` or `image_url`, as their `type` says",
                    ));
                }
            }
        }
        Ok((texts.join(SEPARATOR), images))
    }
}
