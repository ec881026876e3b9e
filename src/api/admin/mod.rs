//! Operations for the operator: `/api/admin/…`, one file per operation.

mod days;
mod events;
mod limits;
mod log_report;
mod overview;
mod pause;
mod pause_site;
mod reset_limit;
mod session_turns;
mod sessions;
mod sites;
mod status;
mod turn_line;
mod usage;

pub(super) use self::{
    days::DaysApi,
    events::{EVENTS_PATH, events},
    limits::LimitsApi,
    overview::OverviewApi,
    pause::PauseApi,
    pause_site::PauseSiteApi,
    reset_limit::ResetLimitApi,
    session_turns::SessionTurnsApi,
    sessions::SessionsApi,
    sites::SitesApi,
    status::StatusApi,
    usage::UsageApi,
};
