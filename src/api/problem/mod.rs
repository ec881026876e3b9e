//! Error responses: a row of the error table, with what is known of the one failure.
//!
//! Every error body is `{"error", "code", "request_id"}`, sometimes with `details`. Neither the sentence nor the code
//! repeats what a client or a provider sent.

mod body;
mod declared;
mod framework;
mod mapping;
mod response;

pub(super) use self::{
    body::ErrorBody,
    declared::{declared, failures},
    response::Problem,
};
