//! The pause between two looks at a log.

use std::{ops::ControlFlow, time::Duration};

/// The time between two looks at the files.
const INTERVAL: Duration = Duration::from_millis(100);

/// Waits for the next look. Breaks as soon as nobody reads standard output, also if no line is written any more.
#[cfg(unix)]
pub(super) fn pause() -> ControlFlow<()> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let out = std::io::stdout();
    let interval = Timespec { tv_sec: 0, tv_nsec: i64::from(INTERVAL.subsec_nanos()) };
    // Without flags, only an end of the output is reported.
    match poll(&mut [PollFd::new(&out, PollFlags::empty())], Some(&interval)) {
        Ok(0) | Err(rustix::io::Errno::INTR) => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    }
}

/// Waits for the next look.
#[cfg(not(unix))]
pub(super) fn pause() -> ControlFlow<()> {
    std::thread::sleep(INTERVAL);
    ControlFlow::Continue(())
}
