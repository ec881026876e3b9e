//! Forms, as browsers and scripts send them.

use reqwest::RequestBuilder;
use url::form_urlencoded;

const BOUNDARY: &str = "----WebKitFormBoundary7MA4YWxkTrZu0gW";

/// A part of a multipart form.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    /// A field: its name and its text.
    Text(&'a str, &'a str),
    /// A file: the field's name, the file's name, its media type, and its content.
    File(&'a str, &'a str, &'a str, &'a [u8]),
}

/// The request with these parts as its body.
pub fn multipart(request: RequestBuilder, parts: &[Part]) -> RequestBuilder {
    let mut body = Vec::new();
    for part in parts {
        body.extend(format!("--{BOUNDARY}\r\nContent-Disposition: form-data; ").into_bytes());
        match part {
            Part::Text(name, text) => body.extend(format!("name=\"{name}\"\r\n\r\n{text}").into_bytes()),
            Part::File(name, file, media_type, content) => {
                let head = format!("name=\"{name}\"; filename=\"{file}\"\r\nContent-Type: {media_type}\r\n\r\n");
                body.extend(head.into_bytes());
                body.extend(*content);
            }
        }
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").into_bytes());
    request.header("content-type", format!("multipart/form-data; boundary={BOUNDARY}")).body(body)
}

/// The request with these pairs as its body.
pub fn url_encoded(request: RequestBuilder, pairs: &[(&str, &str)]) -> RequestBuilder {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    request.header("content-type", "application/x-www-form-urlencoded").body(body)
}
