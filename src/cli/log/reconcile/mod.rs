//! The command `al-chat log reconcile`, which compares the session log with the database and the running service.

mod json;
mod text;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use url::Url;

use super::{DAMAGE, Format, USAGE, configuration, find_files, progress::Progress, usage_error};
use crate::{
    adapters::{
        served_figures::{self, ServedFigures},
        session_log,
        storage::LogSnapshot,
    },
    cli::output::{print, print_status},
    domain::time_bound::TimeBound,
    foundation::{
        config::{self, Config},
        http_client::{self, Client},
    },
    services::log_reconciliation::{self, Period, Reconciliation, Task},
};

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
    /// Compare single turns and sessions only from a day (2026-11-29) or a time (2026-11-29T13:45 in the log's time zone, or with
    /// an offset) on
    #[arg(long, value_name = "TIME")]
    since: Option<TimeBound>,
    /// Compare single turns and sessions only up to the end of this day, or before this time
    #[arg(long, value_name = "TIME")]
    until: Option<TimeBound>,
    /// The address of the running service, whose /metrics and /api/openai/usage are compared, too
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
    if matches!((&since, &until), (Some(since), Some(until)) if since.is_after(until)) {
        print_status("no time is both after --since and before --until");
        return Err(ExitCode::from(USAGE));
    }
    let period = Period { since, until, zone: config.session_log.timezone.clone() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| usage_error(&e))?;
    let comparison = Comparison { arguments, server, env_file, config: &config, period, runtime };
    let result = comparison.run()?;
    print(&match arguments.format {
        Format::Text => text::format(&result),
        Format::Json => json::format(&result),
    });
    Ok(if result.is_same() { ExitCode::SUCCESS } else { ExitCode::from(DAMAGE) })
}

/// Parses the address of a service. A text that is none is not printed, since it may have a password.
fn server_address(text: &str) -> Result<Url, ExitCode> {
    config::http_url(text).ok_or_else(|| {
        print_status("--server must be an http or https URL without a user name or password");
        ExitCode::from(USAGE)
    })
}

/// A comparison with what it needs.
struct Comparison<'a> {
    arguments: &'a Arguments,
    server: Option<Url>,
    env_file: &'a Path,
    config: &'a Config,
    period: Period,
    runtime: tokio::runtime::Runtime,
}

impl Comparison<'_> {
    /// Reads the service, the database, the log, and the service again: what it counts meanwhile is no difference.
    fn run(&self) -> Result<Reconciliation, ExitCode> {
        let client = self.client()?;
        let served_before = self.served(client.as_ref())?;
        let snapshot = self.snapshot()?;
        let files = find_files(&self.arguments.files, self.env_file)?;
        let task =
            Task { files: &files, snapshot: &snapshot, served_before: served_before.as_ref(), period: &self.period };
        let progress = Progress::of(&files);
        let log = log_reconciliation::read(&task, |bytes| progress.add(bytes));
        progress.end();
        Ok(log.compare(self.served(client.as_ref())?.as_ref()))
    }

    fn client(&self) -> Result<Option<Client>, ExitCode> {
        if self.server.is_none() {
            return Ok(None);
        }
        let client = http_client::build(self.config.model.connect_timeout, &self.config.proxy);
        client.map(Some).map_err(|failure| usage_error(&failure))
    }

    fn served(&self, client: Option<&Client>) -> Result<Option<ServedFigures>, ExitCode> {
        let Some((client, server)) = client.zip(self.server.as_ref()) else { return Ok(None) };
        let read = self.runtime.block_on(served_figures::read(client, server));
        read.map(Some).map_err(|failure| usage_error(&failure))
    }

    /// Reads the database, before the files, so that these have at least what it has counted.
    fn snapshot(&self) -> Result<LogSnapshot, ExitCode> {
        let dir = &self.config.session_log.dir;
        let Some(log) = session_log::id_of(dir) else {
            print_status(&format!(
                "the folder SESSION_LOG_DIR ({}) has no file .lock with the log's id, by which the database knows it",
                dir.display()
            ));
            return Err(ExitCode::from(USAGE));
        };
        let read = self.runtime.block_on(LogSnapshot::read(&self.config.database, &log));
        let snapshot = read.map_err(|failure| usage_error(&failure))?;
        if snapshot.since.is_none() {
            print_status("the database of DATABASE_URL has counted nothing of this log");
            return Err(ExitCode::from(USAGE));
        }
        Ok(snapshot)
    }
}
