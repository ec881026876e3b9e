//! A program that stands still for a moment, so that it writes nothing while its files change.

use std::fs;

use crate::support::service::{Process, wait_until};

/// Makes a change while the program is stopped by SIGSTOP.
pub async fn while_stopped<T>(process: &mut Process, change: impl FnOnce() -> T) -> T {
    let threads = format!("/proc/{}/task", process.child.id().expect("a running process"));
    process.signal("STOP");
    wait_until("a stopped program", async || all_stopped(&threads).then_some(())).await;
    let changed = change();
    process.signal("CONT");
    changed
}

fn all_stopped(threads: &str) -> bool {
    let threads = fs::read_dir(threads).expect("its threads").flatten();
    // The state follows the name, which is in brackets.
    let stat = threads.map(|thread| fs::read_to_string(thread.path().join("stat")).unwrap_or_default());
    stat.into_iter().all(|stat| stat.rsplit_once(") ").is_none_or(|(_, state)| state.starts_with('T')))
}
