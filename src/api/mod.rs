//! The HTTP interface. `routes` lists all paths. Each resource has a file, or a folder with a file per operation: its
//! failures, the bodies of its requests and answers, and its handler.

mod accept;
mod asset;
mod auth;
mod caller;
mod chat;
mod chats;
mod classic_script;
mod codes;
mod confirmation;
mod contract;
mod cors;
mod endpoint;
mod erasure;
mod field_aliases;
mod form;
mod framing;
mod group;
mod health;
mod health_alias;
mod json;
mod messages;
mod metrics;
mod middleware;
mod openai;
mod page;
mod path_pattern;
mod personas;
mod portal;
mod portal_paths;
mod problem;
mod rate_limit;
mod refusals;
mod request_context;
mod routes;
mod session;
mod session_content;
mod starting;
mod state;
mod string_enum;
mod turn;
mod unread_field;
mod web;

use self::group::Group;
pub use self::{contract::contract, endpoint::endpoint, starting::starting, state::AppState};
pub(crate) use self::{framing::MalformedRequest, middleware::BeyondConnectionLimit, turn::StreamCutOff};
