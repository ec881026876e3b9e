//! Tools that read the log while the service compresses and deletes days.

use std::{fs, ops::ControlFlow};

use al_chat::adapters::log_files::{self, Followed, Follower, Reader};
use serde_json::Value;

use super::{OLD_INSTANCE, lines};

#[test]
fn tools_read_a_day_once_while_it_is_compressed() {
    let dir = tempfile::tempdir().unwrap();
    let day = |name: &str| dir.path().join(format!("session_2026-01-{name}"));
    let text = |date: &str, first| lines(OLD_INSTANCE, date, first, 100, 10);
    fs::write(day("01.log"), text("2026-01-01", 1)).unwrap();
    fs::write(day("02.log"), text("2026-01-02", 101)).unwrap();
    let (mut follower, found) = Follower::start(&[dir.path().to_owned()]).unwrap();
    assert_eq!(found.len(), 2);
    let mut polled = || {
        let mut lines = Vec::new();
        follower.poll(|event| match event {
            Followed::Line { bytes, .. } => {
                lines.push(serde_json::from_slice::<Value>(bytes).unwrap()["seq"].as_u64().unwrap());
            }
            Followed::Failure(path, error) => panic!("{}: {error}", path.display()),
        });
        lines
    };
    let read = |files: &[log_files::LogFile]| {
        let mut lines = 0;
        let take = |chunk: Result<usize, String>| {
            lines += chunk.unwrap();
            ControlFlow::Continue(())
        };
        Reader::new(files).for_each(
            |chunk| chunk.failure.as_ref().map_or(Ok(chunk.lines().count()), |failure| Err(failure.to_string())),
            take,
        );
        lines
    };
    let last = |files: &[log_files::LogFile]| {
        let last = log_files::last_lines(files, 150, |_, _| Ok::<_, ()>(true));
        assert!(last.damages.is_empty(), "{:?}", last.damages);
        last.lines
            .into_iter()
            .map(|line| serde_json::from_slice::<Value>(&line).unwrap()["seq"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(polled(), [0; 0]);
    // The copy replaces the plain file.
    let zstd = zstd::encode_all(text("2026-01-01", 1).as_bytes(), 3).unwrap();
    fs::write(dir.path().join("copy"), zstd).unwrap();
    fs::rename(dir.path().join("copy"), day("01.log")).unwrap();
    let between = log_files::find_in(dir.path()).unwrap();
    for files in [&found, &between] {
        assert_eq!((read(files), last(files)), (200, (51..=200).collect()));
    }
    assert_eq!(polled(), [0; 0]);
    // Then it gets its ending.
    fs::rename(day("01.log"), day("01.log.zst")).unwrap();
    for files in [&found, &between, &log_files::find_in(dir.path()).unwrap()] {
        assert_eq!((read(files), last(files)), (200, (51..=200).collect()));
    }
    assert_eq!(polled(), [0; 0]);
    fs::write(day("02.log"), text("2026-01-02", 101) + &lines(OLD_INSTANCE, "2026-01-02", 201, 1, 10)).unwrap();
    assert_eq!(polled(), [201]);
}
