//! The diagnostics of a service that runs in this process.

use std::{cell::RefCell, io, sync::Once};

thread_local! {
    /// The text that a test collects.
    static COLLECTED: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Collects the warnings and errors of a test's thread, on which the tasks of its service run, until this is dropped.
pub struct Diagnostics(());

struct ToThread;

impl io::Write for ToThread {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        COLLECTED.with_borrow_mut(|text| text.iter_mut().for_each(|text| text.extend_from_slice(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Diagnostics {
    /// Begins to collect.
    pub fn collect() -> Self {
        // A subscriber of one thread would miss events that another thread has reached first.
        static SUBSCRIBER: Once = Once::new();
        SUBSCRIBER.call_once(|| {
            let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_ansi(false);
            tracing::subscriber::set_global_default(subscriber.with_writer(|| ToThread).finish())
                .expect("the only subscriber of the tests");
        });
        COLLECTED.set(Some(Vec::new()));
        Self(())
    }

    /// Returns the lines so far that contain these words.
    #[expect(clippy::unused_self, reason = "the text is collected while this exists")]
    pub fn lines(&self, words: &str) -> Vec<String> {
        let text = COLLECTED.with_borrow(|text| text.clone().unwrap_or_default());
        let text = String::from_utf8_lossy(&text);
        text.lines().filter(|line| line.contains(words)).map(str::to_owned).collect()
    }
}

impl Drop for Diagnostics {
    fn drop(&mut self) {
        COLLECTED.set(None);
    }
}
