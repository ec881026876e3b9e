//! Tests of AL-Chat through its public interface: real sockets in front, running fakes of the model and of Papita behind, the service
//! in this process or as the program it ships as.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test may say what it expects")]
#![allow(unreachable_pub, reason = "a test program has no outside")]

mod accounts;
#[cfg(unix)]
mod backup;
mod breaker;
mod causes;
mod chat_images;
mod chats;
mod check;
mod client;
mod command_line;
mod content_fields;
mod contract;
mod crash;
mod credentials;
mod database;
mod database_files;
mod dialects;
mod document;
mod env_file;
mod events;
mod failed_messages;
mod fakes;
mod fakes_work;
#[cfg(unix)]
mod file_modes;
mod first_start;
mod forms;
#[cfg(target_os = "linux")]
mod full_disk;
mod hand_clock;
mod house;
mod images;
mod member;
mod messages;
mod metrics;
mod model_test;
mod model_trouble;
mod older_clients;
mod once;
mod owners;
#[cfg(target_os = "linux")]
mod personas;
mod plans;
mod portal;
#[cfg(target_os = "linux")]
mod postgres;
mod pressure;
mod refusals;
mod search;
mod serving;
mod session_log;
mod sessions;
#[cfg(target_os = "linux")]
mod shared_chats;
mod stale_connections;
mod streaming;
mod turns;
mod usage;
mod visitor;
mod web;
mod websites;
mod wire;
