//! A full disk under the database, and recovery.
//!
//! A limit on file sizes simulates the full disk. The limit is the size of the database's write-ahead log, to which
//! every change is appended: there is room for the session log, and none for the database.

use std::{fs, time::Duration};

use serde_json::{Value, json};
use sqlx::{ConnectOptions, Executor, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::{
    fakes::model::FakeModel,
    support::{
        client::Client,
        file_limit::limit_file_size,
        service::{TestSetup, wait_until},
    },
};

/// Returns the size of the database's write-ahead log, to which every change is appended.
fn write_ahead_log_size(setup: &TestSetup) -> u64 {
    let length = fs::metadata(setup.path().join("al-chat.db-wal")).expect("a write-ahead log").len();
    let logs = fs::read_dir(setup.log_dir()).expect("the log's folder");
    let logged = logs.map(|entry| entry.unwrap().metadata().unwrap().len()).max().expect("a session log");
    assert!(length > logged + 16_384, "a session log of {logged} bytes is larger than {length}");
    length
}

/// Opens a read transaction, which prevents the service from truncating the write-ahead log until it is dropped.
async fn hold_write_ahead_log(setup: &TestSetup) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(setup.path().join("al-chat.db"));
    let options = options.busy_timeout(Duration::from_millis(100));
    let (mut writer, mut reader) = (options.connect().await.unwrap(), options.connect().await.unwrap());
    writer.execute("CREATE TABLE ballast (bytes BLOB)").await.unwrap();
    wait_until("a write-ahead log that is not truncated", async || {
        writer.execute("INSERT INTO ballast VALUES (zeroblob(65536))").await.unwrap();
        reader.execute("BEGIN").await.unwrap();
        reader.execute("SELECT COUNT(*) FROM ballast").await.unwrap();
        let emptying = sqlx::query_scalar("PRAGMA wal_checkpoint(TRUNCATE)");
        let is_held: i64 = emptying.fetch_one(&mut writer).await.unwrap();
        if is_held == 0 {
            // A checkpoint had merged the log before this transaction started.
            reader.execute("ROLLBACK").await.unwrap();
        }
        (is_held == 1).then_some(())
    })
    .await;
    reader
}

async fn session_turn(client: &Client, id: &Value) {
    client.post("/api/chat", &json!({ "message": "hello", "session_id": id })).await.assert_ok();
}

async fn turns_counted(client: &Client) -> u64 {
    client.get("/api/openai/usage").await.assert_ok()["request_count"].as_u64().expect("a count")
}

#[tokio::test]
async fn a_full_disk_rejects_turns_and_loses_no_answered_one() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).on_sqlite();
    let process = setup.start_process_ignoring("XFSZ").await;
    let (client, id) = (&process.client, process.child.id().expect("a running process"));
    let session = client.post("/api/session/start", &json!({})).await.assert_ok()["session_id"].clone();
    for _ in 0..3 {
        session_turn(client, &session).await;
    }
    // The count of turns waits until the earlier turns are stored or have failed to be stored.
    assert_eq!(turns_counted(client).await, 3);

    let held = hold_write_ahead_log(&setup).await;
    limit_file_size(id, Some(write_ahead_log_size(&setup)));
    // The failure is not known yet. The turn is in the session log, and queued in memory for the database.
    session_turn(client, &session).await;
    assert_eq!(setup.log_lines("chat").len(), 4);
    assert_eq!(turns_counted(client).await, 3);
    for _ in 0..3 {
        let refused = client.chat("hello").await;
        refused.assert_error(503, "storage_unavailable");
        assert!(!refused.header("retry-after").is_empty());
    }
    client.post("/api/session/start", &json!({})).await.assert_error(503, "storage_unavailable");
    let unready = client.get("/api/health/ready").await;
    unready.assert_error(503, "not_ready");
    let parts = &unready.json()["details"]["parts"];
    assert_ne!(parts["database"], "ok", "{parts}");
    assert_eq!(parts["session_log"], "ok", "{parts}");
    client.get("/api/health/live").await.assert_ok();
    assert_eq!(model.call_count(), 4, "the model was called for an answer that cannot be stored");
    assert_eq!(turns_counted(client).await, 3);

    limit_file_size(id, None);
    drop(held);
    client.wait_for_readiness(200).await;
    assert_eq!(turns_counted(client).await, 4);
    session_turn(client, &session).await;
    assert_eq!(turns_counted(client).await, 5);
    client.post("/api/session/stop", &json!({ "session_id": session })).await.assert_ok();
    assert_eq!(setup.log_lines("session_stop")[0]["server_metrics"]["turns"], 5);
    assert_eq!(setup.log_lines("chat").len(), 5);
}
