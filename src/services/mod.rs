//! Use cases of the product, each over several adapters: turns, sessions, accounts, visitors of the portal.

pub mod accounts;
pub mod sessions;
pub mod turn;
pub mod visitors;
