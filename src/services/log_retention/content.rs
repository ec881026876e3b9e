//! What a file of the log contains: its number of lines, and their runs.

use std::{fs::File, io, ops::ControlFlow};

use jiff::civil::Date;
use tokio_util::sync::CancellationToken;

use crate::{
    adapters::{
        log_files::{Chunk, LineEnd, LogFile, Reader},
        session_log::{DeletedRun, KnownFile, LogDeleted, Pace},
    },
    domain::{
        log_chain::Chain,
        log_position::{CountedLines, LogPosition},
        log_stamp,
    },
};

/// The most runs in a line of the log. A day on which the process crashed again and again has more.
const RUNS_IN_LINE: usize = 100;

/// The lines of a file.
#[derive(Debug, Default)]
pub(super) struct Content {
    lines: u64,
    runs: Vec<Run>,
}

/// Lines of one process that follow each other in the file.
#[derive(Debug)]
struct Run {
    first: LogPosition,
    last_seq: u64,
    chain: Option<Chain>,
}

impl Content {
    /// Opens a file as it is now, which may be longer than when it was listed, and reads that. Fails as [`Self::read`].
    pub(super) fn open(mut file: LogFile, date: Date, stopping: &CancellationToken) -> io::Result<(KnownFile, Self)> {
        let known = KnownFile::open(&file.path, date)?;
        file.length = Some(known.length());
        let content = Self::read(&file, known.file().try_clone()?, stopping)?;
        Ok((known, content))
    }

    /// Reads an open file to its end, on this thread and with pauses. Fails if a part of it cannot be read, or when `stopping` is
    /// cancelled.
    fn read(file: &LogFile, open: File, stopping: &CancellationToken) -> io::Result<Self> {
        let (mut content, mut failure, mut pace) = (Self::default(), None, Pace::new(stopping));
        let take = |chunk: (Self, Option<io::Error>)| {
            content.append(chunk.0);
            failure = chunk.1.or_else(|| pace.end_step().err().map(|_| io::ErrorKind::Interrupted.into()));
            if failure.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        Reader::of_open(file, open)?.on_this_thread().for_each(Self::of_chunk, take);
        failure.map_or(Ok(content), Err)
    }

    fn of_chunk(chunk: &Chunk<'_>) -> (Self, Option<io::Error>) {
        let mut content = Self::default();
        for line in chunk.lines() {
            content.lines += 1;
            // A part of a line was never confirmed, and no tool takes it for a line.
            if line.end == LineEnd::Whole
                && let Some(stamped) = log_stamp::parse(line.bytes)
            {
                let chain = stamped.chain.map(|stamped| stamped.chain);
                let position = stamped.position;
                content.add(Run { first: position, last_seq: position.seq, chain });
            }
        }
        let failure = chunk.failure.as_ref().map(|failure| io::Error::new(failure.kind(), failure.to_string()));
        (content, failure)
    }

    fn append(&mut self, next: Self) {
        self.lines += next.lines;
        next.runs.into_iter().for_each(|run| self.add(run));
    }

    fn add(&mut self, next: Run) {
        match self.runs.last_mut() {
            Some(last)
                if last.first.instance == next.first.instance
                    && last.last_seq.checked_add(1) == Some(next.first.seq) =>
            {
                last.last_seq = next.last_seq;
                last.chain = next.chain;
            }
            _ => self.runs.push(next),
        }
    }

    /// Returns a line that the database has not counted; `None` if it has counted all numbered lines.
    pub(super) fn uncounted_line(&self, counted: &CountedLines) -> Option<LogPosition> {
        let mut lasts = self.runs.iter().map(|run| LogPosition { seq: run.last_seq, ..run.first });
        lasts.find(|last| !counted.contains(*last))
    }

    /// Returns the lines for the log that declare the deletion of the file.
    pub(super) fn declared(&self, file: &str) -> Vec<LogDeleted> {
        let numbered = |runs: &[Run]| runs.iter().map(|run| run.last_seq - run.first.seq + 1).sum::<u64>();
        let event = |runs: &[Run]| LogDeleted {
            file: file.to_owned(),
            lines: numbered(runs),
            runs: runs.iter().map(Run::declared).collect(),
        };
        let mut events = self.runs.chunks(RUNS_IN_LINE).map(event).collect::<Vec<_>>();
        if events.is_empty() {
            events.push(event(&[]));
        }
        // Lines without a number are in none of the runs.
        events[0].lines += self.lines.saturating_sub(numbered(&self.runs));
        events
    }
}

impl Run {
    fn declared(&self) -> DeletedRun {
        DeletedRun {
            instance: self.first.instance.to_string(),
            first_seq: self.first.seq,
            last_seq: self.last_seq,
            chain: self.chain.map(|chain| chain.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write as _};

    use jiff::civil::date;
    use uuid::Uuid;

    use super::*;
    use crate::{adapters::log_files::find, domain::log_position::InstanceCount};

    fn line(instance: u128, seq: u64) -> String {
        let instance = Uuid::from_u128(instance);
        format!(
            "{{\"event\":\"chat\",\"timestamp\":\"t\",\"date\":\"d\",\"v\":1,\"instance\":\"{instance}\",\"seq\":{seq},\"x\":0}}\n"
        )
    }

    fn content_of(text: &str) -> Content {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, text).unwrap();
        let file = find(std::slice::from_ref(&path)).unwrap().remove(0);
        Content::open(file, date(2026, 1, 1), &CancellationToken::new()).unwrap().1
    }

    #[test]
    fn all_lines_are_declared_in_lines_of_bounded_length() {
        let lines = (1..=250).flat_map(|instance| [line(instance, 7), line(instance, 8)]).collect::<String>();
        let content = content_of(&format!("an old line\n{lines}"));
        let events = content.declared("name");
        assert_eq!(events.iter().map(|event| event.runs.len()).collect::<Vec<_>>(), [100, 100, 50]);
        assert_eq!(events.iter().map(|event| event.lines).collect::<Vec<_>>(), [201, 200, 100]);
        let runs = events.iter().flat_map(|event| &event.runs);
        assert!(runs.clone().all(|run| (run.first_seq, run.last_seq) == (7, 8) && run.chain.is_none()));
        assert_eq!(runs.map(|run| &run.instance).collect::<std::collections::BTreeSet<_>>().len(), 250);
        let events = content_of(line(1, 1).trim_end()).declared("name");
        assert_eq!((events[0].lines, events[0].runs.len()), (1, 0), "a torn line");
        let events = content_of("an old line\n").declared("name");
        assert_eq!((events.len(), events[0].lines, events[0].runs.len()), (1, 1, 0));
    }

    #[test]
    fn lines_that_were_written_after_the_listing_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("session_2026-01-01.log");
        fs::write(&path, line(4, 1)).unwrap();
        let listed = find(std::slice::from_ref(&path)).unwrap().remove(0);
        fs::File::options().append(true).open(&path).unwrap().write_all(line(4, 2).as_bytes()).unwrap();
        let (known, content) = Content::open(listed, date(2026, 1, 1), &CancellationToken::new()).unwrap();
        assert!(known.is_unchanged());
        let events = content.declared("name");
        assert_eq!((events[0].lines, events[0].runs[0].last_seq), (2, 2));
    }

    #[test]
    fn one_uncounted_line_is_enough() {
        let content = content_of(&[line(4, 9), line(4, 10), line(5, 1)].concat());
        let counted = |counted| {
            let count = |instance, counted, is_complete| InstanceCount {
                instance: Uuid::from_u128(instance),
                counted,
                chain: None,
                missing: 0,
                is_complete,
            };
            content.uncounted_line(&CountedLines::from_iter([count(4, 10, true), count(5, counted, false)]))
        };
        let uncounted = LogPosition { instance: Uuid::from_u128(5), seq: 1 };
        assert_eq!([0, 1, 2].map(counted), [Some(uncounted), None, None]);
    }
}
