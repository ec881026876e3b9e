//! The session log: format, daily files, disk errors, and locking.

use std::{collections::HashMap, fs, time::Duration};

use futures_util::future::join_all;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::{Value, json};

use crate::{
    command_line::run,
    fakes::model::FakeModel,
    support::{
        client::Client,
        manual_clock::ManualClock,
        service::{TestSetup, read_lines},
    },
};

const NOON: &str = "2026-05-04T12:00:00Z";
const DAY: &str = "session_2026-05-04.log";

/// Returns the names of the log files in the folder.
fn file_names(setup: &TestSetup) -> Vec<String> {
    let entries = fs::read_dir(setup.log_dir()).expect("the log's folder");
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names = names.filter(|name| !name.starts_with('.')).collect::<Vec<_>>();
    names.sort();
    names
}

/// Asserts that every line has an event, a timestamp with the zone's offset, and the local date, which is also the date
/// of its file.
fn assert_well_formed(setup: &TestSetup, zone: &str) {
    let zone = TimeZone::get(zone).unwrap();
    for name in file_names(setup) {
        for line in read_lines(&setup.log_dir().join(&name)) {
            assert!(line["event"].is_string(), "{line}");
            let text = line["timestamp"].as_str().expect("a timestamp");
            let timestamp = text.parse::<Timestamp>().expect("RFC 3339 with an offset");
            let local = timestamp.to_zoned(zone.clone());
            let offset = local.strftime("%:z").to_string();
            assert!(text.ends_with(&offset), "{text} should have the offset {offset}");
            let date = line["date"].as_str().expect("a date");
            assert_eq!(date.parse::<Date>().unwrap(), local.date(), "{line}");
            assert_eq!(name, format!("session_{date}.log"), "{line}");
        }
    }
}

fn chat_ids(setup: &TestSetup) -> Vec<String> {
    let chats = setup.log_lines("chat");
    chats.iter().map(|line| line["request_id"].as_str().expect("an id").to_owned()).collect()
}

async fn answered_turn(client: &Client) -> String {
    client.chat("hello").await.assert_ok()["request_id"].as_str().expect("an id").to_owned()
}

/// Asserts that a turn is rejected with the reason, and that readiness names the log.
pub async fn assert_refused(client: &Client) {
    let answer = client.chat("hello").await;
    answer.assert_error(503, "session_log_unavailable");
    assert!(!answer.header("retry-after").is_empty());
    let start = client.post("/api/session/start", &json!({})).await;
    start.assert_error(503, "session_log_unavailable");
    let ready = client.get("/api/health/ready").await;
    ready.assert_error(503, "not_ready");
    let parts = &ready.json()["details"]["parts"];
    assert_ne!(parts["session_log"], "ok", "{parts}");
    assert_eq!(parts["database"], "ok", "{parts}");
    assert_eq!(client.get("/api/health").await.assert_ok()["status"], "healthy");
}

/// Asserts that the log recovers, that turns are answered again, and that the gap is logged.
async fn assert_mends(setup: &TestSetup, client: &Client) {
    client.wait_for_readiness(200).await;
    let id = answered_turn(client).await;
    assert_eq!(chat_ids(setup).last(), Some(&id));
    let gaps = setup.log_lines("log_gap");
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert!(gaps[0]["since"].as_str().unwrap().parse::<Timestamp>().is_ok(), "{gaps:?}");
    assert!(gaps[0]["lines_refused"].as_u64().unwrap() >= 1, "{gaps:?}");
}

#[tokio::test]
async fn each_day_has_one_file_with_one_json_object_per_line() {
    let clock = ManualClock::at("2026-05-04T23:30:00Z");
    let setup = TestSetup::new();
    let service = setup.start_with_clock(clock.clock("Asia/Kolkata")).await;
    let client = &service.client;
    let id = client.post("/api/session/start", &json!({})).await.assert_ok()["session_id"].clone();
    client
        .post("/api/chat", &json!({ "message": "line\nbreak \u{2028} \"quote\"", "session_id": id }))
        .await
        .assert_ok();
    let metrics = json!({ "a\nname": "a\nvalue" });
    client.post("/api/session/stop", &json!({ "session_id": id, "metrics": metrics })).await.assert_ok();
    service.stop().await;

    assert_eq!(file_names(&setup), ["session_2026-05-05.log"]);
    assert_well_formed(&setup, "Asia/Kolkata");
    let log = setup.log();
    let events = log.iter().map(|line| line["event"].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(events, ["service_start", "session_start", "chat", "metric", "session_stop", "service_stop"]);
    assert_eq!(log[1]["timestamp"], "2026-05-05T05:00:00.000000+05:30");
    let text = fs::read_to_string(setup.log_dir().join("session_2026-05-05.log")).unwrap();
    assert!(!text.contains('\r') && !text.contains("\n\n") && text.ends_with('\n'));
}

#[tokio::test]
async fn service_start_and_stop_are_logged() {
    let setup = TestSetup::new().with("AI_SERVICE", "basic");
    let service = setup.start().await;
    let starts = setup.log_lines("service_start");
    assert_eq!(starts.len(), 1);
    assert_eq!(starts[0]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(starts[0]["pid"], std::process::id());
    assert_eq!(starts[0]["model"], "gpt-4o-mini");
    assert_eq!(starts[0]["demo_mode"], true);
    assert!(setup.log_lines("service_stop").is_empty());

    service.stop().await;
    let stops = setup.log_lines("service_stop");
    assert_eq!(stops.len(), 1);
    assert!(stops[0]["uptime_seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(stops[0]["turns_cut_off"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn midnight_under_load_loses_no_line_on_any_length_of_day() {
    let model = FakeModel::start().await;
    let clock = ManualClock::at("2026-03-28T12:00:00+01:00");
    let setup = TestSetup::for_model(&model);
    let service = setup.start_with_clock(clock.clock("Europe/Berlin")).await;

    let mut answered = Vec::new();
    let evenings = [
        "2026-03-28T23:59:59+01:00",
        "2026-03-29T23:59:59+02:00",
        "2026-10-24T23:59:59+02:00",
        "2026-10-25T23:59:59+01:00",
    ];
    for evening in evenings {
        clock.set(evening);
        // Eight clients; the clock advances by 20 ms per turn, two seconds in all.
        let talking = (0..8).map(|_| async {
            let mut ids = Vec::new();
            for _ in 0..12 {
                clock.advance(Duration::from_millis(20));
                ids.push(answered_turn(&service.client).await);
            }
            ids
        });
        answered.extend(join_all(talking.collect::<Vec<_>>()).await.into_iter().flatten());
    }
    service.stop().await;

    let days = ["2026-03-28", "2026-03-29", "2026-03-30", "2026-10-24", "2026-10-25", "2026-10-26"];
    assert_eq!(file_names(&setup), days.map(|day| format!("session_{day}.log")));
    for day in days {
        let lines = read_lines(&setup.log_dir().join(format!("session_{day}.log")));
        assert!(lines.iter().any(|line| line["event"] == "chat"), "{day} has turns");
    }
    assert_well_formed(&setup, "Europe/Berlin");
    let log = setup.log();
    let stamps = log.iter().map(|line| (line["v"].clone(), line["instance"].clone(), line["seq"].as_u64()));
    let mut stamps = stamps.collect::<Vec<_>>();
    stamps.sort_by_key(|stamp| stamp.2);
    let instance = stamps[0].1.clone();
    assert!(instance.as_str().unwrap().parse::<uuid::Uuid>().is_ok_and(|id| id.get_version_num() == 7), "{instance}");
    for (stamp, seq) in stamps.into_iter().zip(1..) {
        assert_eq!(stamp, (json!(1), instance.clone(), Some(seq)));
    }
    let mut logged = chat_ids(&setup);
    logged.sort();
    answered.sort();
    assert_eq!(logged, answered);
}

#[tokio::test]
async fn incomplete_last_lines_are_repaired_at_the_next_start() {
    let setup = TestSetup::new();
    let write = |name: &str, bytes: &[u8]| fs::write(setup.log_dir().join(name), bytes).unwrap();
    let text = |name: &str| fs::read_to_string(setup.log_dir().join(name)).unwrap();
    fs::create_dir_all(setup.log_dir()).unwrap();
    let whole = "{\"event\":\"project_init\",\"timestamp\":\"2026-05-02T08:00:00+00:00\",\"date\":\"2026-05-02\"}\n";
    // Cut within an object and within a character; a whole object without its line feed; a complete file.
    write("session_2026-05-01.log", &[whole.as_bytes(), b"{\"event\":\"chat\",\"username\":\"J\xc3"].concat());
    write("session_2026-05-02.log", [whole, whole.trim_end()].concat().as_bytes());
    write("session_2026-05-03.log", whole.as_bytes());
    write(DAY, b"{\"ev");

    let service = setup.start_with_clock(ManualClock::at(NOON).clock("UTC")).await;
    assert_eq!(text("session_2026-05-01.log"), whole);
    assert_eq!(text("session_2026-05-02.log"), whole.repeat(2));
    assert_eq!(text("session_2026-05-03.log"), whole);
    let today = read_lines(&setup.log_dir().join(DAY));
    assert_eq!(today.len(), 1);
    assert_eq!(today[0]["event"], "service_start");
    service.stop().await;
}

#[tokio::test]
async fn a_second_process_on_the_same_folder_does_not_start() {
    let setup = TestSetup::new();
    let service = setup.start().await;
    let lines = setup.log().len();

    let second = run(&setup, &[]).await;
    assert_eq!(second.code, Some(1));
    assert!(second.err.contains(&setup.log_dir().display().to_string()), "{second:?}");
    assert!(second.err.contains("another process") && second.err.contains("SESSION_LOG_DIR"), "{second:?}");

    assert_eq!(setup.log().len(), lines);
    answered_turn(&service.client).await;
}

#[tokio::test]
async fn the_folder_is_unlocked_when_a_service_has_stopped() {
    let setup = TestSetup::new();
    for _ in 0..10 {
        setup.start().await.stop().await;
    }
    assert_eq!(setup.log_lines("service_stop").len(), 10);
}

#[tokio::test]
async fn an_unusable_folder_is_reported_at_start() {
    let setup = TestSetup::new();
    fs::write(setup.log_dir(), "in the way").unwrap();
    let ran = run(&setup, &[]).await;
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.err.contains(&setup.log_dir().display().to_string()) && ran.err.contains("SESSION_LOG_DIR"),
        "{}",
        ran.err
    );
}

#[tokio::test]
async fn a_folder_lost_at_run_time_rejects_turns_and_recovers() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model);
    let service = setup.start().await;
    let client = &service.client;
    let before = answered_turn(client).await;

    setup.block_log();
    for _ in 0..5 {
        assert_refused(client).await;
    }
    assert!(model.call_count() <= 2, "more than one turn called the model");

    setup.unblock_log();
    assert_mends(&setup, client).await;
    assert_eq!(chat_ids(&setup).len(), 2);
    assert_eq!(chat_ids(&setup)[0], before);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_rejects_turns_and_recovers() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model);
    let service = setup.start_with_clock(ManualClock::at(NOON).clock("UTC")).await;
    let client = &service.client;
    answered_turn(client).await;

    let file = setup.log_dir().join(DAY);
    let aside = setup.path().join("aside");
    fs::rename(&file, &aside).unwrap();
    std::os::unix::fs::symlink("/dev/full", &file).unwrap();
    for _ in 0..5 {
        assert_refused(client).await;
    }
    assert!(model.call_count() <= 2, "more than one turn called the model");

    fs::rename(&aside, &file).unwrap();
    assert_mends(&setup, client).await;
    assert_eq!(chat_ids(&setup).len(), 2);
    // The turn that was asked, but could not be logged, was not answered.
    assert_eq!(client.get("/api/openai/usage").await.assert_ok()["request_count"], 2);
}

#[tokio::test]
async fn a_moved_log_file_is_replaced_by_a_new_one() {
    let setup = TestSetup::new();
    let service = setup.start_with_clock(ManualClock::at(NOON).clock("UTC")).await;
    let first = answered_turn(&service.client).await;
    let rotated = setup.path().join("rotated.log");
    fs::rename(setup.log_dir().join(DAY), &rotated).unwrap();

    let second = answered_turn(&service.client).await;
    assert_eq!(chat_ids(&setup), [second]);
    fs::remove_file(setup.log_dir().join(DAY)).unwrap();
    let third = answered_turn(&service.client).await;
    assert_eq!(chat_ids(&setup), [third]);
    let rotated = read_lines(&rotated);
    assert_eq!(rotated.last().map(|line| &line["request_id"]), Some(&json!(first)));
}

#[tokio::test]
async fn a_synchronous_log_contains_every_turn() {
    let setup = TestSetup::new().with("SESSION_LOG_SYNC", "on");
    let service = setup.start().await;
    let turns = (0..20).map(|_| answered_turn(&service.client));
    let mut answered = join_all(turns.collect::<Vec<_>>()).await;
    let mut logged = chat_ids(&setup);
    answered.sort();
    logged.sort();
    assert_eq!(logged, answered);
}

#[tokio::test]
async fn message_texts_are_logged_only_if_configured() {
    let model = FakeModel::start().await;
    model.set_behaviour(crate::fakes::model::Behaviour::Echo);
    let body = json!({
        "message": "my-secret-question", "history": [{ "role": "user", "content": "my-secret-past" }],
        "attached_files": [{ "name": "my-secret-name", "content": "my-secret-file" }],
    });
    for (setting, shown) in [(None, false), (Some("off"), false), (Some("plain"), true)] {
        let mut setup = TestSetup::for_model(&model);
        if let Some(setting) = setting {
            setup = setup.with("SESSION_LOG_CONTENT", setting);
        }
        let service = setup.start().await;
        service.client.post("/api/chat", &body).await.assert_ok();
        service.stop().await;
        let chats = setup.log_lines("chat");
        let text = setup.log().iter().map(Value::to_string).collect::<String>();
        assert_eq!(text.contains("my-secret"), shown, "{setting:?}: {text}");
        assert!(chats[0]["message_chars"].as_u64().unwrap() > 30, "{text}");
        let fields = ["message", "answer"].map(|field| chats[0].get(field).is_some());
        assert_eq!(fields, [shown; 2], "{text}");
    }
}

#[tokio::test]
async fn a_chat_line_has_every_documented_field() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).with("MODEL_PRICES", "gpt-4o-mini=1/2");
    let service = setup.start().await;
    let body = json!({ "message": "hé!", "username": "ada", "isGuest": false, "session_id": "window-1" });
    let answer = service.client.post("/api/chat", &body).await;
    answer.assert_ok();
    let line = setup.log_lines("chat").remove(0);
    let expected = HashMap::from([
        ("request_id", json!(answer.header("x-request-id"))),
        ("session_id", json!("window-1")),
        ("username", json!("ada")),
        ("is_guest", json!(false)),
        ("model", json!("gpt-4o-mini")),
        ("prompt_tokens", json!(12)),
        ("completion_tokens", json!(6)),
        ("total_tokens", json!(18)),
        ("status", json!(200)),
        ("code", Value::Null),
        ("finish", json!("complete")),
        ("credential_source", json!("local_env")),
        ("message_chars", json!(3)),
        ("answer_chars", json!("Hello from the fake model.".len())),
    ]);
    for (field, value) in expected {
        assert_eq!(line.get(field), Some(&value), "{field} of {line}");
    }
    assert!((line["cost_usd"].as_f64().unwrap() - 24e-6).abs() < 1e-12, "{line}");
    let (latency, model) = (line["latency_ms"].as_f64().unwrap(), line["model_ms"].as_f64().unwrap());
    assert!(model > 0.0 && latency >= model, "{line}");
}
