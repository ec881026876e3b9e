//! The answers to requests that the HTTP library cannot read, as the contract has them.

use poem::{
    Endpoint, Request, Response,
    http::{HeaderValue, Method, StatusCode, header},
};

use super::raw_head::{RawHead, read_answer};
use crate::api::MalformedRequest;

/// The bytes of the answer to a request with this head, in place of the library's own `answer`. The library answers
/// nothing to what begins a connection of HTTP/2.
pub(super) async fn encode(
    endpoint: &impl Endpoint<Output = Response>,
    head: RawHead,
    answer: &[u8],
) -> Option<Vec<u8>> {
    let is_of_other_version = head.is_of_other_version();
    let (status, date) = match read_answer(answer) {
        Some((_, date)) if is_of_other_version => (StatusCode::HTTP_VERSION_NOT_SUPPORTED, date),
        Some(known) => known,
        None if is_of_other_version => (StatusCode::HTTP_VERSION_NOT_SUPPORTED, None),
        None => return None,
    };
    let is_bodiless = head.method() == Some(Method::HEAD);
    let mut response = endpoint.get_response(request(&head, MalformedRequest::Unreadable(status))).await;
    let body = response.take_body().into_vec().await.unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    headers.extend(date.map(|date| (header::DATE, date)));
    let mut bytes = encode_head(&response);
    if !is_bodiless {
        bytes.extend_from_slice(&body);
    }
    Some(bytes)
}

/// A request that stands for what was sent, as far as that can be read.
fn request(head: &RawHead, malformed: MalformedRequest) -> Request {
    let mut request =
        Request::builder().method(head.method().unwrap_or_default()).uri(head.target().unwrap_or_default()).finish();
    request.headers_mut().extend(head.header(&header::ORIGIN).map(|origin| (header::ORIGIN, origin)));
    request.set_data(malformed);
    request
}

fn encode_head(response: &Response) -> Vec<u8> {
    let status = response.status();
    let reason = status.canonical_reason().unwrap_or_default();
    let mut bytes = format!("HTTP/1.1 {} {reason}\r\n", status.as_str()).into_bytes();
    for (name, value) in response.headers() {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            bytes.extend_from_slice(part);
        }
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}
