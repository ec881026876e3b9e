//! Tests of AL-Chat through its public interface: real sockets in front, running fakes of the model and of Papita behind, the service
//! in this process or as the program it ships as.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test panics when it fails")]
#![allow(unreachable_pub, reason = "no other crate uses a test program")]

mod accounts;
mod admin_access;
mod admin_limits;
mod admin_page;
mod admin_usage;
mod admission;
mod allowed_origins;
mod api_keys;
#[cfg(unix)]
mod backup;
mod bearers;
mod breaker;
mod canaries;
mod chat_images;
mod chats;
mod check_command;
#[cfg(target_os = "linux")]
mod client_tally;
mod clock_jumps;
mod command_line;
mod config_file;
mod connection_errors;
mod connections;
mod content_fields;
mod context;
mod context_protocol;
mod context_waits;
mod contract;
mod crash;
mod credentials;
mod database_files;
#[cfg(target_os = "linux")]
mod descriptors;
mod dialects;
mod env_file;
mod erasable_texts;
mod events;
mod failed_messages;
mod fakes;
mod feedback;
#[cfg(unix)]
mod file_modes;
mod first_start;
mod frames;
#[cfg(target_os = "linux")]
mod full_disk;
mod generated_docs;
mod guard;
mod guard_answers;
mod guard_limits;
mod guard_protocol;
mod handover;
#[cfg(target_os = "linux")]
mod hostile_input;
mod idempotency;
mod images;
mod interrupted_keys;
mod interrupted_streams;
mod large_bodies;
mod limit_counts;
mod limit_reservations;
mod limits;
#[cfg(target_os = "linux")]
mod log_bad_input;
mod log_chain;
mod log_format;
mod log_reconcile;
mod log_recovery;
mod log_report;
mod log_retention;
mod log_show;
mod log_tail;
mod log_verify;
mod long_lists;
#[cfg(unix)]
mod lost_database;
mod messages;
mod metric_figures;
mod metrics;
mod model_call_lines;
mod model_errors;
mod model_test;
mod older_clients;
#[cfg(target_os = "linux")]
mod one_truth;
mod openai_client;
mod openai_completions;
mod openai_errors;
mod openai_models;
mod openai_streams;
mod ownership;
mod panics;
#[cfg(target_os = "linux")]
mod personas;
mod portal;
#[cfg(target_os = "linux")]
mod postgres;
mod provider_check;
mod provider_settings;
mod providers;
mod public_url;
mod query_plans;
mod quotas;
#[cfg(target_os = "linux")]
mod read_only_database;
mod reconciled_rows;
mod refusals;
mod rejected_requests;
#[cfg(target_os = "linux")]
mod replica_clocks;
mod search;
#[cfg(unix)]
mod secret_files;
mod security_headers;
mod session_log;
mod sessions;
#[cfg(target_os = "linux")]
mod shared_database;
#[cfg(unix)]
mod shared_files;
#[cfg(unix)]
mod signals;
mod sites;
#[cfg(unix)]
mod socket_activation;
mod stale_connections;
#[cfg(target_os = "linux")]
mod stalled_writes;
#[cfg(target_os = "linux")]
mod start_outages;
#[cfg(target_os = "linux")]
mod stream_memory;
mod streaming;
mod support;
mod support_tests;
mod tickets;
mod traces;
mod turns;
mod usage;
mod web;
