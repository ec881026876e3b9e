//! The compression of a file, told by the ending of its name, or by its first bytes: a file may be compressed under its old
//! name, or have an ending that is not true.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
};

/// The first bytes of a gzip member.
const GZIP_START: &[u8] = &[0x1f, 0x8b];

/// The first bytes of a Zstandard frame.
const ZSTD_START: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// The compression of a file's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not compressed.
    None,
    /// By gzip.
    Gzip,
    /// By Zstandard.
    Zstd,
}

impl Compression {
    /// All compressions.
    pub const ALL: [Self; 2] = [Self::Gzip, Self::Zstd];

    /// Returns the ending of the names of files that are compressed so; nothing for [`Self::None`].
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }

    /// Returns the compression that a file's name says, and the name without its ending.
    #[must_use]
    pub fn split_name(name: &str) -> (Self, &str) {
        let of_ending = |it: Self| Some((it, name.strip_suffix(it.ending())?));
        Self::ALL.into_iter().find_map(of_ending).unwrap_or((Self::None, name))
    }

    /// Returns the compression of an open file by its first bytes; [`Self::None`] for a file that is empty or begins
    /// otherwise. The next read begins at the start.
    pub fn of(mut file: &File) -> io::Result<Self> {
        let mut start = Vec::new();
        file.seek(SeekFrom::Start(0))?;
        file.take(ZSTD_START.len() as u64).read_to_end(&mut start)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(Self::of_start(&start))
    }

    fn of_start(start: &[u8]) -> Self {
        if start.starts_with(GZIP_START) {
            Self::Gzip
        } else if start.starts_with(ZSTD_START) {
            Self::Zstd
        } else {
            Self::None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write as _};

    use super::*;

    #[test]
    fn compressed_files_are_told_by_their_first_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("any name");
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"{}\n").unwrap();
        let zstd = zstd::encode_all(&b"{}\n"[..], 9).unwrap();
        for (bytes, expected) in [
            (gzip.finish().unwrap(), Compression::Gzip),
            (zstd, Compression::Zstd),
            (b"{}\n".to_vec(), Compression::None),
            (vec![0x28], Compression::None),
            (Vec::new(), Compression::None),
        ] {
            fs::write(&path, &bytes).unwrap();
            let mut file = File::open(&path).unwrap();
            assert_eq!(Compression::of(&file).unwrap(), expected, "{bytes:?}");
            let mut read = Vec::new();
            file.read_to_end(&mut read).unwrap();
            assert_eq!(read, bytes);
        }
    }
}
