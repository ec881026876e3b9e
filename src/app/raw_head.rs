//! The bytes of a request's head (request line and headers), for details that hyper doesn't pass on.

use poem::http::{HeaderName, HeaderValue, Method, StatusCode, Uri};

/// The longest head of a request, in bytes; also the size of hyper's buffer for a connection's output.
pub(super) const MAX_HEAD_BYTES: usize = 64 << 10;

/// The bytes of a request's head that have arrived. The beginning of the body may follow them.
#[derive(Debug, Default)]
pub(super) struct RawHead(Vec<u8>);

impl RawHead {
    /// Appends bytes, up to [`MAX_HEAD_BYTES`] in all.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let room = MAX_HEAD_BYTES.saturating_sub(self.0.len());
        self.0.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    /// Returns the request's method, if it can be parsed.
    pub(super) fn method(&self) -> Option<Method> {
        Method::from_bytes(self.request_line().next()?).ok()
    }

    /// Returns the request's target, if it can be parsed.
    pub(super) fn target(&self) -> Option<Uri> {
        Uri::try_from(self.request_line().nth(1)?).ok()
    }

    /// Whether the request line names a version of HTTP other than 1.x.
    pub(super) fn is_not_http_1(&self) -> bool {
        let version = self.request_line().nth(2).and_then(|version| version.strip_prefix(b"HTTP/"));
        version.is_some_and(|version| matches!(version, [b'0' | b'2'..=b'9', b'.', b'0'..=b'9']))
    }

    /// Whether the head has a header of this name.
    pub(super) fn has(&self, name: &HeaderName) -> bool {
        self.values(name).next().is_some()
    }

    /// Returns the first value of a header of this name.
    pub(super) fn header(&self, name: &HeaderName) -> Option<HeaderValue> {
        HeaderValue::from_bytes(self.values(name).next()?).ok()
    }

    /// Whether a line ends with a line feed alone. Other servers may take it for a part of a value.
    pub(super) fn has_bare_line_feed(&self) -> bool {
        let lines = self.0.split_inclusive(|byte| *byte == b'\n').skip_while(|line| *line == b"\r\n");
        let mut head = lines.take_while(|line| *line != b"\r\n");
        head.any(|line| line.ends_with(b"\n") && !line.ends_with(b"\r\n"))
    }

    fn values<'a>(&'a self, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
        self.lines().filter_map(move |line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let (own, value) = line.split_at(colon);
            own.trim_ascii().eq_ignore_ascii_case(name.as_str().as_bytes()).then(|| value[1..].trim_ascii())
        })
    }

    fn request_line(&self) -> impl Iterator<Item = &[u8]> {
        self.lines().take(1).flat_map(|line| line.split(|byte| *byte == b' '))
    }

    /// Returns the lines up to the empty one that ends the head. Empty lines before the request line are skipped (RFC 9112,
    /// 2.2).
    fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let lines = self.0.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        lines.skip_while(|line| line.is_empty()).take_while(|line| !line.is_empty())
    }
}

/// Parses the status and the `Date` of a response that hyper wrote by itself. It has no other content.
pub(super) fn parse_library_response(response: &[u8]) -> Option<(StatusCode, Option<HeaderValue>)> {
    let status = StatusCode::from_bytes(response.strip_prefix(b"HTTP/1.1 ")?.get(..3)?).ok()?;
    Some((status, RawHead(response.to_vec()).header(&poem::http::header::DATE)))
}

#[cfg(test)]
mod tests {
    use poem::http::header;
    use proptest::prelude::*;

    use super::*;

    fn head(text: &str) -> RawHead {
        let mut head = RawHead::default();
        text.as_bytes().chunks(3).for_each(|bytes| head.push(bytes));
        head
    }

    #[test]
    fn headers_are_read_up_to_the_end_of_the_head() {
        let head = head("\r\nPOST /a HTTP/1.1\r\nOrigin:  https://a.example \r\nCONTENT-length:5\r\n\r\nhost: b\r\n");
        assert_eq!((head.method(), head.target().unwrap().path()), (Some(Method::POST), "/a"));
        assert_eq!(head.header(&header::ORIGIN).unwrap(), "https://a.example");
        assert!(head.has(&header::CONTENT_LENGTH) && !head.has(&header::HOST) && !head.is_not_http_1());
    }

    #[test]
    fn other_versions_are_recognized() {
        for line in ["PRI * HTTP/2.0", "GET / HTTP/0.9", "GET / HTTP/3.1"] {
            assert!(head(&format!("{line}\r\n\r\n")).is_not_http_1(), "{line}");
        }
        for line in ["GET / HTTP/1.1", "GET / HTTP/1.2", "GET / HTTP/2", "GET /", "GET / / HTTP/2.0", ""] {
            assert!(!head(&format!("{line}\r\n\r\n")).is_not_http_1(), "{line}");
        }
    }

    #[test]
    fn a_line_feed_alone_is_found_in_the_head_only() {
        for text in [
            "GET / HTTP/1.1\nHost: a\r\n\r\n",
            "\nGET / HTTP/1.1\r\n\r\n",
            "\r\n\r\nGET / HTTP/1.1\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nX: 1\n\nx",
        ] {
            assert!(head(text).has_bare_line_feed(), "{text:?}");
        }
        for text in ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\r\nPOST / HTTP/1.1\r\n\r\na\nb", "", "GET /"] {
            assert!(!head(text).has_bare_line_feed(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_without_a_panic(bytes in any::<Vec<u8>>()) {
            let mut head = RawHead::default();
            head.push(&bytes);
            let _ = (head.method(), head.target(), head.is_not_http_1(), head.header(&header::HOST));
            let _ = parse_library_response(&bytes);
        }
    }
}
