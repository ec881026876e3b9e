//! An image that the visitor shows.

use std::{fmt, sync::Arc};

use url::Url;

/// Longest address of an image, in bytes.
const LONGEST_ADDRESS: usize = 8 << 10;

/// Largest image that comes along in its URL, in bytes of that URL.
const LARGEST: usize = 16 << 20;

/// The kinds of images that models see.
const KINDS: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/// An image by its URL, which is an address or holds the image itself. It is never fetched nor decoded here. Cheap to
/// clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Image(Arc<str>);

/// This cannot be shown to a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidImage {
    /// It is none of the two kinds of URL.
    #[error("An image must be an https:// address, or a data: URL in base64 of a PNG, JPEG, GIF or WebP image")]
    NotAnImage,
    /// It is longer than allowed.
    #[error("An image may have an address of at most 8 KiB, or a data: URL of at most 16 MiB")]
    TooLarge,
}

impl Image {
    /// The image of this URL.
    pub fn parse(url: &str) -> Result<Self, InvalidImage> {
        let url = url.trim();
        let (is_image, limit) = match strip_prefix(url, "data:") {
            _ if url.len() > LARGEST => return Err(InvalidImage::TooLarge),
            Some(data) => (is_image_data(data), LARGEST),
            None => (is_address(url), LONGEST_ADDRESS),
        };
        match (is_image, url.len() <= limit) {
            (false, _) => Err(InvalidImage::NotAnImage),
            (true, false) => Err(InvalidImage::TooLarge),
            (true, true) => Ok(Self(url.into())),
        }
    }

    /// The URL, as it was given.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.0
    }

    /// The bytes that it takes to send the image itself; none for one that has an address.
    #[must_use]
    pub fn data_len(&self) -> usize {
        if strip_prefix(&self.0, "data:").is_some() { self.0.len() } else { 0 }
    }
}

/// An image may be private, and is too long to be read.
impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Image({} bytes)", self.0.len())
    }
}

/// The rest of a text that begins with this, in whatever case.
fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn is_address(url: &str) -> bool {
    // The parser would pass over blanks, which others stumble over.
    let is_one_word = !url.contains(|c: char| c.is_whitespace() || c.is_control());
    is_one_word && Url::parse(url).is_ok_and(|url| url.scheme() == "https" && url.has_host())
}

fn is_image_data(data: &str) -> bool {
    let base64 = KINDS.iter().find_map(|kind| strip_prefix(strip_prefix(data, kind)?, ";base64,"));
    base64.is_some_and(is_base64)
}

/// Whether these are the letters of base64 (RFC 4648, 4), as many as there must be. What they say is for the model.
fn is_base64(text: &str) -> bool {
    let letters = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text);
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    // Without a way out in the middle, many are looked at in one step: five times as fast.
    let are_letters = |bytes: &[u8]| bytes.iter().fold(true, |all, byte| all & is_letter(byte));
    !letters.is_empty() && text.len().is_multiple_of(4) && letters.as_bytes().chunks(1024).all(are_letters)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_and_images_themselves_are_taken() {
        for url in [
            "https://shop.example/a.png",
            "HTTPS://shop.example/a?b=c#d",
            "https://[::1]:8443/",
            "data:image/png;base64,iVBORw0KGgo=",
            "data:image/jpeg;base64,/9j/4AA=",
            "DATA:IMAGE/WEBP;BASE64,UklGRg==",
            "data:image/gif;base64,R0lGODlh",
        ] {
            assert_eq!(Image::parse(url).map(|image| image.url().to_owned()), Ok(url.to_owned()));
        }
        assert_eq!(Image::parse(" https://a.example/ \n").unwrap().url(), "https://a.example/");
    }

    #[test]
    fn anything_else_is_refused() {
        for url in [
            "",
            "http://shop.example/a.png",
            "https://",
            "https:",
            "https://shop.example/a b.png",
            "https://shop.\nexample/",
            "//shop.example/a.png",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "data:,hello",
            "data:text/plain;base64,aGk=",
            "data:image/svg+xml;base64,PHN2Zz4=",
            "data:image/png,iVBORw0KGgo=",
            "data:image/png;base64,",
            "data:image/png;base64,=",
            "data:image/png;base64,====",
            "data:image/png;base64,iVBORw0KGg",
            "data:image/png;base64,iVBO\"w0KGgo=",
            "data:image/png;base64,iVBOé0KGg",
        ] {
            assert_eq!(Image::parse(url), Err(InvalidImage::NotAnImage), "{url:?}");
        }
    }

    #[test]
    fn there_is_a_largest_image_and_a_longest_address() {
        let data = |letters: usize| format!("data:image/png;base64,{}", "A".repeat(letters));
        let most = (LARGEST - data(0).len()) / 4 * 4;
        assert_eq!(Image::parse(&data(most).replacen("AAAA", "AA A", 2)), Err(InvalidImage::NotAnImage));
        assert!(Image::parse(&data(most)).is_ok_and(|image| image.data_len() == data(most).len()));
        assert_eq!(Image::parse(&data(most + 4)), Err(InvalidImage::TooLarge));
        let address = |length: usize| format!("{:a<length$}", "https://a.example/");
        assert!(Image::parse(&address(LONGEST_ADDRESS)).is_ok_and(|image| image.data_len() == 0));
        assert_eq!(Image::parse(&address(LONGEST_ADDRESS + 1)), Err(InvalidImage::TooLarge));
    }

    #[test]
    fn it_shows_nothing_of_itself() {
        let image = Image::parse("https://secret.example/a.png").unwrap();
        assert_eq!(format!("{image:?}"), "Image(28 bytes)");
    }

    proptest! {
        #[test]
        fn whatever_is_taken_can_stand_in_json_and_in_a_line(url in "(https://|data:image/png;base64,)?\\PC{0,40}") {
            if let Ok(image) = Image::parse(&url) {
                prop_assert!(!image.url().contains(|c: char| c.is_whitespace() || c.is_control()));
            }
        }
    }
}
