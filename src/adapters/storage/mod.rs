//! The database, SQLite or PostgreSQL: sessions, usage totals, idempotency keys, accounts, API keys, visitors, stored chats, keys of
//! the session log's texts, and the outboxes of usage records for Papita and of events.
//!
//! [`Storage`] is the handle to an open database; each file adds the operations of one kind of data to it. Both databases
//! run the same SQL text. It uses what they have in common (`$n` parameters, `ON CONFLICT`, `RETURNING`, integers and
//! texts); only the table definitions in `migrations/` and the search differ.

mod accounts;
mod answered_turns;
mod api_keys;
mod backup;
mod bulk_delete;
mod bulk_insert;
mod chat_list;
mod chats;
mod checkpoints;
mod column_values;
mod connections;
mod content_key;
mod content_key_reader;
mod content_keys;
mod counted_log;
mod database;
mod database_file;
mod database_time;
mod events;
mod exchanges;
mod failure;
mod file_loss;
mod handle;
mod idempotency;
mod ids;
mod inspection;
mod leases;
mod limit_counts;
mod lock_note;
mod log_instances;
mod log_snapshot;
mod log_totals;
mod logged_event;
mod logged_feedback;
mod message_list;
mod messages;
mod migrations;
mod new_message;
mod observed_heartbeats;
mod open_failure;
mod other_logs;
mod outbox;
mod outbox_counter;
mod outbox_destination;
mod outbox_entry;
mod outbox_level;
mod outboxes;
mod papita_contacts;
mod paused_sites;
mod postgres;
mod problem;
mod reader;
mod replica;
mod retention_clock;
mod row_bounds;
mod schema_owner;
mod search;
mod search_index;
mod secrets;
mod session_logs;
mod sessions;
mod settled_key;
mod snapshot_rows;
mod snapshot_sessions;
mod source_column;
mod sqlite;
mod sqlite_file;
mod statement;
mod stored_message;
mod turn_origin;
mod turn_origin_rows;
mod turn_rating_rows;
mod turn_record;
mod turn_repository;
mod turn_rows;
mod turn_writer;
mod turns;
mod unsealed_answers;
mod unused_file;
mod usage_totals;
mod visitors;
mod writer;

pub use self::{
    accounts::{LoginRecord, RegistrationConflict},
    answered_turns::{AnsweredTurn, StoredFeedback},
    api_keys::{ApiKeyEditor, Revocation, StoredApiKey},
    backup::{BackupFailure, BackupSource},
    chat_list::ChatList,
    chats::{ChatCreation, StoredChat},
    content_key::{ContentScope, StoredKey},
    content_key_reader::ContentKeyReader,
    counted_log::CountedLog,
    events::{NewEvent, QueuedOnce},
    exchanges::{Exchange, MessageRef, NewAnswer, NewQuestion, OpenOutcome, PendingQuestion, StoredExchange},
    failure::StorageFailure,
    file_loss::FileLoss,
    handle::Storage,
    idempotency::{ClaimedKey, NewClaim},
    ids::{ChatId, Cursor, MessageId},
    inspection::{DatabaseInspection, files},
    limit_counts::{LimitChange, LimitCount},
    log_snapshot::{LogSnapshot, ModelUsage},
    log_totals::LogTotal,
    logged_event::LoggedEvent,
    logged_feedback::LoggedFeedback,
    message_list::{ListedMessages, MessageList},
    open_failure::DatabaseOpenFailure,
    other_logs::OtherLogs,
    outbox::{Outbox, OutboxLimits, OutboxRecord},
    outbox_destination::Destination,
    outbox_entry::{NewRecord, OutboxEntry},
    reader::DatabaseReadFailure,
    row_bounds::{RowBounds, first_id},
    search::SearchResult,
    secrets::{FINGERPRINT_SECRET, LIMIT_SECRET, SESSION_SECRET, TICKET_SECRET},
    session_logs::{FoundEnd, UnfinishedLog},
    sessions::{SessionStatistics, StoppedSession},
    settled_key::{KeyOutcome, ScopedKey, SettledKey, StoredAnswer},
    snapshot_rows::{MessagePage, SnapshotRows},
    sqlite_file::UnusableFile,
    stored_message::{HistoryMessage, MessageStatus, Sender, StoredMessage},
    turn_origin::TurnOrigin,
    turn_record::TurnRecord,
    turn_rows::{SessionTurn, StoredSession, StoredTurn, TurnRow},
    usage_totals::UsageTotals,
    visitors::Visitor,
    writer::DatabaseWriteFailure,
};
