//! AL-Chat: one binary between a website's chat window and a language model.
//!
//! The code stands in layers. A file imports lower layers only, which `tests/layers.rs` checks:
//!
//! | layer | folder | content |
//! | --- | --- | --- |
//! | 5 | [`cli`], [`app`] | entry points: parse the command line; construct, run and shut down the service |
//! | 4 | [`api`] | HTTP and the contract: one file per resource |
//! | 3 | [`services`] | use cases over several adapters |
//! | 2 | [`adapters`] | each talks to one external system, in domain types |
//! | 1 | [`domain`] | plain types and rules, without I/O |
//! | 0 | [`foundation`] | clock, settings, tasks, HTTP client: knows nothing of the product |
//!
//! `ARCHITECTURE.md` follows one turn through the layers.

pub mod adapters;
pub mod api;
pub mod app;
pub mod cli;
pub mod domain;
pub mod foundation;
pub mod services;
