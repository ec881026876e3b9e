//! The lines of one chunk of a file, summed up as runs. Chunks are scanned in parallel.

use serde::{Deserialize, de::IgnoredAny};
use uuid::Uuid;

use super::{
    declaration::Declaration,
    keys::Keys,
    place::Place,
    run::{Link, Run},
    task::Expected,
};
use crate::{
    adapters::{
        log_files::{Chunk, Line, LineEnd},
        session_log::{Event, LogDeleted, PreviousInstance, ServiceStart, ServiceStop},
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
    pub(super) torn: Option<Place>,
    /// What starts say about the process before.
    pub(super) claims: Vec<Claim>,
    /// The indices of the expected ends that were found.
    pub(super) found: Vec<usize>,
    /// The reason for which the file could not be read to its end.
    pub(super) failure: Option<(Place, String)>,
    /// Whether the file was deleted since it was listed.
    pub(super) is_deleted: bool,
}

/// Lines that follow each other in a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) first: Place,
    pub(super) count: u64,
}

impl Span {
    /// Returns whether a line follows these lines in their file.
    pub(super) fn is_before(&self, place: Place) -> bool {
        self.first.file == place.file && self.first.line + self.count == place.line
    }
}

/// A start's statement about the process before.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) by: Uuid,
    pub(super) at: Place,
    pub(super) end: PreviousInstance,
}

#[derive(Deserialize)]
struct StartLine {
    previous: Option<PreviousInstance>,
}

/// Scans a chunk. Returns the index of its file, too.
pub(super) fn scan(chunk: &Chunk<'_>, mut keys: Keys, expected: &[Expected]) -> (usize, Scan) {
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
    expected: &'a [Expected],
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
            LineEnd::Torn => self.scan.torn = Some(place),
            LineEnd::TooLong { .. } => add_to(&mut self.scan.foreign, place),
            LineEnd::Whole => match log_stamp::parse(line.bytes) {
                Some(StampedLine { chain: None, .. }) | None if !is_object(line.bytes) => {
                    add_to(&mut self.scan.foreign, place);
                }
                Some(stamped) => self.add_stamped(place, line.bytes, &stamped),
                None => add_to(&mut self.scan.unstamped, place),
            },
        }
    }

    fn add_stamped(&mut self, place: Place, line: &[u8], stamped: &StampedLine<'_>) {
        let position = stamped.position;
        if position.seq > 1 {
            // After the lines of an earlier version, a process of this one starts.
            self.scan.foreign.extend(self.scan.unstamped.pop_if(|span| span.is_before(place)));
        }
        let follows = self.previous.as_ref().is_some_and(|previous| is_next(previous.position, position));
        let (to_previous, calculated) = match &stamped.chain {
            Some(chain) => self.link(line, position, chain, follows),
            None => (Link::Unchained, None),
        };
        let chain = stamped.chain.as_ref().map(|stamped| stamped.chain);
        self.scan.found.extend(self.expected.iter().enumerate().filter_map(|(index, expected)| {
            (expected.seq == position.seq && expected.is_at(position.instance, chain)).then_some(index)
        }));
        if stamped.event == ServiceStart::NAME {
            let claim = serde_json::from_slice(line).ok().and_then(|start: StartLine| start.previous);
            self.scan.claims.extend(claim.map(|end| Claim { by: position.instance, at: place, end }));
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
            add_to(&mut self.scan.foreign, run.first);
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

/// Returns whether a line is a JSON object in UTF-8. (serde does not check the bytes of texts that it ignores.)
fn is_object(line: &[u8]) -> bool {
    let is_json = |line| serde_json::from_str::<IgnoredAny>(line).is_ok();
    line.first() == Some(&b'{') && std::str::from_utf8(line).is_ok_and(is_json)
}

fn add_to(spans: &mut Vec<Span>, place: Place) {
    match spans.last_mut() {
        Some(span) if span.is_before(place) => span.count += 1,
        _ => spans.push(Span { first: place, count: 1 }),
    }
}
