//! An image that the visitor shows.

mod forms;

use std::{fmt, sync::Arc};

use url::{Host, Url};

use crate::domain::public_address::{is_public, is_public_name};

/// Longest address of an image, in bytes.
const LONGEST_ADDRESS: usize = 8 << 10;

/// Largest image that comes along in its URL, in bytes of that URL: 12 MiB in base64.
const LARGEST: usize = (16 << 20) + "data:image/jpeg;base64,".len();

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
    #[error("An image must be an https:// address, or a PNG, JPEG, GIF or WebP image as a data: URL or in base64")]
    NotAnImage,
    /// It is longer than allowed.
    #[error("An image may have an address of at most 8 KiB, and a data: URL may hold 12 MiB")]
    TooLarge,
    /// Its address leads into somebody's own network.
    #[error(
        "The image's address is not on the public internet; use one that anybody can open, or a data: URL with the image \
         itself"
    )]
    NotPublic,
    /// The images of one turn are on more hosts than are looked up.
    #[error("The images of one turn may be on at most {most} different hosts; send the others as data: URLs")]
    TooManyHosts {
        /// How many there may be.
        most: usize,
    },
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
            (true, true) if !is_public_url(url) => Err(InvalidImage::NotPublic),
            (true, true) => Ok(Self(url.into())),
        }
    }

    /// The name of the host that has the image; none for an IP address and for an image that comes along.
    #[must_use]
    pub fn host_name(&self) -> Option<String> {
        match host(&self.0)? {
            Host::Domain(name) => Some(name),
            Host::Ipv4(_) | Host::Ipv6(_) => None,
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
    // In these, parsers of URLs see different hosts.
    let is_plain = !authority(url).contains(['@', '\\', '%']) && !authority(url).is_empty();
    is_one_word && is_plain && host(url).is_some()
}

/// What stands between `https://` and the path, as it was written.
fn authority(url: &str) -> &str {
    strip_prefix(url, "https://").and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default()
}

fn host(url: &str) -> Option<Host> {
    strip_prefix(url, "https:")?;
    Url::parse(url).ok()?.host().map(|host| host.to_owned())
}

/// Whether this can be fetched without reaching into somebody's own network, as far as the address says. The parser has
/// brought every way to write an IPv4 address into one form.
fn is_public_url(url: &str) -> bool {
    match host(url) {
        Some(Host::Domain(name)) => is_public_name(&name),
        Some(Host::Ipv4(address)) => is_public(address.into()),
        Some(Host::Ipv6(address)) => is_public(address.into()),
        None => true,
    }
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
    fn addresses_of_ones_own_network_are_refused() {
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
    fn only_names_are_to_be_looked_up() {
        let host_name = |url| Image::parse(url).unwrap().host_name();
        assert_eq!(host_name("https://Shop.example:8443/a.png").as_deref(), Some("shop.example"));
        assert_eq!(host_name("https://93.184.215.14/a.png"), None);
        assert_eq!(host_name("data:image/png;base64,iVBORw0KGgo="), None);
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
