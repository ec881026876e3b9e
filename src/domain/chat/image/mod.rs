//! Images in messages.

mod forms;

use std::{fmt, sync::Arc};

use url::{Host, Url};

use crate::domain::{
    errors::{TurnErrorKind, turns},
    public_address::{is_public, is_public_name},
};

/// The longest https URL of an image, in bytes.
const MAX_ADDRESS_BYTES: usize = 8 << 10;

/// The longest data URL of an image, in bytes: 12 MiB in base64.
const MAX_DATA_URL_BYTES: usize = (16 << 20) + "data:image/jpeg;base64,".len();

/// The media types of images that models with vision accept.
const MEDIA_TYPES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/// An image, as an https URL or as a data URL with the image itself. It is neither fetched nor decoded here. Cheap to
/// clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    url: Arc<str>,
    detail: Option<ImageDetail>,
}

/// The resolution at which a model reads an image, which sets the tokens that the image costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageDetail {
    /// The model's provider chooses.
    Auto,
    /// A small version of the image.
    Low,
    /// The whole image.
    High,
}

impl ImageDetail {
    /// Returns the name used on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Low => "low",
            Self::High => "high",
        }
    }
}

/// The reason why an image cannot be sent to a model. Its text is for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidImage {
    /// The text is neither an https URL nor an image.
    #[error("{}", turns::NOT_AN_IMAGE.error.sentence)]
    NotAnImage,
    /// The URL or the image is longer than allowed.
    #[error("{}", turns::IMAGE_TOO_LARGE.error.sentence)]
    TooLarge,
    /// The host is not on the public internet.
    #[error("{}", turns::IMAGE_NOT_PUBLIC.error.sentence)]
    NotPublic,
    /// The images of one turn are on more hosts than are resolved.
    #[error("The images of one turn may be on at most {most} different hosts; send the others as data: URLs")]
    TooManyHosts {
        /// The largest number of hosts.
        most: usize,
    },
}

impl InvalidImage {
    /// Returns the row of the error table for this failure.
    #[must_use]
    pub fn kind(self) -> &'static TurnErrorKind {
        match self {
            Self::NotAnImage => &turns::NOT_AN_IMAGE,
            Self::TooLarge => &turns::IMAGE_TOO_LARGE,
            Self::NotPublic => &turns::IMAGE_NOT_PUBLIC,
            Self::TooManyHosts { .. } => &turns::TOO_MANY_IMAGE_HOSTS,
        }
    }
}

impl Image {
    /// Parses an https URL, or a data URL with a PNG, JPEG, GIF or WebP image in base64.
    pub fn parse(url: &str) -> Result<Self, InvalidImage> {
        let url = url.trim();
        let (is_image, limit) = match strip_prefix(url, "data:") {
            _ if url.len() > MAX_DATA_URL_BYTES => return Err(InvalidImage::TooLarge),
            Some(data) => (is_image_data(data), MAX_DATA_URL_BYTES),
            None => (is_address(url), MAX_ADDRESS_BYTES),
        };
        match (is_image, url.len() <= limit) {
            (false, _) => Err(InvalidImage::NotAnImage),
            (true, false) => Err(InvalidImage::TooLarge),
            (true, true) if !is_public_url(url) => Err(InvalidImage::NotPublic),
            (true, true) => Ok(Self { url: url.into(), detail: None }),
        }
    }

    /// Returns the image with the resolution that the caller asks for.
    #[must_use]
    pub fn with_detail(self, detail: Option<ImageDetail>) -> Self {
        Self { detail, ..self }
    }

    /// Returns the resolution that the caller asks for; `None` if the caller names none.
    #[must_use]
    pub fn detail(&self) -> Option<ImageDetail> {
        self.detail
    }

    /// Returns the host name of an https URL; `None` for an IP address and for a data URL.
    #[must_use]
    pub fn host_name(&self) -> Option<String> {
        match host(&self.url)? {
            Host::Domain(name) => Some(name),
            Host::Ipv4(_) | Host::Ipv6(_) => None,
        }
    }

    /// Returns the URL, unchanged.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the length of a data URL in bytes; 0 for an https URL.
    #[must_use]
    pub fn data_len(&self) -> usize {
        if strip_prefix(&self.url, "data:").is_some() { self.url.len() } else { 0 }
    }
}

/// Shows the length alone: an image may be private.
impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Image({} bytes)", self.url.len())
    }
}

/// Removes a prefix, in any case. Returns `None` if the text doesn't begin with it.
fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn is_address(url: &str) -> bool {
    // The URL parser ignores white space, which other parsers refuse.
    let is_one_word = !url.contains(|c: char| c.is_whitespace() || c.is_control());
    // With these characters, different URL parsers find different hosts.
    let authority = authority(url);
    let is_plain = !authority.contains(['@', '\\', '%']) && !authority.is_empty();
    is_one_word && is_plain && host(url).is_some()
}

/// Returns the part between `https://` and the path, unchanged.
fn authority(url: &str) -> &str {
    strip_prefix(url, "https://").and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default()
}

fn host(url: &str) -> Option<Host> {
    strip_prefix(url, "https:")?;
    Url::parse(url).ok()?.host().map(|host| host.to_owned())
}

/// Whether a URL's host is public, judged by the URL alone. The URL parser has normalized all notations of IPv4 addresses.
fn is_public_url(url: &str) -> bool {
    match host(url) {
        Some(Host::Domain(name)) => is_public_name(&name),
        Some(Host::Ipv4(address)) => is_public(address.into()),
        Some(Host::Ipv6(address)) => is_public(address.into()),
        None => true,
    }
}

fn is_image_data(data: &str) -> bool {
    let base64 = MEDIA_TYPES.iter().find_map(|kind| strip_prefix(strip_prefix(data, kind)?, ";base64,"));
    base64.is_some_and(is_base64)
}

/// Whether a text is base64 with padding (RFC 4648, 4). It is not decoded.
fn is_base64(text: &str) -> bool {
    let letters = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text);
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    // Without an early return the loop is vectorized, which is five times as fast.
    let are_letters = |bytes: &[u8]| bytes.iter().fold(true, |all, byte| all & is_letter(byte));
    !letters.is_empty() && text.len().is_multiple_of(4) && letters.as_bytes().chunks(1024).all(are_letters)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn https_urls_and_data_urls_are_parsed() {
        for url in [
            "https://shop.example/a.png",
            "HTTPS://shop.example/a?b=c#d",
            "https://[2606:4700::1111]:8443/",
            "https://93.184.215.14/a.png",
            "https://bücher.example/a.png",
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
            "https:shop.example",
            "https:///shop.example/",
            "https:\\\\shop.example/",
            "https://shop.example\\@127.0.0.1/",
            "https://ada@shop.example/",
            "https://ada:secret@shop.example/",
            "https://shop%2eexample/",
            "https://[fe80::1%25eth0]/",
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
    fn addresses_of_private_networks_are_refused() {
        for host in [
            "localhost",
            "LOCALHOST.",
            "app.localhost:8443",
            "printer.local",
            "metadata.google.internal",
            "metadata",
            "intranet",
            "127.0.0.1",
            "127.0.0.1.",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0x7f.0.0.1",
            "0177.0.0.1",
            "017700000001",
            "0",
            "\u{ff11}\u{ff12}\u{ff17}.0.0.1",
            "127\u{3002}0\u{3002}0\u{3002}1",
            "\u{24db}ocalhost",
            "169.254.169.254",
            "0xa9fea9fe",
            "10.1.2.3:8080",
            "100.64.0.1",
            "[::1]",
            "[::]",
            "[::ffff:10.0.0.1]",
            "[0:0:0:0:0:ffff:a9fe:a9fe]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "[fd00:ec2::254]",
            "[fe80::1]",
            "[ff02::1]",
        ] {
            let url = format!("https://{host}/a.png");
            assert_eq!(Image::parse(&url), Err(InvalidImage::NotPublic), "{url}");
        }
    }

    #[test]
    fn only_host_names_are_returned() {
        let host_name = |url| Image::parse(url).unwrap().host_name();
        assert_eq!(host_name("https://Shop.example:8443/a.png").as_deref(), Some("shop.example"));
        assert_eq!(host_name("https://93.184.215.14/a.png"), None);
        assert_eq!(host_name("data:image/png;base64,iVBORw0KGgo="), None);
    }

    #[test]
    fn sizes_are_limited() {
        let data = |letters: usize| format!("data:image/png;base64,{}", "A".repeat(letters));
        let most = (MAX_DATA_URL_BYTES - data(0).len()) / 4 * 4;
        assert_eq!(Image::parse(&data(most).replacen("AAAA", "AA A", 2)), Err(InvalidImage::NotAnImage));
        assert!(Image::parse(&data(most)).is_ok_and(|image| image.data_len() == data(most).len()));
        assert_eq!(Image::parse(&data(most + 4)), Err(InvalidImage::TooLarge));
        let address = |length: usize| format!("{:a<length$}", "https://a.example/");
        assert!(Image::parse(&address(MAX_ADDRESS_BYTES)).is_ok_and(|image| image.data_len() == 0));
        assert_eq!(Image::parse(&address(MAX_ADDRESS_BYTES + 1)), Err(InvalidImage::TooLarge));
    }

    #[test]
    fn debug_output_holds_no_part_of_the_image() {
        let image = Image::parse("https://secret.example/a.png").unwrap();
        assert_eq!(format!("{image:?}"), "Image(28 bytes)");
    }

    proptest! {
        #[test]
        fn parsed_urls_have_no_white_space_or_control_characters(url in "(https://|data:image/png;base64,)?\\PC{0,40}") {
            if let Ok(image) = Image::parse(&url) {
                prop_assert!(!image.url().contains(|c: char| c.is_whitespace() || c.is_control()));
            }
        }
    }
}
