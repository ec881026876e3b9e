//! The forms in which clients send an image: an https URL, a data URL, base64 alone, or bytes.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD},
};

use super::{Image, InvalidImage, strip_prefix};

/// The largest image that a client can send, in bytes.
const MAX_IMAGE_BYTES: usize = 12 << 20;

/// The number of base64 characters that are decoded to recognise the media type of an image.
const SIGNATURE_CHARS: usize = 16;

impl Image {
    /// Parses an image from an https URL, a data URL, or base64 alone. The base64 may have line breaks, the alphabet for URLs,
    /// and no padding. If a data URL has no media type of an image, the first bytes of the image decide it.
    pub fn read(text: &str) -> Result<Self, InvalidImage> {
        let text = text.trim();
        let Some(data) = strip_prefix(text, "data:") else {
            return if text.contains(':') { Self::parse(text) } else { from_base64(text) };
        };
        match (Self::parse(text), data.split_once(',')) {
            // Without line breaks the data may be small enough.
            (Err(InvalidImage::NotAnImage | InvalidImage::TooLarge), Some((kind, base64))) if is_base64_kind(kind) => {
                from_base64(base64)
            }
            (parsed, _) => parsed,
        }
    }

    /// Encodes the bytes of an image as a data URL.
    pub fn data_url(bytes: &[u8]) -> Result<String, InvalidImage> {
        if bytes.len() > MAX_IMAGE_BYTES {
            return Err(InvalidImage::TooLarge);
        }
        let kind = kind_of(bytes).ok_or(InvalidImage::NotAnImage)?;
        let mut url = data_url_prefix(kind);
        url.reserve_exact(bytes.len().div_ceil(3) * 4);
        BASE64_STANDARD.encode_string(bytes, &mut url);
        Ok(url)
    }
}

fn data_url_prefix(kind: &str) -> String {
    format!("data:{kind};base64,")
}

/// Whether the part of a data URL before its comma says that the data is base64 (RFC 2397).
fn is_base64_kind(kind: &str) -> bool {
    kind.rsplit(';').next().is_some_and(|last| last.trim().eq_ignore_ascii_case("base64"))
}

fn from_base64(text: &str) -> Result<Image, InvalidImage> {
    let mut letters = String::with_capacity(text.len() + 3);
    letters.extend(text.chars().filter(|c| !c.is_ascii_whitespace()).map(|c| match c {
        '-' => '+',
        '_' => '/',
        c => c,
    }));
    letters.truncate(letters.trim_end_matches('=').len());
    let first = letters.as_bytes();
    let first = BASE64_STANDARD_NO_PAD
        .decode(&first[..first.len().min(SIGNATURE_CHARS)])
        .map_err(|_| InvalidImage::NotAnImage)?;
    let mut url = data_url_prefix(kind_of(&first).ok_or(InvalidImage::NotAnImage)?);
    let padding = letters.len().next_multiple_of(4) - letters.len();
    url.reserve_exact(letters.len() + padding);
    url.push_str(&letters);
    url.push_str(&"=".repeat(padding));
    Image::parse(&url)
}

/// Returns the media type of an image by its first bytes, if models accept that type.
fn kind_of(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xfb\xef\xbe\xff\xff";
    const PNG_URL: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUvvvvv//";

    fn read(text: &str) -> Result<String, InvalidImage> {
        Image::read(text).map(|image| image.url().to_owned())
    }

    #[test]
    fn all_forms_of_an_image_give_the_same_url() {
        assert_eq!(Image::data_url(PNG).unwrap(), PNG_URL);
        let letters = PNG_URL.strip_prefix("data:image/png;base64,").unwrap();
        for text in [
            PNG_URL.to_owned(),
            letters.to_owned(),
            format!("  {letters}\n"),
            format!("{}\r\n{}", &letters[..7], &letters[7..]),
            letters.replace('/', "_"),
            format!("data:image/png;base64,{}\n{}", &letters[..9], &letters[9..]),
            format!("data:;base64,{letters}"),
            format!("data:application/octet-stream;base64,{letters}"),
            format!("data:image/x-png;charset=utf-8;Base64,{letters}"),
        ] {
            assert_eq!(read(&text), Ok(PNG_URL.to_owned()), "{text:?}");
        }
        assert_eq!(read("https://a.example/b.png"), Ok("https://a.example/b.png".to_owned()));
    }

    #[test]
    fn missing_padding_is_added() {
        for (bytes, padding) in [(&PNG[..16], "=="), (&PNG[..17], "="), (&PNG[..18], "")] {
            let url = Image::data_url(bytes).unwrap();
            assert!(url.trim_end_matches('=').len() + padding.len() == url.len(), "{url}");
            assert_eq!(read(url.trim_end_matches('=')), Ok(url.clone()));
            assert_eq!(read(url.split_once(',').unwrap().1.trim_end_matches('=')), Ok(url));
        }
    }

    #[test]
    fn the_first_bytes_decide_the_media_type() {
        let kinds: [(&[u8], &str); 5] = [
            (PNG, "image/png"),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
            (b"GIF89a\x01\0\x01\0", "image/gif"),
            (b"GIF87a", "image/gif"),
            (b"RIFF\x1a\0\0\0WEBPVP8L", "image/webp"),
        ];
        for (bytes, kind) in kinds {
            let url = Image::data_url(bytes).unwrap();
            assert!(url.starts_with(&format!("data:{kind};base64,")), "{url}");
            // With a wrong media type, and without one.
            let letters = url.split_once(',').unwrap().1;
            assert_eq!(read(&format!("data:image/jpg;base64,{letters}")), Ok(url.clone()));
            assert_eq!(read(letters), Ok(url.clone()));
        }
    }

    #[test]
    fn other_data_is_refused_in_all_forms() {
        for bytes in [&b""[..], b"%PDF-1.7", b"<svg/>", b"BM\0\0", b"RIFF\0\0\0\0WAVE", b"II*\0", b"GIF8"] {
            assert_eq!(Image::data_url(bytes), Err(InvalidImage::NotAnImage), "{bytes:?}");
            assert_eq!(read(&BASE64_STANDARD.encode(bytes)), Err(InvalidImage::NotAnImage), "{bytes:?}");
        }
        let letters = PNG_URL.strip_prefix("data:image/png;base64,").unwrap();
        for text in [
            String::new(),
            "null".to_owned(),
            "cat.png".to_owned(),
            "[object File]".to_owned(),
            "/etc/passwd".to_owned(),
            "javascript:alert(1)".to_owned(),
            "http://a.example/b.png".to_owned(),
            format!("data:image/png,{letters}"),
            format!("data:image/svg+xml;base64,{}", BASE64_STANDARD.encode("<svg/>")),
            format!("{letters}é"),
            format!("{letters}=A"),
            format!("{letters}A"),
        ] {
            assert_eq!(read(&text), Err(InvalidImage::NotAnImage), "{text:?}");
        }
    }

    #[test]
    fn an_image_of_12_mebibytes_is_read_in_each_form() {
        let mut bytes = PNG.to_vec();
        bytes.resize(MAX_IMAGE_BYTES, 0);
        // `assert_eq` would print 16 MiB.
        let url = Image::data_url(&bytes).unwrap();
        assert!(Image::read(&url).unwrap().url() == url);
        let letters = url.split_once(',').unwrap().1;
        assert!(Image::read(letters).unwrap().url() == url);
        // With line breaks, as MIME and some clients' base64 functions add them.
        let lines = |letters: &str| {
            let lines = letters.as_bytes().chunks(76).map(|line| str::from_utf8(line).unwrap());
            lines.collect::<Vec<_>>().join("\r\n")
        };
        for start in ["", "data:image/png;base64,", "data:image/png;base64,\n", "data:application/octet-stream;base64,"]
        {
            assert!(
                Image::read(&format!("{start}{}", lines(letters))).is_ok_and(|image| image.url() == url),
                "{start}"
            );
        }
        bytes.push(0);
        let longer = lines(&BASE64_STANDARD.encode(&bytes));
        assert_eq!(read(&format!("data:image/png;base64,{longer}")), Err(InvalidImage::TooLarge));
        assert_eq!(Image::data_url(&bytes), Err(InvalidImage::TooLarge));
        assert_eq!(read(&BASE64_STANDARD.encode(&bytes)), Err(InvalidImage::TooLarge));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(data:[a-z/;]{0,12},)?[ -~\\PC]{0,40}") {
            if let Ok(image) = Image::read(&text) {
                prop_assert_eq!(Image::parse(image.url()), Ok(image.clone()));
            }
        }

        #[test]
        fn the_bytes_of_an_image_do_not_change(rest in prop::collection::vec(any::<u8>(), 0..64)) {
            let bytes = [&PNG[..8], &rest].concat();
            let url = Image::data_url(&bytes).unwrap();
            let letters = url.split_once(',').unwrap().1;
            prop_assert_eq!(BASE64_STANDARD.decode(letters).unwrap(), bytes);
            prop_assert_eq!(read(letters), Ok(url.clone()));
        }
    }
}
