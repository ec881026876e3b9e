//! Commands that only read the database: they change nothing, work on a read-only folder, and say what they could not compare.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use al_chat::adapters::storage::{BackupSource, ContentKeyReader, DatabaseReadFailure};
use serde_json::{Value, json};
use sqlx::{ConnectOptions, Connection, Executor, sqlite::SqliteConnectOptions};

use crate::{
    command_line::{CommandOutput, output_of, run},
    fakes::model::FakeModel,
    support::service::{Process, TestSetup, day_file, set_mode},
};

/// Returns the content and the time of the last change of each file in a folder and its folders. SQLite writes an index (`-shm`)
/// by way of memory, which is no change of the database.
fn files(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            files.append(&mut self::files(&entry));
        } else {
            let is_index = entry.to_str().unwrap().ends_with("-shm");
            let modified =
                if is_index { SystemTime::UNIX_EPOCH } else { entry.metadata().unwrap().modified().unwrap() };
            let content = if is_index { Vec::new() } else { fs::read(&entry).unwrap() };
            files.insert(entry, (content, modified));
        }
    }
    files
}

fn json_of(ran: &CommandOutput) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"))
}

/// A setup on SQLite whose texts are sealed, with an answered turn and the id of its request. The last changes are in the
/// write-ahead log, if `with_log`; no process runs.
async fn with_a_turn(model: &FakeModel, with_log: bool) -> (TestSetup, String) {
    let setup = TestSetup::for_model(model).on_sqlite().with("SESSION_LOG_CONTENT", "on");
    let file = setup.path().join("al-chat.db");
    let mut process = setup.start_process().await;
    process.client.chat("first").await.assert_ok();
    process.client.get("/api/openai/usage").await.assert_ok();
    // As long as somebody reads, the log keeps what is written meanwhile.
    let mut reading = SqliteConnectOptions::new().filename(&file).connect().await.unwrap();
    if with_log {
        reading.execute("BEGIN; SELECT COUNT(*) FROM usage_totals").await.unwrap();
    }
    process.client.chat("hello").await.assert_ok();
    process.client.get("/api/openai/usage").await.assert_ok();
    if with_log {
        let copies = ["", "-wal", "-shm"].map(|suffix| format!("{}{suffix}", file.display()));
        let saved = copies.clone().map(|path| fs::read(path).unwrap());
        process.kill().await;
        reading.close().await.unwrap();
        for (path, content) in copies.iter().zip(saved) {
            fs::write(path, content).unwrap();
        }
    } else {
        reading.close().await.unwrap();
        stop(process).await;
    }
    let id = setup.log_lines("chat").pop().unwrap()["request_id"].as_str().unwrap().to_owned();
    (setup, id)
}

async fn stop(mut process: Process) {
    process.terminate();
    assert_eq!(process.exit_code().await, Some(0));
}

/// Runs a command on a folder in which this user may not write anything.
async fn run_on_read_only_folder(setup: &TestSetup, arguments: &[&str]) -> CommandOutput {
    let set_modes = |folder: u32, file: u32| {
        for path in files(setup.path()).into_keys() {
            set_mode(&path, file);
        }
        set_mode(&setup.log_dir(), folder);
        set_mode(setup.path(), folder);
    };
    set_modes(0o500, 0o400);
    let ran = output_of(setup.ordinary_command(arguments)).await;
    set_modes(0o700, 0o600);
    ran
}

#[tokio::test]
async fn an_unused_database_is_read_without_a_change() {
    let model = FakeModel::start().await;
    for with_log in [false, true] {
        let (setup, id) = with_a_turn(&model, with_log).await;
        let before = files(setup.path());
        for arguments in [
            &["log", "verify", "--format", "json"][..],
            &["log", "reconcile", "--format", "json"],
            &["log", "show", id.as_str()],
        ] {
            for is_writable in [true, false] {
                let ran = if is_writable {
                    run(&setup, arguments).await
                } else {
                    run_on_read_only_folder(&setup, arguments).await
                };
                assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{with_log} {is_writable}: {ran:?}");
                match arguments[1] {
                    "verify" => assert_eq!(json_of(&ran)["database_compared"], true, "{ran:?}"),
                    "reconcile" => assert_eq!(json_of(&ran)["database"]["turns"], 2, "{ran:?}"),
                    _ => assert!(ran.out.contains("hello"), "{ran:?}"),
                }
                assert!(files(setup.path()) == before, "{arguments:?} {with_log} {is_writable}");
            }
        }
    }
}

#[tokio::test]
async fn a_backup_is_made_of_a_read_only_folder() {
    let model = FakeModel::start().await;
    for with_log in [false, true] {
        let (setup, _) = with_a_turn(&model, with_log).await;
        let (before, elsewhere) = (files(setup.path()), tempfile::tempdir().unwrap());
        let copy = elsewhere.path().join("al-chat.db");
        let ran = run_on_read_only_folder(&setup, &["backup", copy.to_str().unwrap()]).await;
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{with_log}: {ran:?}");
        assert!(files(setup.path()) == before, "{with_log}");
        let mut database = SqliteConnectOptions::new().filename(&copy).read_only(true).connect().await.unwrap();
        let turns = sqlx::query_scalar::<_, i64>("SELECT SUM(requests) FROM usage_totals");
        assert_eq!(turns.fetch_one(&mut database).await.unwrap(), 2, "{with_log}");
        database.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_cut_tail_is_found_on_a_read_only_folder() {
    let model = FakeModel::start().await;
    let (setup, _) = with_a_turn(&model, false).await;
    let day = day_file(&setup.log_dir());
    let text = fs::read_to_string(&day).unwrap();
    fs::write(&day, text.trim_end().rsplit_once('\n').unwrap().0.to_owned() + "\n").unwrap();
    let ran = run_on_read_only_folder(&setup, &["log", "verify", "--format", "json"]).await;
    let result = json_of(&ran);
    assert_eq!((ran.code, &result["damage"][0]["kind"]), (Some(1), &json!("missing")), "{ran:?}");
    assert!(result["damage"].to_string().contains("which the database has counted"), "{result}");
    fs::write(&day, text).unwrap();
}

#[tokio::test]
async fn a_comparison_that_cannot_be_done_is_named() {
    let model = FakeModel::start().await;
    let (setup, _) = with_a_turn(&model, true).await;
    let verify = ["log", "verify", "--format", "json"];
    let file = setup.path().join("al-chat.db");
    let assert_named = |ran: &CommandOutput, words: &str| {
        let result = json_of(ran);
        assert_eq!((ran.code, &result["whole"], &result["database_compared"]), (Some(0), &json!(true), &json!(false)));
        let notes = result["notes"].to_string();
        assert!(
            notes.contains("the log is not compared with the database, since ") && notes.contains(words),
            "{notes}"
        );
    };
    // The index cannot be made.
    fs::remove_file(setup.path().join("al-chat.db-shm")).unwrap();
    let ran = run_on_read_only_folder(&setup, &verify).await;
    assert_named(&ran, "copy the file and its log to another folder");
    assert_eq!(json_of(&run(&setup, &verify).await)["database_compared"], true);
    // The file cannot be read at all.
    set_mode(&file, 0);
    assert_named(&output_of(setup.ordinary_command(&verify)).await, "this user may not read the file");
    set_mode(&file, 0o600);
    let human = run(&setup, &["log", "verify", day_file(&setup.log_dir()).to_str().unwrap()]).await;
    assert!(human.out.contains("is not verified; name that folder, or the last line by --expect.\n"), "{human:?}");
    // Nor does a command make the file.
    let nowhere = setup.path().join("other.db");
    let url = format!("sqlite:///{}", nowhere.display());
    let setup = setup.with("DATABASE_URL", &url);
    assert_named(&run(&setup, &verify).await, "there is no database yet at");
    assert!(!nowhere.exists());
}

#[tokio::test]
async fn commands_that_read_do_not_update_tables() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model);
    let service = setup.start().await;
    service.client.chat("hello").await.assert_ok();
    service.stop().await;
    setup.change_database("DROP TABLE log_instances").await;
    setup.change_database("DELETE FROM _sqlx_migrations WHERE version > 4").await;
    let migrations = setup.count_rows("_sqlx_migrations").await;
    let verified = run(&setup, &["log", "verify"]).await;
    assert!(verified.code == Some(0) && verified.out.contains("`al-chat migrate` updates its tables"), "{verified:?}");
    let compared = run(&setup, &["log", "reconcile"]).await;
    assert!(compared.code == Some(2) && compared.err.contains("`al-chat migrate` updates its tables"), "{compared:?}");
    assert_eq!(setup.count_rows("_sqlx_migrations").await, migrations);
}

#[tokio::test]
async fn a_start_while_the_database_is_read_is_noticed() {
    let model = FakeModel::start().await;
    let (setup, _) = with_a_turn(&model, false).await;
    let settings = setup.config().database;
    let unchanged = ContentKeyReader::open(&settings).await.unwrap();
    assert!(unchanged.close().await.is_ok());
    let reader = ContentKeyReader::open(&settings).await.unwrap();
    let process = setup.start_process().await;
    let failure = reader.close().await.unwrap_err();
    assert!(matches!(failure, DatabaseReadFailure::UsedMeanwhile(_)), "{failure:?}");
    drop(process);
    // No backup is left of what may be wrong.
    let (setup, _) = with_a_turn(&model, false).await;
    let source = BackupSource::open(&setup.config().database).await.unwrap();
    let process = setup.start_process().await;
    let copy = setup.path().join("copy.db");
    let failure = source.copy_to(&copy).await.unwrap_err();
    assert!(failure.is_momentary(), "{failure:?}");
    assert!(!copy.exists() && !setup.path().join("copy.db.part").exists());
    // A service that has come and gone.
    let (setup, _) = with_a_turn(&model, false).await;
    let reader = ContentKeyReader::open(&setup.config().database).await.unwrap();
    stop(setup.start_process().await).await;
    assert!(matches!(reader.close().await, Err(DatabaseReadFailure::UsedMeanwhile(_))));
    drop(process);
}

#[tokio::test]
async fn a_database_that_is_used_by_another_path_is_named() {
    let model = FakeModel::start().await;
    let (setup, _) = with_a_turn(&model, false).await;
    let other = setup.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::hard_link(setup.path().join("al-chat.db"), other.join("al-chat.db")).unwrap();
    let url = format!("sqlite:///{}", other.join("al-chat.db").display());
    let log = other.join("log").display().to_string();
    let elsewhere = TestSetup::for_model(&model).with("DATABASE_URL", &url).with("SESSION_LOG_DIR", &log);
    let _process = elsewhere.start_process().await;
    let ran = run(&setup, &["log", "reconcile"]).await;
    assert!(ran.code == Some(2) && ran.err.contains("its write-ahead log (-wal) is not beside it"), "{ran:?}");
}

#[tokio::test]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn a_user_who_may_only_read_can_compare() {
    use sqlx::{AssertSqlSafe, PgConnection};

    let model = FakeModel::start().await;
    let address = crate::postgres::cluster::shared().database();
    let setup = TestSetup::for_model(&model).with("DATABASE_URL", address.as_str());
    let service = setup.start().await;
    service.client.chat("hello").await.assert_ok();
    let name = format!("reader_{}", uuid::Uuid::now_v7().simple());
    let mut database = PgConnection::connect(address.as_str()).await.unwrap();
    let grants = format!(
        "CREATE ROLE {name} LOGIN PASSWORD 'of-the-reader'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}"
    );
    sqlx::raw_sql(AssertSqlSafe(grants)).execute(&mut database).await.unwrap();
    let mut as_reader = address.clone();
    as_reader.set_username(&name).unwrap();
    as_reader.set_password(Some("of-the-reader")).unwrap();
    service.stop().await;
    let setup = setup.with("DATABASE_URL", as_reader.as_str());
    let verified = run(&setup, &["log", "verify", "--format", "json"]).await;
    assert_eq!((verified.code, &json_of(&verified)["database_compared"]), (Some(0), &json!(true)), "{verified:?}");
    let compared = run(&setup, &["log", "reconcile", "--format", "json"]).await;
    assert_eq!((compared.code, &json_of(&compared)["database"]["turns"]), (Some(0), &json!(1)), "{compared:?}");
}
