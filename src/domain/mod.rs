//! Plain types and rules of the product, without input or output.

pub mod account;
pub mod api_key;
pub mod body_memory;
pub mod breaker;
pub mod chat;
pub mod client_ip;
pub mod contact;
pub mod cost;
pub mod errors;
pub mod fair_permits;
pub mod finish;
pub mod known_models;
pub mod limits;
pub mod log_chain;
pub mod log_position;
pub mod log_stamp;
pub mod persona;
pub mod precis;
pub mod prompt;
pub mod public_address;
pub mod search_terms;
pub mod session;
pub mod shares;
pub mod tenant;
pub mod time_bound;
pub mod title;
