//! Reports over session logs: one pass over the lines, in memory that does not grow with their number.

mod counts;
mod csv;
mod damage;
mod day;
mod day_sessions;
mod distinct;
mod fields;
mod figures;
mod groups;
mod histogram;
mod line_parser;
mod live;
mod own_log;
mod quantiles;
mod query;
mod ratings;
mod reading;
mod repeated;
mod report;
mod service;
mod sessions;
mod summary;
mod tallies;
mod turn_line;
mod turn_summary;

pub use self::{
    counts::Named,
    csv::format_csv,
    damage::{Damage, DamageKind},
    day::DaySummary,
    day_sessions::{DaySession, SessionPlace},
    figures::is_unpriced,
    histogram::Bucket,
    live::{LiveLog, LiveView},
    own_log::{OwnLogReports, ReportFailure},
    query::{GroupBy, MaxGroups, Query},
    reading::report,
    report::Report,
    service::ServiceSummary,
    sessions::{LongSession, OpenSession},
    summary::{Accuracy, Group, RefusalSummary, SessionSummary, Summary},
    tallies::Tally,
    turn_line::{LiveLine, SessionLine, TurnLine},
    turn_summary::{Estimate, Percentiles, TurnSummary},
};
