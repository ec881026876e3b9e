//! The `.env` file: found, decoded and read into assignments.
//!
//! A reader of our own, because `dotenvy` replaces `$NAME` (which cuts a key that holds a `$`), refuses unquoted blanks,
//! and stops at the first line that it doesn't understand, also where that line belongs to another program.

mod lines;

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

pub(super) use self::lines::{Assignment, Malformed};

/// Largest file read, in bytes.
const LARGEST: u64 = 1 << 20;

/// A `.env` file exists and cannot be read. Worded as what was expected of it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("a file, and it is a folder (Docker makes one where the file to be mounted does not exist)")]
    Folder,
    #[error("a file that this process may read ({0})")]
    Io(#[from] io::Error),
    #[error("a text file of at most 1 MiB")]
    TooLarge,
    #[error("a text file in UTF-8, and it holds bytes that no text has; save it again in that encoding")]
    NotText,
}

/// The assignments of the file at `path`, none where there is no file. `is_setting` says which names matter: a value of
/// another program's may have several lines, and may be malformed.
pub(super) fn read(path: &Path, is_setting: impl Fn(&str) -> bool) -> Result<Vec<Assignment>, Unreadable> {
    let bytes = match read_bytes(path) {
        Err(Unreadable::Io(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read?,
    };
    Ok(lines::assignments(&decode(&bytes)?, is_setting))
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, Unreadable> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(Unreadable::Folder);
    }
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST { Err(Unreadable::TooLarge) } else { Ok(bytes) }
}

/// The text of a file in UTF-8, or in UTF-16 as Windows' editors and shells save it. Bytes that are not UTF-8 become
/// U+FFFD, so that they matter only where a setting has them.
fn decode(bytes: &[u8]) -> Result<String, Unreadable> {
    let text = match bytes {
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes)?,
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes)?,
        // Without a byte order mark: in a name of ASCII letters, every other byte is zero.
        [first, 0, ..] if *first != 0 => utf16(bytes, u16::from_le_bytes)?,
        [0, second, ..] if *second != 0 => utf16(bytes, u16::from_be_bytes)?,
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    };
    if text.contains('\0') { Err(Unreadable::NotText) } else { Ok(text) }
}

fn utf16(bytes: &[u8], unit: impl Fn([u8; 2]) -> u16) -> Result<String, Unreadable> {
    let (units, rest) = bytes.as_chunks::<2>();
    let units = units.iter().map(|pair| unit(*pair)).collect::<Vec<_>>();
    if rest.is_empty() { Ok(String::from_utf16_lossy(&units)) } else { Err(Unreadable::NotText) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_of_windows_editors_is_read() {
        let text = "PORT=5001\r\nOPENAI_MODEL=größer";
        let units = text.encode_utf16();
        let little = units.clone().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        let big = units.flat_map(u16::to_be_bytes).collect::<Vec<_>>();
        for bytes in [
            text.as_bytes().to_vec(),
            [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
            [b"\xFF\xFE".to_vec(), little.clone()].concat(),
            [b"\xFE\xFF".to_vec(), big.clone()].concat(),
            little,
            big,
        ] {
            assert_eq!(decode(&bytes).unwrap(), text, "{bytes:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        for bytes in [&b"PORT=1\0"[..], b"\xFF\xFEP", b"\0\0\0\0", b"\x7fELF\x02\x01\x01\0\0\0"] {
            assert!(decode(bytes).is_err(), "{bytes:?}");
        }
    }
}
