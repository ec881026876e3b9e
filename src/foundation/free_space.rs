//! The free space of a disk.

use std::{
    io::{self, ErrorKind},
    path::Path,
};

/// Fails with [`ErrorKind::StorageFull`] if the disk of a folder has less free space than so many bytes. Quotas are not known.
pub fn ensure_free_space(folder: &Path, bytes: u64) -> io::Result<()> {
    if free_space(folder)?.is_some_and(|free| free < bytes) { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
}

/// Returns the free space in bytes that this process may use.
#[cfg(unix)]
fn free_space(folder: &Path) -> io::Result<Option<u64>> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(Some(disk.f_bavail.saturating_mul(disk.f_frsize)))
}

/// Returns nothing: on this system, the free space is not known.
#[cfg(not(unix))]
fn free_space(_: &Path) -> io::Result<Option<u64>> {
    Ok(None)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn more_than_the_disk_has_is_not_free() {
        let dir = tempfile::tempdir().unwrap();
        ensure_free_space(dir.path(), 1).unwrap();
        let failure = ensure_free_space(dir.path(), u64::MAX).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::StorageFull);
        assert_eq!(ensure_free_space(&dir.path().join("missing"), 1).unwrap_err().kind(), ErrorKind::NotFound);
    }
}
