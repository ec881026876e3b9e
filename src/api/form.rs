//! Parsing of form bodies: `multipart/form-data` (RFC 7578) and `application/x-www-form-urlencoded` (WHATWG URL, 5).

use bytes::Bytes;
use futures_util::stream;
use multer::Multipart;
use url::form_urlencoded;

use super::problem::Problem;
use crate::domain::errors::requests;

/// The maximum number of fields in a form.
const MAX_FIELDS: usize = 100;

/// The encoding of a form.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `multipart/form-data`.
    Multipart {
        /// The text that separates the parts.
        boundary: String,
    },
    /// `application/x-www-form-urlencoded`.
    UrlEncoded,
}

/// A field of a form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// The name of the field.
    pub(super) name: String,
    /// The content of the field.
    pub(super) value: FieldValue,
}

/// The value of a form's field.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FieldValue {
    /// A text.
    Text(String),
    /// The content of a file.
    File(Bytes),
}

impl FieldValue {
    /// Whether the value is blank or empty, as that of an input without an entry.
    pub(super) fn is_blank(&self) -> bool {
        match self {
            Self::Text(text) => text.trim().is_empty(),
            Self::File(content) => content.is_empty(),
        }
    }
}

impl Form {
    /// Parses the encoding of a form from a `Content-Type`. Returns `None` for other media types, and fails for a multipart
    /// form without a boundary.
    pub(super) fn from_content_type(media_type: &str) -> Result<Option<Self>, Problem> {
        let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/x-www-form-urlencoded" => Ok(Some(Self::UrlEncoded)),
            "multipart/form-data" => {
                let boundary = multer::parse_boundary(media_type);
                let boundary = boundary.map_err(|_| invalid("Its Content-Type lacks the boundary"))?;
                Ok(Some(Self::Multipart { boundary }))
            }
            _ => Ok(None),
        }
    }

    /// Parses the fields of a form, in their order.
    pub(super) async fn parse(self, body: Vec<u8>) -> Result<Vec<Field>, Problem> {
        match self {
            Self::UrlEncoded => parse_url_encoded(&body),
            Self::Multipart { boundary } => parse_multipart(body.into(), boundary).await,
        }
    }
}

fn parse_url_encoded(body: &[u8]) -> Result<Vec<Field>, Problem> {
    let mut fields = Vec::new();
    for (name, text) in form_urlencoded::parse(body) {
        push(&mut fields, Field { name: name.into_owned(), value: FieldValue::Text(text.into_owned()) })?;
    }
    Ok(fields)
}

/// Parses a multipart body that was read whole, within the limit for bodies. The parser itself has no limit.
async fn parse_multipart(body: Bytes, boundary: String) -> Result<Vec<Field>, Problem> {
    let body = stream::once(async move { Ok::<_, std::convert::Infallible>(body) });
    let mut parts = Multipart::new(body, boundary);
    let mut fields = Vec::new();
    while let Some(part) = parts.next_field().await.map_err(|_| malformed())? {
        let name = part.name().unwrap_or_default().to_owned();
        let value = if is_file(&part) {
            FieldValue::File(part.bytes().await.map_err(|_| malformed())?)
        } else {
            FieldValue::Text(part.text().await.map_err(|_| malformed())?)
        };
        push(&mut fields, Field { name, value })?;
    }
    Ok(fields)
}

fn is_file(part: &multer::Field<'_>) -> bool {
    let is_text = part.content_type().is_none_or(|kind| kind.type_() == "text" || kind.subtype() == "json");
    part.file_name().is_some() || !is_text
}

fn push(fields: &mut Vec<Field>, field: Field) -> Result<(), Problem> {
    if fields.len() >= MAX_FIELDS {
        return Err(invalid("It has too many fields"));
    }
    fields.push(field);
    Ok(())
}

fn malformed() -> Problem {
    invalid("Its parts are malformed, or the last one is cut off")
}

fn invalid(reason: &str) -> Problem {
    let sentence = format!("The body is not a valid form: {reason}");
    Problem::new(&requests::INVALID_FORM).with_sentence(sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str, text: &str) -> Field {
        Field { name: name.to_owned(), value: FieldValue::Text(text.to_owned()) }
    }

    async fn parse(media_type: &str, body: &[u8]) -> Result<Vec<Field>, &'static str> {
        let form = Form::from_content_type(media_type).map_err(|problem| problem.code)?.expect("a form");
        form.parse(body.to_vec()).await.map_err(|problem| problem.code)
    }

    #[tokio::test]
    async fn parts_are_texts_or_files() {
        let body = b"preamble\r\n--b\r\nContent-Disposition: form-data; name=\"question\"\r\n\r\nWhat? \xc3\xa9\r\n\
            --b\r\ncontent-disposition: form-data; name=\"image\"; filename=\"a b.png\"\r\n\
            Content-Type: image/png\r\n\r\n\x89PNG\r\n\xff--b\r\n\r\n\
            --b\r\nContent-Disposition: form-data; name=\"blob\"\r\nContent-Type: application/octet-stream\r\n\r\n\x00\r\n\
            --b\r\nContent-Disposition: form-data; name=\"latin\"\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\n\
            \xe9\r\n--b--\r\nepilogue";
        let file = |name: &str, bytes: &'static [u8]| Field {
            name: name.to_owned(),
            value: FieldValue::File(Bytes::from_static(bytes)),
        };
        let expected = [
            text("question", "What? é"),
            file("image", b"\x89PNG\r\n\xff--b\r\n"),
            file("blob", b"\0"),
            text("latin", "é"),
        ];
        for media_type in ["multipart/form-data; boundary=b", "Multipart/Form-Data;charset=utf-8;boundary=\"b\""] {
            assert_eq!(parse(media_type, body).await.as_deref(), Ok(&expected[..]), "{media_type}");
        }
    }

    #[tokio::test]
    async fn pairs_are_decoded() {
        let media_type = "application/x-www-form-urlencoded; charset=UTF-8";
        let fields = parse(media_type, b"question=a+b%20%26%C3%A9&image=&image=x%2By&%ff=").await.unwrap();
        let expected = [text("question", "a b &é"), text("image", ""), text("image", "x+y"), text("\u{fffd}", "")];
        assert_eq!(fields, expected);
        assert_eq!(parse(media_type, b"").await.unwrap(), []);
    }

    #[tokio::test]
    async fn malformed_forms_are_refused() {
        let multipart = "multipart/form-data; boundary=b";
        let part = "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n";
        for body in ["", "hello", "--b", "--b\r\n\r\n", part, "--c\r\n\r\n--c--", "--b\r\nnonsense\r\n\r\n1\r\n--b--"] {
            assert_eq!(parse(multipart, body.as_bytes()).await, Err("invalid_form"), "{body:?}");
        }
        let many = format!("{}--b--", part.repeat(MAX_FIELDS + 1));
        assert_eq!(parse(multipart, many.as_bytes()).await, Err("invalid_form"));
        let many = "a=1&".repeat(MAX_FIELDS + 1);
        assert_eq!(parse("application/x-www-form-urlencoded", many.as_bytes()).await, Err("invalid_form"));
        for media_type in ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data;boundary"] {
            assert_eq!(parse(media_type, b"--b--").await, Err("invalid_form"), "{media_type}");
        }
        for media_type in ["", "image/png", "multipart/mixed; boundary=b", "application/octet-stream", "text/plain"] {
            assert_eq!(Form::from_content_type(media_type).unwrap(), None, "{media_type}");
        }
    }
}
