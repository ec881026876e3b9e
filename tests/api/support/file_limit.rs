//! A limit on the size of files, which stands for a full disk.

use rustix::process::{Pid, Resource, Rlimit, prlimit};

/// Limits the size of the files that a process writes, in bytes; `None` removes the limit. The process must ignore SIGXFSZ.
pub fn limit_file_size(process: u32, bytes: Option<u64>) {
    let id = Pid::from_raw(i32::try_from(process).expect("an id")).expect("an id");
    prlimit(Some(id), Resource::Fsize, Rlimit { current: bytes, maximum: None }).expect("a limit");
}
