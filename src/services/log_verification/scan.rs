//! The lines of one chunk of a file, summed up as runs. Chunks are scanned in parallel.

use uuid::Uuid;

use super::{
    claim::Claim,
    declaration::Declaration,
    keys::Keys,
    place::Place,
    run::{Link, Run},
    task::ExpectedLines,
    unstamped::{self, Form, Span, is_object},
};
use crate::{
    adapters::{
        log_files::{Chunk, Line, LineEnd},
        session_log::{Event, LogDeleted, ServiceStart, ServiceStop},
    },
    domain::{
        log_chain::Chain,
        log_position::LogPosition,
        log_stamp::{self, StampedChain, StampedLine},
    },
};

/// The runs and other lines of a chunk.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) lines: u64,
    pub(super) bytes: u64,
    /// The runs, in the order of the file, each with its process.
    pub(super) runs: Vec<(Uuid, Run)>,
    /// The lines without a stamp, as earlier versions wrote them.
    pub(super) unstamped: Vec<Span>,
    /// The lines that no version writes.
    pub(super) foreign: Vec<Span>,
    /// The end of a file without a line feed.
    pub(super) torn: Option<Torn>,
    /// What starts say about the process before.
    pub(super) claims: Vec<Claim>,
    /// The indices of the expected ends that were found.
    pub(super) found: Vec<usize>,
    /// The reason for which the file could not be read to its end.
    pub(super) failure: Option<(Place, String)>,
    /// Whether the file was deleted since it was listed.
    pub(super) is_deleted: bool,
}

/// The last line of a file, without its line feed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Torn {
    pub(super) place: Place,
    /// Whether only the line feed is missing.
    pub(super) is_whole: bool,
}

/// Scans a chunk. Returns the index of its file, too.
pub(super) fn scan(chunk: &Chunk<'_>, mut keys: Keys, expected: &ExpectedLines<'_>) -> (usize, Scan) {
    let date = chunk.file.date.map(|date| date.to_string());
    let scan = Scan { bytes: chunk.bytes() as u64, is_deleted: chunk.is_deleted, ..Scan::default() };
    let mut scanner =
        Scanner { file: chunk.file_index, date, keys: &mut keys, expected, previous: None, key: None, scan };
    chunk.lines().for_each(|line| scanner.add(line));
    let place = || Place { file: chunk.file_index, line: chunk.next_line() };
    scanner.scan.failure = chunk.failure.as_ref().map(|failure| (place(), failure.to_string()));
    (chunk.file_index, scanner.scan)
}

struct Scanner<'a> {
    file: usize,
    /// The date in the file's name.
    date: Option<String>,
    keys: &'a mut Keys,
    expected: &'a ExpectedLines<'a>,
    /// The last line with a stamp.
    previous: Option<PreviousLine>,
    /// The key of the process whose lines come.
    key: Option<(Uuid, usize)>,
    scan: Scan,
}

struct PreviousLine {
    position: LogPosition,
    chain: Option<Chain>,
    /// The chain that follows from the line before, if the line has another one.
    calculated: Option<Chain>,
}

impl Scanner<'_> {
    fn add(&mut self, line: Line<'_>) {
        let place = Place { file: self.file, line: line.number };
        self.scan.lines += 1;
        match line.end {
            LineEnd::Torn => self.scan.torn = Some(Torn { place, is_whole: is_object(line.bytes) }),
            LineEnd::TooLong { .. } => unstamped::add(&mut self.scan.foreign, place, Form::TooLong),
            LineEnd::Whole => match log_stamp::parse(line.bytes) {
                // A chain proves the whole line.
                Some(stamped) if stamped.chain.is_some() || is_object(line.bytes) => {
                    self.add_stamped(place, line.bytes, &stamped);
                }
                _ => {
                    let form = Form::of(line.bytes);
                    let is_event = matches!(form, Form::Event(_));
                    let spans = if is_event { &mut self.scan.unstamped } else { &mut self.scan.foreign };
                    unstamped::add(spans, place, form);
                }
            },
        }
    }

    fn add_stamped(&mut self, place: Place, line: &[u8], stamped: &StampedLine<'_>) {
        let position = stamped.position;
        if position.seq > 1 {
            // After the lines of an earlier version, a process of this one starts.
            self.scan.foreign.extend(unstamped::take_before(&mut self.scan.unstamped, place));
        }
        let follows = self.previous.as_ref().is_some_and(|previous| is_next(previous.position, position));
        let (to_previous, calculated) = match &stamped.chain {
            Some(chain) => self.link(line, position, chain, follows),
            None => (Link::Unchained, None),
        };
        let chain = stamped.chain.as_ref().map(|stamped| stamped.chain);
        self.scan.found.extend(self.expected.at(position, chain));
        if stamped.event == ServiceStart::NAME {
            self.scan.claims.extend(Claim::of(position.instance, place, line));
        }
        let declared = (stamped.event == LogDeleted::NAME).then(|| serde_json::from_slice(line).ok()).flatten();
        let declaration = declared.map(|event| Declaration { place, seq: position.seq, event });
        let run = Run {
            first: place,
            last: place,
            first_seq: position.seq,
            last_seq: position.seq,
            broken: u64::from(to_previous == Link::Broken),
            link: to_previous,
            key: self.key_of(position.instance),
            last_chain: chain,
            is_stopped: stamped.event == ServiceStop::NAME,
            is_misplaced: self.date.as_deref().is_some_and(|date| date != stamped.date),
            declarations: declaration.into_iter().collect(),
        };
        self.push(position.instance, run, follows);
        self.previous = Some(PreviousLine { position, chain, calculated });
    }

    /// Returns the key of a process, if its lines come.
    fn key_of(&self, instance: Uuid) -> Option<usize> {
        self.key.filter(|(known, _)| *known == instance).map(|(_, key)| key)
    }

    /// Returns how a line fits its predecessor, and the chain that it should have if it does not. `follows` says whether the
    /// line before has the number before.
    fn link(
        &mut self,
        line: &[u8],
        position: LogPosition,
        stamped: &StampedChain,
        follows: bool,
    ) -> (Link, Option<Chain>) {
        let known = self.key_of(position.instance);
        let previous = self.previous.as_ref();
        let before = if position.seq == 1 { Some(Chain::START) } else { previous.and_then(|previous| previous.chain) };
        let calculated = previous.filter(|_| follows).and_then(|previous| previous.calculated);
        let mut fits = |before| self.keys.fitting(known, before, line, stamped);
        let key = before.and_then(&mut fits).or_else(|| calculated.and_then(&mut fits));
        if position.seq > 1 && !follows {
            if key.is_some() {
                // The line before has another number than the one that this line follows.
                self.retract_previous();
            }
            return (Link::Open(line.to_vec()), None);
        }
        let Some(before) = before else { return (Link::Unknown, None) };
        match key {
            Some(key) => {
                self.key = Some((position.instance, key));
                (Link::Fits, None)
            }
            None => (Link::Broken, known.map(|key| self.keys.chain(key, before, line, stamped))),
        }
    }

    /// Takes the last run, a single line, for an altered one.
    fn retract_previous(&mut self) {
        if let Some((_, run)) = self.scan.runs.pop_if(|(_, run)| run.len() == 1) {
            unstamped::add(&mut self.scan.foreign, run.first, Form::Event(None));
        }
    }

    fn push(&mut self, instance: Uuid, run: Run, follows: bool) {
        match self.scan.runs.last_mut() {
            Some((_, last)) if follows && continues(last, &run) => {
                last.broken += run.broken;
                last.append(run);
            }
            _ => self.scan.runs.push((instance, run)),
        }
    }
}

/// Returns whether a line that follows a run belongs to it.
fn continues(run: &Run, line: &Run) -> bool {
    let fits = match line.link {
        Link::Fits => run.link != Link::Unchained,
        Link::Broken => run.broken == run.len(),
        Link::Unchained => run.link == Link::Unchained,
        Link::Open(_) | Link::Unknown => false,
    };
    fits && run.is_misplaced == line.is_misplaced
}

fn is_next(before: LogPosition, position: LogPosition) -> bool {
    before.instance == position.instance && before.seq.checked_add(1) == Some(position.seq)
}
