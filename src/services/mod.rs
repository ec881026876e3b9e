//! Use cases of the product, each over several adapters: turns, sessions, accounts, API keys of servers, visitors of the portal, reports over
//! session logs, search in them, their verification, retention and comparison with the database, and the logged texts of
//! turns.

pub mod accounts;
pub mod api_keys;
pub mod log_reconciliation;
pub mod log_report;
pub mod log_retention;
pub mod log_search;
pub mod log_verification;
pub mod logged_texts;
pub mod sessions;
pub mod sites;
pub mod turn;
pub mod visitors;
