//! The end of the log of the process that wrote to the folder before this one.

use std::{
    fs::{File, Metadata},
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use uuid::Uuid;

use super::{
    event::{Event, PreviousInstance, ServiceStop},
    files::{begins_with_line, last_partial_line, last_stamped_line, visible_files},
};
use crate::domain::{log_position::LogPosition, log_stamp::StampedLine};

/// The number of files, those that were written last, in which the end is looked for. A log that is rotated often has more.
const NEWEST_FILES: usize = 32;

/// Returns the last line that a process before `instance` has written to the files of a folder, under any name; `None` if
/// there is none. Compressed files are not read, and files that cannot be read are left out.
pub(super) fn find(dir: &Path, instance: Uuid) -> io::Result<Option<PreviousInstance>> {
    let written = |(path, data): (PathBuf, Metadata)| (data.modified().unwrap_or(SystemTime::UNIX_EPOCH), path);
    let mut files = visible_files(dir)?.into_iter().map(written).collect::<Vec<_>>();
    files.sort_unstable_by(|one, other| other.cmp(one));
    files.truncate(NEWEST_FILES);
    let ends = files.iter().filter_map(|(_, path): &(_, PathBuf)| end_of(path).ok().flatten());
    let ends = ends.filter(|(position, _)| position.instance < instance);
    Ok(ends.max_by_key(|(position, _)| *position).map(|(_, end)| end))
}

/// Returns the last whole line of a file.
fn end_of(path: &Path) -> io::Result<Option<(LogPosition, PreviousInstance)>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    if !begins_with_line(&mut file)? {
        return Ok(None);
    }
    let whole = length - last_partial_line(&mut file, length)?.len() as u64;
    last_stamped_line(&mut file, whole, |line: &StampedLine<'_>| {
        let LogPosition { instance, seq } = line.position;
        let chain = line.chain.as_ref().map(|stamped| stamped.chain.to_string());
        let end =
            PreviousInstance { instance: instance.to_string(), seq, chain, stopped: line.event == ServiceStop::NAME };
        (line.position, end)
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::domain::log_chain::Chain;

    fn line(event: &str, instance: u128, seq: u64) -> String {
        let (instance, chain) = (Uuid::from_u128(instance), Chain::START);
        format!(
            r#"{{"event":"{event}","timestamp":"t","date":"d","v":1,"instance":"{instance}","seq":{seq},"chain":"{chain}"}}"#
        ) + "\n"
    }

    fn found(files: &[(&str, String)]) -> Option<(u128, u64, bool)> {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let previous = find(dir.path(), Uuid::from_u128(9)).unwrap()?;
        assert_eq!(previous.chain, Some(Chain::START.to_string()));
        Some((previous.instance.parse::<Uuid>().unwrap().as_u128(), previous.seq, previous.stopped))
    }

    #[test]
    fn the_last_whole_line_of_the_latest_process_is_found() {
        let stopped = line("service_start", 3, 1) + &line("service_stop", 3, 2);
        let killed = line("service_start", 4, 1) + &line("chat", 4, 2);
        assert_eq!(found(&[("session_2026-01-01.log", stopped.clone())]), Some((3, 2, true)));
        let torn = killed.clone() + line("service_stop", 4, 3).trim_end();
        assert_eq!(found(&[("renamed", torn), ("session_2026-01-02.log", stopped.clone())]), Some((4, 2, false)));
        let own = killed + &line("service_start", 9, 1);
        let other = [("a", own), ("b", stopped), (".hidden", line("chat", 8, 1)), ("c", "{}\n".to_owned())];
        assert_eq!(found(&other), Some((3, 2, true)));
        assert_eq!(found(&[("c", "{\"event\":\"chat\"}\n".to_owned()), ("d", String::new())]), None);
    }
}
