//! Responses to requests that hyper cannot parse, in the contract's error format.

use poem::{
    Endpoint, Request, Response,
    http::{HeaderValue, Method, StatusCode, header},
};

use super::raw_head::{RawHead, parse_library_response};
use crate::api::MalformedRequest;

/// Encodes the response to a request that hyper could not parse. It replaces hyper's own response, `library_response`,
/// which is empty for the preface of HTTP/2.
///
/// Returns `None` when there is nothing to answer.
pub(super) async fn response(
    endpoint: &impl Endpoint<Output = Response>,
    head: RawHead,
    library_response: &[u8],
) -> Option<Vec<u8>> {
    let is_not_http_1 = head.is_not_http_1();
    let (status, date) = match parse_library_response(library_response) {
        Some((_, date)) if is_not_http_1 => (StatusCode::HTTP_VERSION_NOT_SUPPORTED, date),
        Some(known) => known,
        None if is_not_http_1 => (StatusCode::HTTP_VERSION_NOT_SUPPORTED, None),
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

/// Builds a request from the parts of `head` that can be parsed, marked as malformed for the API.
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
