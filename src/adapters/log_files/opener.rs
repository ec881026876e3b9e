//! Opens the files of a listing, each once, also if the service has renamed, compressed or deleted them since.

use std::{
    fs::{File, Metadata},
    io::{self, ErrorKind},
};

use jiff::civil::Date;

use super::{declared_deletion, find::list_day_in, log_file::LogFile};
use crate::foundation::{compression::Compression, file_identity::FileIdentity};

/// The most attempts to open a file that is renamed meanwhile.
const MAX_ATTEMPTS: usize = 8;

/// The files of a listing, which are to be opened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opener<'a> {
    listed: &'a [LogFile],
}

impl<'a> Opener<'a> {
    /// Opens files of this listing, which has them in the order in which they were written.
    pub(super) fn new(listed: &'a [LogFile]) -> Self {
        Self { listed }
    }

    /// Opens a file, wherever it is now, or the one that has its lines because it was compressed. Returns the compression of the
    /// bytes, too; `None` if the log declares the file deleted.
    pub(super) fn open(&self, file: &LogFile) -> io::Result<Option<(File, Compression)>> {
        let Some(day) = file.date.filter(|_| file.identity.is_some()) else {
            return with_compression(file, file.open()?).map(Some);
        };
        let at_path = match File::open(&file.path) {
            Ok(open) if file.is_opened_as(&open.metadata()?) => return with_compression(file, open).map(Some),
            Ok(open) => Some(open),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        for _ in 0..MAX_ATTEMPTS {
            let Some(now) = self.find(file, day) else { break };
            match File::open(&now.path) {
                Ok(open) if now.is_opened_as(&open.metadata()?) => return with_compression(&now, open).map(Some),
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                // It was renamed once more.
                _ => {}
            }
        }
        if declared_deletion::is_declared(day, file.folder(), self.listed) {
            return Ok(None);
        }
        match at_path {
            // Another program has written the file anew.
            Some(open) if !self.is_other(file, &open.metadata()?) => with_compression(file, open).map(Some),
            _ => Err(io::Error::new(ErrorKind::NotFound, "the file was moved or deleted since it was listed")),
        }
    }

    /// Returns the file as it is in its folder now, or the one that has its lines because it was compressed.
    fn find(&self, file: &LogFile, day: Date) -> Option<LogFile> {
        let mut now = list_day_in(file.folder(), day).ok()?;
        if let Some(same) = now.iter().position(|it| it.is_same(file)) {
            return Some(now.swap_remove(same));
        }
        // Files of one day are compressed in their order.
        let listed = self.listed.iter().filter(|it| it.date == Some(day) && it.folder() == file.folder());
        // The service leaves renamed files alone.
        let may_be_gone = |it: &LogFile| it.compression == Compression::None && !it.is_renamed;
        let is_gone = |it: &&LogFile| may_be_gone(it) && !now.iter().any(|now| now.is_same(it));
        let order = listed.clone().filter(is_gone).position(|it| it.path == file.path)?;
        let is_new = |now: &LogFile| now.identity.is_some() && !listed.clone().any(|it| it.identity == now.identity);
        now.retain(|now| now.compression != Compression::None && is_new(now));
        now.into_iter().nth(order)
    }

    /// Returns whether what was opened in place of a file is another file of the listing.
    fn is_other(&self, file: &LogFile, opened: &Metadata) -> bool {
        let identity = FileIdentity::known(opened);
        self.listed.iter().any(|it| it.path != file.path && it.date == file.date && it.identity == identity)
    }
}

fn with_compression(file: &LogFile, open: File) -> io::Result<(File, Compression)> {
    let compression = file.compression_of(&open)?;
    Ok((open, compression))
}
