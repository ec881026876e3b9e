//! The arguments that choose lines of a log.

use std::{path::Path, process::ExitCode};

use clap::Args;

use super::{USAGE, usage_error};
use crate::{
    cli::output::print_status,
    domain::time_bound::TimeBound,
    foundation::config::{SessionLog, Source},
    services::log_report::Query,
};

/// The lines that a command reads.
#[derive(Args, Clone, Debug)]
pub(super) struct Filters {
    /// Leave out what was before a day (2026-11-29) or a time (2026-11-29T13:45 in the log's time zone, or with an offset)
    #[arg(long, value_name = "TIME")]
    since: Option<TimeBound>,
    /// Leave out what was after this day, or from this time on
    #[arg(long, value_name = "TIME")]
    until: Option<TimeBound>,
    /// Only turns of this site
    #[arg(long)]
    site: Option<String>,
    /// Only turns that called this model
    #[arg(long)]
    model: Option<String>,
    /// Only turns of this user: the name, or the id of an account or visitor
    #[arg(long)]
    user: Option<String>,
    /// Only turns of this persona
    #[arg(long)]
    persona: Option<String>,
}

impl Filters {
    /// Returns the query for the lines. An empty period, and an invalid time zone if it is needed, are printed as an error.
    pub(super) fn query(&self, env_file: &Path) -> Result<Query, ExitCode> {
        let is_instant = |bound: &Option<TimeBound>| matches!(bound, Some(TimeBound::Instant(_)));
        let needs_zone = is_instant(&self.since) || is_instant(&self.until);
        let zone = needs_zone.then(|| SessionLog::read_timezone(&Source::of_process(env_file))).transpose();
        let query = Query {
            since: self.since.clone(),
            until: self.until.clone(),
            zone: zone.map_err(|invalid| usage_error(&invalid))?,
            site: self.site.clone(),
            model: self.model.clone(),
            user: self.user.clone(),
            persona: self.persona.clone(),
            ..Query::default()
        };
        if query.has_empty_period() {
            print_status("no time is both after --since and before --until");
            return Err(ExitCode::from(USAGE));
        }
        Ok(query)
    }
}
