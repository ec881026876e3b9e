//! Request bodies of HTML forms.

use reqwest::RequestBuilder;
use url::form_urlencoded;

const BOUNDARY: &str = "----WebKitFormBoundary7MA4YWxkTrZu0gW";

/// A part of a multipart form.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    /// A field: name and text.
    Text(&'a str, &'a str),
    /// A file: field name, file name, media type and content.
    File(&'a str, &'a str, &'a str, &'a [u8]),
}

/// Sets the request's body to a `multipart/form-data` form of these parts.
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

/// Sets the request's body to an `application/x-www-form-urlencoded` form of these pairs.
pub fn url_encoded(request: RequestBuilder, pairs: &[(&str, &str)]) -> RequestBuilder {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    request.header("content-type", "application/x-www-form-urlencoded").body(body)
}
