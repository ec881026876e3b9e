//! Checks of a request's head that RFC 9112 requires and the HTTP library does not make. They prevent request smuggling: a
//! request that a proxy and this server delimit differently can hide a second one.

use std::net::Ipv6Addr;

use poem::{
    Request,
    http::{HeaderMap, HeaderValue, StatusCode, Version, header},
};

use super::problem::Problem;
use crate::domain::errors::requests;

/// The reason why a request's head is malformed, found by the connection and passed in the request's data.
#[derive(Clone, Copy, Debug)]
pub(crate) enum MalformedRequest {
    /// The HTTP library could not parse the request, and would have answered with this status.
    Unreadable(StatusCode),
    /// The request has both a `Content-Length` and a `Transfer-Encoding`; the library passes on only one of them.
    TwoLengths,
    /// A line of the head ends with a line feed alone, which a proxy may take for a part of a value.
    BareLineFeed,
}

/// Checks the head of a request. A request that fails must get no other answer than the error.
pub(super) fn check(request: &Request) -> Result<(), Problem> {
    match request.data() {
        Some(MalformedRequest::Unreadable(status)) => return Err(unreadable(*status)),
        Some(MalformedRequest::TwoLengths) => {
            return Err(Problem::new(&requests::INVALID_TRANSFER_ENCODING));
        }
        Some(MalformedRequest::BareLineFeed) => return Err(Problem::new(&requests::MALFORMED_REQUEST)),
        None => {}
    }
    check_host(request.version(), request.headers())?;
    check_transfer_encoding(request.headers())
}

fn unreadable(status: StatusCode) -> Problem {
    Problem::new(match status {
        StatusCode::URI_TOO_LONG => &requests::URI_TOO_LONG,
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => &requests::HEADERS_TOO_LARGE,
        StatusCode::HTTP_VERSION_NOT_SUPPORTED => &requests::HTTP_VERSION_NOT_SUPPORTED,
        _ => &requests::MALFORMED_REQUEST,
    })
}

/// Requires exactly one valid `Host` header (RFC 9112, 3.2); HTTP/1.0 requests may have none.
fn check_host(version: Version, headers: &HeaderMap) -> Result<(), Problem> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let error = match (hosts.next(), hosts.next()) {
        (None, _) if version < Version::HTTP_11 => return Ok(()),
        (Some(host), None) if is_host(host.as_bytes()) => return Ok(()),
        (None, _) => "The request has no Host header",
        (Some(_), Some(_)) => "The request has more than one Host header",
        (Some(_), None) => "The request's Host header is not a host name or an address",
    };
    Err(Problem::new(&requests::INVALID_HOST).with_sentence(error))
}

/// Whether a text is a host (RFC 3986, 3.2.2) with or without a port. It may be empty.
fn is_host(text: &[u8]) -> bool {
    let end = |mark| text.iter().position(|byte| *byte == mark).unwrap_or(text.len());
    let (is_valid, port) = if let [b'[', address @ ..] = &text[..end(b']')] {
        let address = std::str::from_utf8(address).ok();
        (address.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()), text.get(end(b']') + 1..))
    } else {
        let (name, port) = text.split_at(end(b':'));
        (is_name(name), Some(port))
    };
    let is_port = |port: &[u8]| matches!(port, [] | [b':', ..]) && port.iter().skip(1).all(u8::is_ascii_digit);
    is_valid && port.is_some_and(is_port)
}

fn is_name(name: &[u8]) -> bool {
    let mut bytes = name.iter();
    while let Some(byte) = bytes.next() {
        let is_valid = match byte {
            b'%' => [bytes.next(), bytes.next()].iter().all(|it| it.is_some_and(u8::is_ascii_hexdigit)),
            byte => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(byte),
        };
        if !is_valid {
            return false;
        }
    }
    true
}

/// Requires that `Transfer-Encoding` names `chunked` at most once and no other coding (RFC 9112, 6.1).
fn check_transfer_encoding(headers: &HeaderMap) -> Result<(), Problem> {
    let lines = headers.get_all(header::TRANSFER_ENCODING).iter().map(HeaderValue::as_bytes);
    let codings = lines.flat_map(|line| line.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
    let mut codings = codings.filter(|coding| !coding.is_empty());
    let (mut chunked, mut others) = (0, 0);
    for coding in &mut codings {
        *(if coding.eq_ignore_ascii_case(b"chunked") { &mut chunked } else { &mut others }) += 1;
    }
    match (chunked, others) {
        (0 | 1, 0) => Ok(()),
        (_, 0) => {
            let error = "The request's Transfer-Encoding names chunked more than once";
            Err(Problem::new(&requests::INVALID_TRANSFER_ENCODING).with_sentence(error))
        }
        _ => Err(Problem::new(&requests::UNSUPPORTED_TRANSFER_ENCODING)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses_with_optional_ports() {
        let valid = [
            "",
            "shop.example",
            "al_chat:5000",
            "127.0.0.1",
            "[::1]",
            "[2001:db8::1]:80",
            "a:",
            "x%2Dy",
            "xn--bcher-kva",
        ];
        for host in valid {
            assert!(is_host(host.as_bytes()), "{host}");
        }
        let invalid = [
            "a b",
            "a/b",
            "http://a",
            "user@a",
            "a:b",
            "a:80:80",
            "[::1",
            "::1",
            "[]",
            "[a]",
            "[::1]x",
            "a%2",
            "a%zz",
            "b\u{fc}cher",
            "a?b",
            "a#b",
            "a\\b",
            "[::1]:-1",
        ];
        for host in invalid {
            assert!(!is_host(host.as_bytes()), "{host}");
        }
    }

    #[test]
    fn transfer_encoding_must_be_chunked_once() {
        let check = |lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::TRANSFER_ENCODING, HeaderValue::from_static(line));
            }
            check_transfer_encoding(&headers).map_err(|problem| problem.status.as_u16()).err()
        };
        for lines in [&[][..], &["chunked"], &["Chunked"], &[" chunked ,"]] {
            assert_eq!(check(lines), None, "{lines:?}");
        }
        for lines in [&["chunked, chunked"][..], &["chunked", "CHUNKED"]] {
            assert_eq!(check(lines), Some(400), "{lines:?}");
        }
        for lines in [&["gzip, chunked"][..], &["identity", "chunked"], &["identity"], &["xchunked"]] {
            assert_eq!(check(lines), Some(501), "{lines:?}");
        }
    }
}
