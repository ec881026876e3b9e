//! Processes the chunks of files on several threads.

use std::{
    fs::File,
    io,
    num::NonZero,
    ops::ControlFlow,
    sync::{Mutex, PoisonError},
    thread,
};

use super::{chunk::Chunk, chunk_reader::ChunkReader, log_file::LogFile, ordered::Ordered, sizes::Sizes, text::Text};

/// The most threads. Reading and decompressing are done by one thread at a time, and feed no more.
const MAX_THREADS: usize = 8;

/// The number of bytes beyond which a chunk is large. It then has a line that is much longer than most.
const LARGE_CHUNK: usize = 4 << 20;

/// The number of results for each thread that may wait for that of an earlier chunk.
const RESULTS_AHEAD: usize = 4;

/// Reads files, chunk by chunk, on as many threads as there are processors, at least two.
pub struct Reader<'a> {
    files: &'a [LogFile],
    /// The text of the first file, if that is open already.
    opened: Mutex<Option<Text>>,
    threads: usize,
    on_read: Box<dyn Fn(u64) + Send + Sync + 'a>,
}

impl std::fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("files", &self.files.len()).field("threads", &self.threads).finish()
    }
}

impl<'a> Reader<'a> {
    /// Returns a reader of these files, in their order.
    #[must_use]
    pub fn new(files: &'a [LogFile]) -> Self {
        let threads = thread::available_parallelism().map_or(1, NonZero::get).clamp(2, MAX_THREADS);
        Self { files, opened: Mutex::default(), threads, on_read: Box::new(|_| {}) }
    }

    /// Returns a reader of a file that is open already, wherever it is now.
    pub fn of_open(file: &'a LogFile, open: File) -> io::Result<Self> {
        let compression = file.compression_of(&open)?;
        Ok(Self::of_text(file, Text::new(open, compression, file.length)?))
    }

    /// Returns a reader of a file's text.
    pub(super) fn of_text(file: &'a LogFile, text: Text) -> Self {
        Self { opened: Mutex::new(Some(text)), ..Self::new(std::slice::from_ref(file)) }
    }

    /// Reads on the calling thread only, which leaves the processors to others.
    #[must_use]
    pub fn on_this_thread(self) -> Self {
        Self { threads: 1, ..self }
    }

    /// Calls a function with the number of bytes that were read from a file, compressed ones if it is compressed, for each
    /// chunk.
    #[must_use]
    pub fn on_read(self, on_read: impl Fn(u64) + Send + Sync + 'a) -> Self {
        Self { on_read: Box::new(on_read), ..self }
    }

    /// Computes a result of each chunk, on several threads, and takes the results one by one in the order of the chunks:
    /// those of the first file from its start to its end, then those of the second file. Ends early when `take` breaks.
    pub fn for_each<T: Send>(
        &self,
        compute: impl Fn(&Chunk<'_>) -> T + Sync,
        take: impl FnMut(T) -> ControlFlow<()> + Send,
    ) {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner).take();
        let source = Mutex::new((0, ChunkReader::new(self.files, opened, Sizes::default())));
        let results = Ordered::new(take, self.threads * RESULTS_AHEAD);
        let work = || {
            let stop = StopOnPanic(|| results.stop());
            let mut buffer = Vec::new();
            while results.is_open() {
                let mut guard = source.lock().unwrap_or_else(PoisonError::into_inner);
                let (index, reader) = &mut *guard;
                let Some((chunk, read_bytes)) = reader.next(&mut buffer) else { break };
                let own = *index;
                *index += 1;
                // Of large chunks, one at a time is in memory: the next one is read when this one's result is there.
                let is_large = chunk.bytes() > LARGE_CHUNK;
                let guard = is_large.then_some(guard);
                (self.on_read)(read_bytes);
                results.add(own, compute(&chunk));
                if is_large {
                    buffer = Vec::new();
                }
                drop(guard);
            }
            drop(stop);
        };
        thread::scope(|scope| {
            for _ in 1..self.threads {
                // This thread does the work of those that cannot be started.
                let _ = thread::Builder::new().name("log-reader".to_owned()).spawn_scoped(scope, work);
            }
            work();
        });
    }
}

/// Calls a function if the thread panics, so that the other threads do not wait for its result.
struct StopOnPanic<F: Fn()>(F);

impl<F: Fn()> Drop for StopOnPanic<F> {
    fn drop(&mut self) {
        if thread::panicking() {
            (self.0)();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        io::Write as _,
        sync::atomic::{AtomicU64, Ordering},
    };

    use super::*;
    use crate::adapters::log_files::{LineEnd, find, find_in};

    /// Returns 40,000 lines.
    fn text_of(line: impl Fn(u32) -> String) -> String {
        (1..=40_000).map(line).collect::<Vec<_>>().join("\n") + "\n"
    }

    /// Returns the file's index, the line's number and the line, of all lines.
    fn read_all(reader: &Reader<'_>) -> Vec<(usize, u64, String)> {
        let mut lines = Vec::new();
        let compute = |chunk: &Chunk<'_>| {
            assert!(chunk.failure.is_none(), "{chunk:?}");
            let text = |line: &[u8]| String::from_utf8(line.to_vec()).unwrap();
            chunk.lines().map(|line| (chunk.file_index, line.number, text(line.bytes))).collect::<Vec<_>>()
        };
        let take = |chunk| {
            lines.extend(chunk);
            ControlFlow::Continue(())
        };
        reader.for_each(compute, take);
        lines
    }

    #[test]
    fn lines_of_all_formats_come_in_order_with_their_numbers() {
        let dir = tempfile::tempdir().unwrap();
        // Several chunks.
        let [first, second, third] = [1, 2, 3].map(|day| text_of(|line| format!("day {day} line {line} {:60}", "")));
        let path = |name: &str| dir.path().join(name);
        fs::write(path("session_2026-01-03.log"), &third).unwrap();
        // Files made by appending have several members or frames.
        let (half, rest) = first.split_at(first.len() / 2);
        let mut gzip = Vec::new();
        for text in [half, rest] {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(text.as_bytes()).unwrap();
            gzip.extend(encoder.finish().unwrap());
        }
        fs::write(path("session_2026-01-01.log.gz"), gzip).unwrap();
        let (half, rest) = second.split_at(second.len() / 3);
        let zstd = [half, rest].map(|text| zstd::encode_all(text.as_bytes(), 1).unwrap()).concat();
        fs::write(path("session_2026-01-02.log.zst"), zstd).unwrap();

        let files = find_in(dir.path()).unwrap();
        let read_bytes = AtomicU64::new(0);
        let reader = Reader::new(&files).on_read(|bytes| {
            read_bytes.fetch_add(bytes, Ordering::Relaxed);
        });
        let expected = [first, second, third].into_iter().enumerate().flat_map(|(index, text)| {
            let lines = text.lines().map(str::to_owned).collect::<Vec<_>>();
            lines.into_iter().zip(1..).map(move |(line, number)| (index, number, line))
        });
        assert!(read_all(&reader) == expected.collect::<Vec<_>>());
        assert_eq!(read_bytes.load(Ordering::Relaxed), files.iter().filter_map(|file| file.length).sum::<u64>());
    }

    #[test]
    fn one_large_chunk_at_a_time_is_in_memory() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let line = "x".repeat(LARGE_CHUNK) + "\n";
        fs::write(&path, line.repeat(8)).unwrap();
        let files = find(&[path]).unwrap();
        let (now, most, mut lines) = (AtomicU64::new(0), AtomicU64::new(0), 0);
        let compute = |chunk: &Chunk<'_>| {
            let count = now.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(count, Ordering::SeqCst);
            // Gives the other threads the time to begin with the next chunk.
            let lines = chunk.lines().count();
            for _ in 0..1000 {
                thread::yield_now();
            }
            now.fetch_sub(1, Ordering::SeqCst);
            lines
        };
        Reader::new(&files).for_each(compute, |count| {
            lines += count;
            ControlFlow::Continue(())
        });
        assert_eq!((lines, most.into_inner()), (8, 1));
    }

    #[test]
    fn reading_ends_when_no_more_is_wanted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        fs::write(&path, "a line\n".repeat(2_000_000)).unwrap();
        let files = find(&[path]).unwrap();
        let mut taken = 0;
        Reader::new(&files).for_each(
            |_| (),
            |()| {
                taken += 1;
                ControlFlow::Break(())
            },
        );
        assert_eq!(taken, 1);
    }

    #[test]
    fn damaged_compression_is_named_after_what_could_be_read() {
        let dir = tempfile::tempdir().unwrap();
        let text = text_of(|line| format!("{line} {line}"));
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        let mut gzip = encoder.finish().unwrap();
        gzip.truncate(gzip.len() / 2);
        let mut zstd = zstd::encode_all(text.as_bytes(), 1).unwrap();
        zstd.truncate(zstd.len() / 2);
        for (name, bytes) in
            [("a.gz", gzip), ("a.zst", zstd), ("no.gz", b"not gzip".to_vec()), ("no.zst", b"{}".to_vec())]
        {
            let path = dir.path().join(name);
            fs::write(&path, bytes).unwrap();
            let files = find(&[path]).unwrap();
            let (mut lines, mut failures) = (0, Vec::new());
            let compute = |chunk: &Chunk<'_>| {
                let whole = chunk.lines().filter(|line| line.end == LineEnd::Whole).count();
                (whole, chunk.failure.as_ref().map(ToString::to_string))
            };
            Reader::new(&files).for_each(compute, |(whole, failure)| {
                lines += whole;
                failures.extend(failure);
                ControlFlow::Continue(())
            });
            assert_eq!((failures.len(), lines > 1000), (1, name.starts_with('a')), "{name}: {failures:?} {lines}");
        }
    }
}
