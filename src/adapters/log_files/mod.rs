//! Session logs as input of the command line's tools: finds their files, plain or compressed, and reads their lines on
//! several threads, in memory that does not grow with the files; or follows them, line by line as they are written.
//!
//! The writer of the running service is in [`super::session_log`]; these tools read beside it and change nothing.

mod appended;
mod chunk;
mod chunk_reader;
mod declared_deletion;
mod find;
mod follower;
mod last_lines;
mod line_check;
mod listing;
mod log_file;
mod opener;
mod ordered;
mod parallel;
mod seen;
mod sizes;
mod text;

pub use self::{
    chunk::{Chunk, Line, LineEnd},
    find::{FindFailure, find, find_in, list_in, other_files_in},
    follower::{Followed, Follower},
    last_lines::{LastLines, LineDamage, Place, last_lines},
    line_check::{LineFault, parse_line},
    log_file::LogFile,
    parallel::Reader,
    seen::SeenLines,
};
