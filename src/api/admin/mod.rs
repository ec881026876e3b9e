//! Operations for the operator: `/api/admin/…`, one file per operation.

mod limits;
mod pause_site;
mod reset_limit;
mod sites;

pub(super) use self::{limits::LimitsApi, pause_site::PauseSiteApi, reset_limit::ResetLimitApi, sites::SitesApi};
