//! Parts that any service could use: clock, settings, tasks, files, HTTP client, secrets.

pub mod blocking;
pub mod clock;
pub mod compression;
pub mod config;
pub mod counted;
pub mod descriptors;
pub mod error_chain;
pub mod file_access;
pub mod file_identity;
pub mod file_watch;
pub mod free_space;
pub mod http_client;
pub mod memory_limit;
pub mod outage;
pub mod path_suffix;
pub mod process_lock;
pub mod redaction;
pub mod secret;
pub mod surrogates;
pub mod tasks;
pub mod telemetry;
pub mod trace;
pub mod write_state;
