//! The command `al-chat log reconcile`, which compares the session log with the database and the running service.

mod json;
mod text;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;

use super::{DAMAGE, Format, Places, USAGE, configuration, print, progress::Progress, usage_error};
use crate::{
    adapters::{
        served_figures::{self, FigureSource, ServedFigures},
        session_log,
        storage::{DatabaseReadFailure, LogSnapshot, SnapshotRows},
    },
    cli::output::print_status,
    domain::time_bound::{TimeBound, is_empty_period},
    foundation::{
        config::{self, Config, Source},
        http_client,
        secret::ServerUrl,
    },
    services::log_reconciliation::{self, Period, Reconciliation, Task},
};

/// The number of further attempts.
const ATTEMPTS: usize = 4;

/// The end of the command's help.
const EXAMPLES: &str = "\
Examples:
  al-chat log reconcile
  al-chat log reconcile --server http://127.0.0.1:5000
  al-chat log reconcile SessionLog archive/*.zst --format json

Exit codes: 0 both have the same; 1 they differ, and the differences were printed; 2 wrong arguments, or a file or database
that cannot be read. docs/session-log.md explains what is compared.
";

/// The arguments of `al-chat log reconcile`.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Arguments {
    /// All files and folders of the session log, also compressed ones (.gz, .zst) [default: the folder SESSION_LOG_DIR]
    files: Vec<PathBuf>,
    /// Compare only from a day (2026-11-29) or a time (2026-11-29T13:45 in the log's time zone, or with an offset) on; sums by whole
    /// days
    #[arg(long, value_name = "TIME")]
    since: Option<TimeBound>,
    /// Compare only up to the end of this day, or before this time
    #[arg(long, value_name = "TIME")]
    until: Option<TimeBound>,
    /// The address of the running service, whose /metrics and /api/openai/usage are compared, too; ADMIN_TOKEN is sent to it if it is
    /// set
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// The form of the output
    #[arg(long, default_value = "text")]
    format: Format,
}

/// Compares, and prints the result.
pub(super) fn run(arguments: &Arguments, env_file: &Path) -> Result<ExitCode, ExitCode> {
    let config = configuration(env_file)?;
    let server = arguments.server.as_deref().map(server_address).transpose()?;
    let (since, until) = (arguments.since.clone(), arguments.until.clone());
    if is_empty_period(since.as_ref(), until.as_ref(), Some(&config.session_log.timezone)) {
        print_status("no time is both after --since and before --until");
        return Err(ExitCode::from(USAGE));
    }
    let period = Period { since, until, zone: config.session_log.timezone.clone() };
    // A thread of its own reads the database, while others read the log.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| usage_error(&error))?;
    let places = Places::new(&arguments.files, env_file);
    let comparison = Comparison { places, server, env_file, config: &config, period, runtime };
    let result = comparison.run()?;
    print(&match arguments.format {
        Format::Text => text::format(&result),
        Format::Json => json::format(&result),
    });
    Ok(if result.is_same() { ExitCode::SUCCESS } else { ExitCode::from(DAMAGE) })
}

/// Parses the address of a service. A text that is none is not printed, since it may have a password.
fn server_address(text: &str) -> Result<ServerUrl, ExitCode> {
    config::http_url(text).map(ServerUrl::from).ok_or_else(|| {
        print_status("--server must be an http or https URL without a user name or password");
        ExitCode::from(USAGE)
    })
}

/// A comparison with what it needs.
struct Comparison<'a> {
    places: Places<'a>,
    server: Option<ServerUrl>,
    env_file: &'a Path,
    config: &'a Config,
    period: Period,
    runtime: tokio::runtime::Runtime,
}

impl Comparison<'_> {
    /// Reads the service, the database, the log, and the service again: what it counts meanwhile is no difference.
    /// All is read once more if a service has begun to use the file of a SQLite database, or has deleted a day, meanwhile.
    fn run(&self) -> Result<Reconciliation, ExitCode> {
        let source = self.figure_source()?;
        let mut attempts = 1..=ATTEMPTS;
        loop {
            let (result, read) = self.compare(source.as_ref())?;
            let is_outdated = read.as_ref().map_or_else(DatabaseReadFailure::is_momentary, |()| result.is_outdated);
            if !is_outdated || attempts.next().is_none() {
                return read.map(|()| result).map_err(|failure| usage_error(&failure));
            }
        }
    }

    /// Compares once. Returns the result, and whether the database could be read for it.
    fn compare(
        &self,
        source: Option<&FigureSource>,
    ) -> Result<(Reconciliation, Result<(), DatabaseReadFailure>), ExitCode> {
        let served_before = self.served(source)?;
        let (snapshot, rows) = self.snapshot()?;
        let files = self.places.find_files()?;
        let (period, served_before) = (&self.period, served_before.as_ref());
        let task = Task { files: &files, snapshot: &snapshot, rows: &rows, served_before, period };
        let progress = Progress::of(&files);
        let log = log_reconciliation::read(&task, |bytes| progress.add(bytes));
        progress.end();
        let log = log.map_err(|failure| usage_error(&failure))?;
        let result = log.compare(self.served(source)?.as_ref()).map_err(|failure| usage_error(&failure))?;
        Ok((result, rows.close()))
    }

    /// Returns the running service, if the arguments name one.
    fn figure_source(&self) -> Result<Option<FigureSource>, ExitCode> {
        let Some(server) = self.server.clone() else { return Ok(None) };
        let client = http_client::build(self.config.providers.first().connect_timeout, &self.config.proxy, None);
        let client = client.map_err(|failure| usage_error(&failure))?;
        let token = Source::of_process(self.env_file).admin_token();
        Ok(Some(FigureSource { client, server, token }))
    }

    fn served(&self, source: Option<&FigureSource>) -> Result<Option<ServedFigures>, ExitCode> {
        let Some(source) = source else { return Ok(None) };
        let read = self.runtime.block_on(served_figures::read(source));
        read.map(Some).map_err(|failure| usage_error(&failure))
    }

    /// Reads the database, before the files, so that these have at least what it has counted.
    fn snapshot(&self) -> Result<(LogSnapshot, SnapshotRows), ExitCode> {
        let dir = &self.config.session_log.dir;
        let Some(log) = session_log::id_of(dir) else {
            print_status(&format!(
                "the folder SESSION_LOG_DIR ({}) has no file .lock with the log's id, by which the database knows it",
                dir.display()
            ));
            return Err(ExitCode::from(USAGE));
        };
        let read = LogSnapshot::read(&self.config.database, &log, self.period.row_bounds());
        let (snapshot, rows) = self.runtime.block_on(read).map_err(|failure| usage_error(&failure))?;
        if snapshot.since.is_some() {
            return Ok((snapshot, rows));
        }
        print_status(if snapshot.counted.is_empty() {
            "the database of DATABASE_URL has counted nothing of the log in SESSION_LOG_DIR: one of both settings is probably that of \
             another service"
        } else {
            "the database of DATABASE_URL has no sums by days of this log yet, since its tables were updated only now: al-chat \
             makes them of all turns from its next start on; compare after that"
        });
        Err(ExitCode::from(USAGE))
    }
}
