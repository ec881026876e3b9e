//! The head of a request as it arrived, for what the HTTP library doesn't say of it.

use poem::http::{HeaderName, HeaderValue, Method, StatusCode, Uri};

/// What is kept of a head, in bytes; the library reads no longer one.
const MOST: usize = super::accept::BUFFER;

/// The bytes of a head so far, and perhaps what came with them.
#[derive(Debug, Default)]
pub(super) struct RawHead(Vec<u8>);

impl RawHead {
    /// Adds bytes that have arrived.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let room = MOST.saturating_sub(self.0.len());
        self.0.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    /// The method, as far as it can be read.
    pub(super) fn method(&self) -> Option<Method> {
        Method::from_bytes(self.request_line().next()?).ok()
    }

    /// The target, as far as it can be read.
    pub(super) fn target(&self) -> Option<Uri> {
        Uri::try_from(self.request_line().nth(1)?).ok()
    }

    /// Whether it is in a version of HTTP that is not HTTP/1.
    pub(super) fn is_of_other_version(&self) -> bool {
        let version = self.request_line().nth(2).and_then(|version| version.strip_prefix(b"HTTP/"));
        version.is_some_and(|version| matches!(version, [b'0' | b'2'..=b'9', b'.', b'0'..=b'9']))
    }

    /// Whether it has a header of this name.
    pub(super) fn has(&self, name: &HeaderName) -> bool {
        self.values(name).next().is_some()
    }

    /// The first value of a header of this name.
    pub(super) fn header(&self, name: &HeaderName) -> Option<HeaderValue> {
        HeaderValue::from_bytes(self.values(name).next()?).ok()
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

    /// The lines up to the empty one at the head's end. Empty ones before it count for nothing (RFC 9112, 2.2).
    fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let lines = self.0.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        lines.skip_while(|line| line.is_empty()).take_while(|line| !line.is_empty())
    }
}

/// The status and the date of an answer of the library's, which has nothing else to say.
pub(super) fn read_answer(answer: &[u8]) -> Option<(StatusCode, Option<HeaderValue>)> {
    let status = StatusCode::from_bytes(answer.strip_prefix(b"HTTP/1.1 ")?.get(..3)?).ok()?;
    Some((status, RawHead(answer.to_vec()).header(&poem::http::header::DATE)))
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
    fn headers_are_found_up_to_the_end_of_the_head() {
        let head = head("\r\nPOST /a HTTP/1.1\r\nOrigin:  https://a.example \r\nCONTENT-length:5\r\n\r\nhost: b\r\n");
        assert_eq!((head.method(), head.target().unwrap().path()), (Some(Method::POST), "/a"));
        assert_eq!(head.header(&header::ORIGIN).unwrap(), "https://a.example");
        assert!(head.has(&header::CONTENT_LENGTH) && !head.has(&header::HOST) && !head.is_of_other_version());
    }

    #[test]
    fn other_versions_are_recognized() {
        for line in ["PRI * HTTP/2.0", "GET / HTTP/0.9", "GET / HTTP/3.1"] {
            assert!(head(&format!("{line}\r\n\r\n")).is_of_other_version(), "{line}");
        }
        for line in ["GET / HTTP/1.1", "GET / HTTP/1.2", "GET / HTTP/2", "GET /", "GET / / HTTP/2.0", ""] {
            assert!(!head(&format!("{line}\r\n\r\n")).is_of_other_version(), "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in any::<Vec<u8>>()) {
            let mut head = RawHead::default();
            head.push(&bytes);
            let _ = (head.method(), head.target(), head.is_of_other_version(), head.header(&header::HOST));
            let _ = read_answer(&bytes);
        }
    }
}
