//! The lines of the verified log that the database has counted.

use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use super::super::numbers;
use crate::{
    adapters::{
        session_log,
        storage::{CountedLog, Storage},
    },
    domain::log_position::{InstanceCount, LogPosition},
    foundation::{config::Config, error_chain::ErrorChain},
    services::log_verification::Expected,
};

/// The last lines of each process that the database has counted, which must be in the log.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) expected: Vec<Expected>,
    /// Whether the log is compared with the database.
    pub(super) is_compared: bool,
    /// What could not be compared, and lines that were missing before, for people.
    pub(super) notes: Vec<String>,
}

impl Counted {
    /// Reads from the database of the settings, without changing it, if the log of the settings is verified.
    pub(super) fn read(config: &Config, paths: &[PathBuf]) -> Self {
        let dir = &config.session_log.dir;
        let shown = dir.display();
        if !paths.is_empty() && !paths.iter().any(|path| is_same(path, dir)) {
            return Self::not_compared(&format!(
                "the folder SESSION_LOG_DIR ({shown}) is not verified; name that folder, or the last line by --expect"
            ));
        }
        let Some(log) = session_log::id_of(dir) else {
            return Self::not_compared(&format!(
                "the folder {shown} has no file .lock with the log's id; copy that file together with a log, or name the last line \
                 by --expect"
            ));
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let read = runtime.map(|runtime| runtime.block_on(Storage::read_counted_lines(&config.database, &log)));
        match read {
            Ok(Ok(counted)) if counted.is_empty() => Self::not_compared(
                "it has counted nothing of this log; does DATABASE_URL name the database of the service that wrote the log?",
            ),
            Ok(Ok(counted)) => Self::of(&counted),
            Ok(Err(failure)) => Self::unread(&failure),
            Err(error) => Self::unread(&error),
        }
    }

    fn unread(failure: &dyn Error) -> Self {
        Self::not_compared(&format!(
            "it cannot be read ({}); verify where it can be, or name the last line by --expect",
            ErrorChain(failure)
        ))
    }

    fn not_compared(why: &str) -> Self {
        let note = format!("the log is not compared with the database, since {why}");
        Self { notes: vec![note], ..Self::default() }
    }

    fn of(CountedLog { lines, last_turns }: &CountedLog) -> Self {
        let by = "the database has counted";
        let expected = |instance, seq, chain| Expected { instance: Some(instance), seq, chain, by };
        let counted = lines.instances().filter(|count| count.counted > 0);
        let mut last = counted.map(|count| (count.instance, (count.counted, count.chain))).collect::<BTreeMap<_, _>>();
        for LogPosition { instance, seq } in last_turns {
            if last.get(instance).is_none_or(|(counted, _)| counted < seq) {
                last.insert(*instance, (*seq, None));
            }
        }
        let expected = last.into_iter().map(|(instance, (seq, chain))| expected(instance, seq, chain));
        let missing = lines.instances().filter(|count| count.missing > 0);
        let notes = missing.map(|count| {
            let InstanceCount { instance, missing, .. } = count;
            let missing = numbers::counted(*missing, "line", "lines");
            format!("when the database was completed from the log, {missing} of process {instance} could not be found")
        });
        Self { expected: expected.collect(), is_compared: true, notes: notes.collect() }
    }
}

fn is_same(path: &Path, dir: &Path) -> bool {
    fs::canonicalize(path).is_ok_and(|path| fs::canonicalize(dir).is_ok_and(|dir| path == dir))
}
