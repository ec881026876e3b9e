//! AL-Chat: one binary between a website's chat window and a language model.
//!
//! The floors, from the top; a file uses lower floors only, which `tests/layers.rs` holds:
//!
//! | floor | rooms | what they are |
//! | --- | --- | --- |
//! | 5 | [`cli`], [`app`] | read the command line; build, wire, run and stop |
//! | 4 | [`api`] | HTTP and the contract |
//! | 3 | [`accounts`], [`sessions`], [`turn`], [`visitors`] | verbs: what the product does, over several doors |
//! | 2 | [`credentials`], [`host_lookup`], [`model`], [`personas`], [`session_log`], [`storage`], [`usage`] | doors: each to one outside thing |
//! | 1 | [`account`], [`address`], [`chat`], [`cost`], [`known_models`], [`log_place`], [`persona`], [`prompt`], [`public_address`], [`session`], [`title`], [`words`] | nouns: plain types and rules |
//! | 0 | [`clock`], [`config`], [`file_access`], [`http_client`], [`process_lock`], [`redaction`], [`secret`], [`surrogates`], [`tasks`], [`telemetry`] | ground: knows nothing of the product |
//!
//! `ARCHITECTURE.md` walks one turn through the rooms.

pub mod account;
pub mod accounts;
pub mod address;
pub mod api;
pub mod app;
pub mod chat;
pub mod cli;
pub mod clock;
pub mod config;
pub mod cost;
pub mod credentials;
pub mod file_access;
pub mod host_lookup;
pub mod http_client;
pub mod known_models;
pub mod log_place;
pub mod model;
pub mod persona;
pub mod personas;
pub mod process_lock;
pub mod prompt;
pub mod public_address;
pub mod redaction;
pub mod secret;
pub mod session;
pub mod session_log;
pub mod sessions;
pub mod storage;
pub mod surrogates;
pub mod tasks;
pub mod telemetry;
pub mod title;
pub mod turn;
pub mod usage;
pub mod visitors;
pub mod words;
