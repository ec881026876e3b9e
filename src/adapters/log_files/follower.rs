//! Follows logs: finds the lines that are appended to their files, also after files were rotated or folders replaced.
//!
//! Files are asked for their lengths again and again, which works on every file system, network ones included. Files that
//! were read lately stay open, so that a renamed or deleted file is read to its end.

use std::{
    collections::HashSet,
    fs::File,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use super::{
    appended::AppendedLines,
    chunk::LineEnd,
    find::{FindFailure, find, find_in},
    listing::{Listed, Watched, places},
    log_file::LogFile,
    opener::Opener,
    seen::SeenLines,
};
use crate::{
    domain::{log_position::LogPosition, log_stamp},
    foundation::{compression::Compression, file_identity::FileIdentity},
};

/// The number of files of a folder that stay open.
const OPEN_FILES: usize = 16;

/// The files of logs, with the lines that were read so far.
#[derive(Debug)]
pub struct Follower {
    logs: Vec<FollowedLog>,
}

/// A new line of a followed log, or a failure to read it.
#[derive(Debug)]
pub enum Followed<'a> {
    /// A line was appended.
    Line {
        /// The file.
        path: &'a Path,
        /// The bytes without the line feed; of a line that is too long only the beginning.
        bytes: &'a [u8],
        /// The end of the line: whole or too long.
        end: LineEnd,
    },
    /// A file or folder could not be read. It is tried again each time, and named once.
    Failure(PathBuf, io::Error),
}

/// A folder of a log, or a file that is given by itself.
#[derive(Debug)]
struct FollowedLog {
    watched: Watched,
    seen: SeenLines,
    files: Vec<FollowedFile>,
    failed: HashSet<PathBuf>,
}

/// A file whose first lines were read.
#[derive(Debug)]
struct FollowedFile {
    identity: FileIdentity,
    /// The name that the file has or had before it was rotated.
    name: String,
    path: PathBuf,
    /// The length in bytes when the file was read last.
    length: u64,
    /// The open file; `None` for a file that was not written to for long.
    open: Option<AppendedLines>,
}

/// The place of a line, which decides whether it may have been shown before.
struct Origin<'a> {
    path: &'a Path,
    /// Whether the line is appended to a file that was read before.
    is_appended: bool,
    /// Whether the file is a rotated one.
    is_rotated: bool,
}

impl Follower {
    /// Returns a follower of the logs at the paths, and the files that are there now with lengths that end with a line:
    /// the follower returns all lines after these. A folder need not have a file yet.
    pub fn start(paths: &[PathBuf]) -> Result<(Self, Vec<LogFile>), FindFailure> {
        let (mut logs, mut found) = (Vec::new(), Vec::new());
        for (path, watched) in places(paths) {
            let files = if watched.file.is_none() { find_in(path) } else { find(std::slice::from_ref(path)) };
            let files = match files {
                Err(FindFailure::NoLog(_)) => Vec::new(),
                files => files?,
            };
            let unreadable = |error| FindFailure::Unreadable(path.clone(), error);
            let (log, files) = FollowedLog::start(watched, files).map_err(unreadable)?;
            logs.push(log);
            found.extend(files);
        }
        found.sort_by_key(LogFile::order);
        Ok((Self { logs }, found))
    }

    /// Reads what was appended since the last call, or since the start.
    pub fn poll(&mut self, mut on_event: impl FnMut(Followed<'_>)) {
        for log in &mut self.logs {
            log.poll(&mut on_event);
        }
    }
}

impl FollowedLog {
    fn start(watched: Watched, mut files: Vec<LogFile>) -> io::Result<(Self, Vec<LogFile>)> {
        let mut log = Self { watched, seen: SeenLines::default(), files: Vec::new(), failed: HashSet::new() };
        let listed = files.clone();
        let opener = Opener::new(&listed);
        for file in &mut files {
            let Some(name) = log.watched.base_name(&file.path).map(str::to_owned) else { continue };
            if file.compression == Compression::None && file.length.is_some() {
                // One that was compressed or deleted meanwhile gets no lines.
                let Some((open, Compression::None)) = opener.open(file)? else { continue };
                let (known, last) = FollowedFile::start(name, file, open)?;
                log.files.push(known);
                if let Some(position) = last {
                    log.seen.add_up_to(position);
                }
            }
        }
        log.close_old();
        Ok((log, files))
    }

    fn poll(&mut self, on_event: &mut impl FnMut(Followed<'_>)) {
        // First the list, then what was written before it to files that are no longer in it: lines of the next file follow.
        let listed = match self.watched.list() {
            Ok(listed) => listed,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                let folder = self.watched.folder.clone();
                return self.name_failure(folder, error, on_event);
            }
        };
        self.read_unlisted(&listed, on_event);
        for file in listed {
            let path = file.path.clone();
            if let Err(error) = self.read_listed(file, on_event)
                && error.kind() != ErrorKind::NotFound
            {
                self.name_failure(path, error, on_event);
            }
        }
        self.close_old();
    }

    fn read_unlisted(&mut self, listed: &[Listed], on_event: &mut impl FnMut(Followed<'_>)) {
        self.files.retain(|known| known.open.is_some() || listed.iter().any(|file| known.is(file)));
        for known in self.files.iter_mut().filter(|known| !listed.iter().any(|file| known.is(file))) {
            // A file that was deleted cannot be opened again, so its failure has no remedy.
            let _ = known.read(false, &mut self.seen, on_event);
        }
    }

    fn read_listed(&mut self, file: Listed, on_event: &mut impl FnMut(Followed<'_>)) -> io::Result<()> {
        let is_rotated = file.is_rotated;
        let at = if let Some(at) = self.files.iter().position(|known| known.is(&file)) {
            at
        } else {
            let Some(new) = FollowedFile::of_new(&file)? else { return Ok(()) };
            self.files.push(new);
            self.files.len() - 1
        };
        let known = &mut self.files[at];
        known.path = file.path;
        if known.open.is_none() && known.length != file.length {
            known.reopen(file.identity)?;
        }
        if known.read(is_rotated, &mut self.seen, on_event)? {
            // The last file is the one that was written to last.
            let known = self.files.remove(at);
            self.files.push(known);
        }
        Ok(())
    }

    /// Closes the files that were not written to for the longest time.
    fn close_old(&mut self) {
        let old = self.files.len().saturating_sub(OPEN_FILES);
        self.files[..old].iter_mut().for_each(|known| known.open = None);
    }

    fn name_failure(&mut self, path: PathBuf, error: io::Error, on_event: &mut impl FnMut(Followed<'_>)) {
        if self.failed.insert(path.clone()) {
            on_event(Followed::Failure(path, error));
        }
    }
}

impl FollowedFile {
    /// Begins to follow an open file that exists at the start, and sets its length to the end of its last line. Returns the last
    /// position in it, too.
    fn start(name: String, file: &mut LogFile, open: File) -> io::Result<(Self, Option<LogPosition>)> {
        let data = open.metadata()?;
        let (length, last) = super::last_lines::end_of_lines(&open, data.len())?;
        file.length = Some(length);
        let identity = FileIdentity::of(&data);
        let position = log_stamp::parse(&last).map(|line| line.position);
        let open = Some(AppendedLines::new(open, length)?);
        Ok((Self { identity, name, path: file.path.clone(), length, open }, position))
    }

    /// Opens a file that is new; `None` for one that is compressed, and has its old name for a moment.
    fn of_new(file: &Listed) -> io::Result<Option<Self>> {
        let open = File::open(&file.path)?;
        if Compression::of(&open)? != Compression::None {
            return Ok(None);
        }
        let identity = FileIdentity::of(&open.metadata()?);
        let open = Some(AppendedLines::new(open, 0)?);
        Ok(Some(Self { identity, name: file.name.clone(), path: file.path.clone(), length: 0, open }))
    }

    fn reopen(&mut self, identity: FileIdentity) -> io::Result<()> {
        let open = File::open(&self.path)?;
        if FileIdentity::of(&open.metadata()?) == identity {
            self.open = Some(AppendedLines::new(open, self.length)?);
        }
        Ok(())
    }

    fn is(&self, file: &Listed) -> bool {
        self.identity == file.identity && self.name == file.name
    }

    /// Reads what was appended. Returns whether there was anything.
    fn read(
        &mut self,
        is_rotated: bool,
        seen: &mut SeenLines,
        on_event: &mut impl FnMut(Followed<'_>),
    ) -> io::Result<bool> {
        let Some(open) = &mut self.open else { return Ok(false) };
        let (path, is_known, mut has_lines) = (self.path.as_path(), self.length > 0, false);
        self.length = open.read(|bytes, end, is_truncated| {
            has_lines = true;
            let origin = Origin { path, is_appended: is_known && !is_truncated, is_rotated };
            origin.show(bytes, end, seen, on_event);
        })?;
        Ok(has_lines)
    }
}

impl Origin<'_> {
    fn show(&self, bytes: &[u8], end: LineEnd, seen: &mut SeenLines, on_event: &mut impl FnMut(Followed<'_>)) {
        // A copy has lines that were shown, and a file without stamps may be one.
        let is_new = match log_stamp::parse(bytes) {
            Some(line) => seen.add(line.position) || self.is_appended,
            None => self.is_appended || !self.is_rotated,
        };
        if is_new {
            on_event(Followed::Line { path: self.path, bytes, end });
        }
    }
}
