//! Reading of files that people write: `.env`, the configuration file, and files with one secret.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// An error of reading a file of settings. Its text names what was expected.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableFile {
    /// It is a folder.
    #[error("a file, and it is a folder (Docker makes one where the file to be mounted does not exist)")]
    Folder,
    /// It is a pipe or a device.
    #[error("a file, and it is a pipe or a device")]
    NoRegularFile,
    /// The file cannot be read.
    #[error("a file that this process may read ({0})")]
    Io(#[from] io::Error),
    /// The file is too large.
    #[error("a text file of at most 1 MiB")]
    TooLarge,
    /// The file holds no text.
    #[error("a text file in UTF-8, and it holds bytes that no text has; save it again in that encoding")]
    NotText,
}

impl UnreadableFile {
    /// Whether the file does not exist.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

/// Reads a text file. Fails for pipes and devices, and for invalid UTF-8.
pub(super) fn read_strictly(path: &Path) -> Result<String, UnreadableFile> {
    let kind = fs::metadata(path)?.file_type();
    // Opening a pipe would wait for a writer.
    if !kind.is_file() && !kind.is_dir() {
        return Err(UnreadableFile::NoRegularFile);
    }
    let text = read(path)?;
    if text.contains(char::REPLACEMENT_CHARACTER) { Err(UnreadableFile::NotText) } else { Ok(text) }
}

/// Reads a text file. Invalid UTF-8 becomes U+FFFD.
pub(super) fn read(path: &Path) -> Result<String, UnreadableFile> {
    decode(&read_bytes(path)?)
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, UnreadableFile> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(UnreadableFile::Folder);
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES { Err(UnreadableFile::TooLarge) } else { Ok(bytes) }
}

/// Decodes UTF-8, or UTF-16 as editors and shells of Windows save it. Invalid UTF-8 becomes U+FFFD, which is an error only in
/// the value of a setting.
fn decode(bytes: &[u8]) -> Result<String, UnreadableFile> {
    let text = match bytes {
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes)?,
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes)?,
        // UTF-16 without a byte order mark: in names of ASCII letters, every other byte is zero.
        [first, 0, ..] if *first != 0 => utf16(bytes, u16::from_le_bytes)?,
        [0, second, ..] if *second != 0 => utf16(bytes, u16::from_be_bytes)?,
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    };
    if text.contains('\0') { Err(UnreadableFile::NotText) } else { Ok(text) }
}

fn utf16(bytes: &[u8], unit: impl Fn([u8; 2]) -> u16) -> Result<String, UnreadableFile> {
    let (units, rest) = bytes.as_chunks::<2>();
    let units = units.iter().map(|pair| unit(*pair)).collect::<Vec<_>>();
    if rest.is_empty() { Ok(String::from_utf16_lossy(&units)) } else { Err(UnreadableFile::NotText) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_encodings_of_windows_editors_are_read() {
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
    fn bytes_that_are_not_text_are_refused() {
        for bytes in [&b"PORT=1\0"[..], b"\xFF\xFEP", b"\0\0\0\0", b"\x7fELF\x02\x01\x01\0\0\0"] {
            assert!(decode(bytes).is_err(), "{bytes:?}");
        }
    }
}
