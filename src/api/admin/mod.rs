//! Operations for the operator: `/api/admin/…`, one file per operation.

mod limits;
mod log_report;
mod pause_site;
mod reset_limit;
mod sites;
mod usage;

pub(super) use self::{
    limits::LimitsApi, pause_site::PauseSiteApi, reset_limit::ResetLimitApi, sites::SitesApi, usage::UsageApi,
};
