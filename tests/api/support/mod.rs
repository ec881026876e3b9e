//! What the tests share: the service under test, its clients, and the checks of its responses.

pub mod client;
pub mod contract_check;
pub mod database;
pub mod diagnostics;
pub mod event_check;
pub mod events;
#[cfg(target_os = "linux")]
pub mod file_limit;
pub mod forms;
pub mod gzip;
pub mod hook_document;
pub mod log_check;
pub mod manual_clock;
pub mod operations;
pub mod raw_connection;
pub mod secret_search;
pub mod service;
pub mod stored;
pub mod user;
pub mod visitor;
