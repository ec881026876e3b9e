//! Compression with gzip.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};

/// Returns the bytes compressed with gzip.
pub fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
