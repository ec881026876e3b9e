//! The model, its key and its cost: `/api/openai/…`, one file per operation.

mod info;
mod key_state;
mod model_test;
mod usage;

pub(super) use self::{info::ModelInfoApi, model_test::ModelTestApi, usage::UsageApi};
