//! File descriptors: the process's limit, errors for want of one, and one that is reserved.
//!
//! Each open file and each connection takes a descriptor. The usual limit of a process is 1024.

use std::{fs::File, io};

/// A file that exists on every Unix system, and costs nothing to open.
const NULL_FILE: &str = "/dev/null";

/// Raises the process's limit as far as the system allows, as other servers do at their start.
pub fn raise_limit() -> io::Result<()> {
    rlimit::increase_nofile_limit(u64::MAX).map(drop)
}

/// Returns the number of descriptors that the process may have open; the largest number if there is no limit.
#[must_use]
pub fn limit() -> usize {
    // Raises nothing, as no limit is lower.
    rlimit::increase_nofile_limit(0).ok().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX)
}

/// Returns the share of so many descriptors for connections that serve no turn of a client: a sixteenth of them.
#[must_use]
pub fn small_share(limit: usize) -> usize {
    (limit / 16).max(1)
}

/// Whether an error says that the process or the machine has no descriptor left (EMFILE, ENFILE).
#[cfg(unix)]
#[must_use]
pub fn is_shortage(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let code = error.raw_os_error();
    [Errno::MFILE, Errno::NFILE].iter().any(|errno| code == Some(errno.raw_os_error()))
}

/// Whether an error says that the process or the machine has no descriptor left. There is no such limit here.
#[cfg(not(unix))]
#[must_use]
pub fn is_shortage(_: &io::Error) -> bool {
    false
}

/// Whether no descriptor is left now. For errors of libraries that hide their reason, such as those of name lookups.
#[must_use]
pub fn are_exhausted() -> bool {
    File::open(NULL_FILE).is_err_and(|error| is_shortage(&error))
}

/// A descriptor in reserve, for a file that must be opened even if none is left.
#[derive(Debug)]
pub struct ReservedDescriptor(Option<File>);

impl Default for ReservedDescriptor {
    fn default() -> Self {
        Self(File::open(NULL_FILE).ok())
    }
}

impl ReservedDescriptor {
    /// Calls `open`, and calls it again with the reserved descriptor if no other is left. Another thread may take that
    /// one meanwhile; then this fails, and a later call may succeed.
    pub fn open<T>(&mut self, open: impl Fn() -> io::Result<T>) -> io::Result<T> {
        let opened = open();
        let opened = match opened {
            Err(error) if is_shortage(&error) && self.0.take().is_some() => open(),
            opened => opened,
        };
        if self.0.is_none() {
            *self = Self::default();
        }
        opened
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_known_and_not_reached() {
        assert!(limit() > 16 && small_share(limit()) <= limit() / 16);
        assert!(!are_exhausted());
        assert!(!is_shortage(&io::ErrorKind::NotFound.into()));
    }

    #[cfg(unix)]
    #[test]
    fn the_reserved_descriptor_is_used_for_want_of_others() {
        use rustix::io::Errno;
        use std::cell::Cell;
        let mut reserved = ReservedDescriptor::default();
        let calls = Cell::new(0);
        let open = |failures| {
            calls.set(calls.get() + 1);
            if calls.get() <= failures { Err(io::Error::from(Errno::MFILE)) } else { Ok(calls.get()) }
        };
        assert_eq!(reserved.open(|| open(1)).ok(), Some(2));
        assert!(reserved.0.is_some(), "it is reserved again");
        calls.set(0);
        assert!(reserved.open(|| open(2)).is_err_and(|error| is_shortage(&error)));
        calls.set(0);
        assert!(reserved.open(|| Err::<(), _>(io::ErrorKind::NotFound.into())).is_err());
    }
}
