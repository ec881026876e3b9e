//! Operations for the operator: `/api/admin/…`, one file per operation.

mod limits;
mod reset_limit;

pub(super) use self::{limits::LimitsApi, reset_limit::ResetLimitApi};
