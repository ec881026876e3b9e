//! Streams that the end of the process interrupts. After a second a stream is on record in a file, so that the next
//! start logs and counts it.

use std::{collections::HashSet, fs, path::PathBuf};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    crash::tally,
    fakes::{
        model::{Behaviour, Ending, FakeModel, Gate, Pace, PieceGate, Script},
        papita::FakePapita,
    },
    support::{
        client::Client,
        events::Events,
        service::{Process, TestSetup, wait_until},
    },
};

/// Returns an answer that never ends after its only piece: between two, a record would have the first one alone for long.
fn stalled() -> Behaviour {
    Behaviour::Stream(Script { pieces: vec!["One two ".to_owned()], ending: Ending::Stall, ..Script::default() })
}

fn gated(words: usize) -> (Behaviour, PieceGate) {
    let gate = PieceGate::new();
    let pieces = (1..=words).map(|word| format!("w{word} ")).collect();
    (Behaviour::Stream(Script { pieces, pace: Pace::Gated(gate.clone()), ..Script::default() }), gate)
}

fn record_file(setup: &TestSetup) -> PathBuf {
    setup.log_dir().join(".open_streams")
}

/// Returns the lines of the streams on record.
fn records(setup: &TestSetup) -> Vec<Value> {
    let text = fs::read_to_string(record_file(setup)).unwrap_or_default();
    // The last line may not be whole yet.
    let whole = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    let open = whole.filter_map(|line| line.strip_prefix('+')?.split_once(' '));
    open.map(|(_, fields)| serde_json::from_str(fields).unwrap()).collect()
}

/// Waits until as many streams are on record, with these values of a field.
pub async fn wait_for_records(setup: &TestSetup, count: usize, field: &str, value: impl Into<Value>) {
    let value = value.into();
    let is_reached = || {
        let records = records(setup);
        records.len() == count && records.iter().all(|record| record[field] == value)
    };
    wait_until("streams on record", async || is_reached().then_some(())).await;
}

/// Opens streams that never end, and waits until this many are on record with their first words.
async fn open_stalled_streams(setup: &TestSetup, client: &Client, streams: usize, on_record: usize) -> Vec<Events> {
    let opening = (0..streams).map(|_| client.stream_chat("count"));
    let mut opened = join_all(opening).await;
    for events in &mut opened {
        assert_eq!(events.read_deltas(1).await, "One two ");
    }
    wait_for_records(setup, on_record, "answer_chars", 8).await;
    opened
}

fn request_ids(streams: &[Events]) -> HashSet<String> {
    streams.iter().map(Events::request_id).collect()
}

/// Returns the lines of the streams that were interrupted.
fn interrupted_lines(setup: &TestSetup) -> Vec<Value> {
    let mut lines = setup.log_lines("chat");
    lines.retain(|line| line["finish"] == "interrupted");
    lines
}

async fn totals(client: &Client) -> (u64, u64) {
    let totals = client.get("/api/openai/usage").await.assert_ok();
    (totals["request_count"].as_u64().unwrap(), totals["total_tokens"].as_u64().unwrap())
}

async fn stop(mut process: Process) {
    process.terminate();
    assert_eq!(process.exit_code().await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_cut_by_sigkill_is_logged_with_an_estimate() {
    let model = FakeModel::start().await;
    let papita = FakePapita::start().await;
    papita.serve_key("sk-papita");
    let setup = TestSetup::for_papita(&model, &papita).with("SESSION_LOG_CONTENT", "plain");
    let mut process = setup.start_process().await;
    let client = &process.client;

    // Neither a whole turn nor a stream that has ended is on record.
    let gate = Gate::new();
    model.behave_once(Behaviour::Held(gate.clone()));
    let whole = tokio::join!(client.chat("whole"), async {
        model.wait_for_calls(1).await;
        client.stream_chat("short").await.text_and_end().await;
        model.set_behaviour(stalled());
        let session = client.post("/api/session/start", &json!({})).await.assert_ok();
        let body = json!({
            "message": "count", "session_id": session["session_id"], "username": "ada", "stream": true
        });
        let mut events = client.open_stream(client.json_request("/api/chat", &body)).await;
        assert_eq!(events.read_deltas(1).await, "One two ");
        wait_for_records(&setup, 1, "answer", "One two ").await;
        gate.open();
        (session, events)
    });
    let (session, events) = whole.1;
    let before = totals(client).await;
    process.kill().await;

    let process = setup.start_process().await;
    let lines = interrupted_lines(&setup);
    assert_eq!(lines.len(), 1);
    let line = &lines[0];
    let expected = json!({
        "request_id": events.request_id(), "session_id": session["session_id"], "username": "ada", "model": "gpt-4o-mini",
        "stream": true, "attempts": 1, "status": 500, "code": "turn_interrupted", "credential_source": "papita_api",
        "usage_source": "estimated", "prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 10,
        "message": "count", "message_chars": 5, "answer": "One two ", "answer_chars": 8,
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&line[field], value, "{field} of {line}");
    }
    assert!(line["cost_usd"].as_f64().is_some_and(|cost| cost > 0.0), "{line}");
    assert!(line["latency_ms"].as_f64() >= line["first_word_ms"].as_f64() && line["first_word_ms"].is_f64(), "{line}");
    assert!(line["recorded_at"].as_str() < line["timestamp"].as_str() && line["recorded_at"].is_string(), "{line}");

    // Its tokens count, but it is no answered request.
    assert_eq!(totals(&process.client).await, (before.0, before.1 + 10));
    assert_eq!(records(&setup).len(), 0);
    let id = events.request_id();
    wait_until("the usage record", async || papita.usage_keys().into_iter().flatten().find(|key| *key == id)).await;
    let diagnostics = process.start_lines.join("\n");
    assert!(diagnostics.contains("streams were interrupted by the end of an earlier process"), "{diagnostics}");
    stop(process).await;
    stop(setup.start_process().await).await;
    assert_eq!(interrupted_lines(&setup).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreadable_record_is_reported_once_and_counted() {
    let model = FakeModel::start().await;
    model.set_behaviour(stalled());
    let setup = TestSetup::for_model(&model);
    let mut process = setup.start_process().await;
    let streams = open_stalled_streams(&setup, &process.client, 1, 1).await;
    process.kill().await;
    let file = record_file(&setup);
    let record = fs::read(&file).unwrap();
    let damages = b"+a \n+b {\"request_id\":\"r\"}\n+c {\"request_id\":\"01\nno record\n\0\0\n\n  \n";
    fs::write(&file, [damages, record.as_slice(), b"+torn {\"requ"].concat()).unwrap();

    for is_first in [true, false] {
        let mut process = setup.start_process().await;
        let lines = interrupted_lines(&setup);
        assert_eq!((lines.len(), &lines[0]["request_id"]), (1, &json!(streams[0].request_id())));
        let reports = process.start_lines.iter().filter(|line| line.contains("cannot be read"));
        let reports = reports.cloned().collect::<Vec<_>>().join("\n");
        for report in ["request_id=\"a\" bytes=0", "request_id=\"b\" bytes=18", "request_id=\"c\" bytes=17", "lines=3"]
        {
            assert_eq!(reports.contains(report), is_first, "{report}: {reports}");
        }
        assert_eq!(totals(&process.client).await, (0, 10));
        let metrics = process.client.get("/metrics").await.text;
        assert!(metrics.contains("al_chat_session_log_missing_lines 6\n"), "{metrics}");
        process.kill().await;
    }
    stop(setup.start_process().await).await;
    assert!(!file.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigkill_while_streams_are_logged_logs_each_once() {
    const STREAMS: usize = 150;
    let model = FakeModel::start().await.without_recording();
    model.set_behaviour(stalled());
    let setup = TestSetup::for_model(&model);
    let mut process = setup.start_process().await;
    let streams = open_stalled_streams(&setup, &process.client, STREAMS, STREAMS).await;
    process.kill().await;

    let lines_in_log = || {
        let entries = fs::read_dir(setup.log_dir()).unwrap();
        let texts = entries.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap_or_default());
        texts.map(|text| text.matches(r#""finish":"interrupted""#).count()).sum::<usize>()
    };
    for lines in [1, 65, 129] {
        let mut child = setup.command(&[]).stderr(std::process::Stdio::null()).spawn().unwrap();
        wait_until("lines in the log", async || (lines_in_log() >= lines).then_some(())).await;
        child.kill().await.unwrap();
    }
    let process = setup.start_process().await;
    let lines = interrupted_lines(&setup);
    let logged = tally(&lines, "chat", "request_id");
    assert!(logged.values().all(|times| *times == 1), "{logged:?}");
    assert_eq!(logged.into_keys().collect::<HashSet<_>>(), request_ids(&streams));
    assert_eq!(totals(&process.client).await, (0, 10 * STREAMS as u64));
    assert_eq!(records(&setup).len(), 0);
    let metrics = process.client.get("/metrics").await.text;
    assert!(metrics.contains("al_chat_session_log_missing_lines 0"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_in_the_log_is_not_logged_again_after_sigkill() {
    for is_mark_written in [true, false] {
        let model = FakeModel::start().await;
        let (behaviour, gate) = gated(3);
        model.set_behaviour(behaviour);
        let setup = TestSetup::for_model(&model).with("DATABASE_STATEMENT_TIMEOUT", "1s");
        let mut process = setup.start_process().await;
        let events = process.client.stream_chat("count").await;
        wait_for_records(&setup, 1, "stream", true).await;
        let before = fs::read(record_file(&setup)).unwrap();
        let lock = setup.lock_database().await;
        gate.open();
        assert_eq!(events.text_and_end().await.1.name, "done");
        process.kill().await;
        if is_mark_written {
            assert_eq!(records(&setup).len(), 0);
        } else {
            // As if the process had ended between the line and the mark.
            fs::write(record_file(&setup), before).unwrap();
        }
        lock.release().await;

        let process = setup.start_process().await;
        let lines = setup.log_lines("chat");
        assert_eq!((lines.len(), &lines[0]["finish"]), (1, &json!("complete")));
        assert_eq!((totals(&process.client).await.0, records(&setup).len()), (1, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_ends_leaves_no_record() {
    let model = FakeModel::start().await;
    let (behaviour, gate) = gated(3);
    let setup = TestSetup::for_model(&model).with("DRAIN_TIMEOUT", "10ms");
    let process = setup.start_process().await;
    model.behave_once(behaviour);
    let events = process.client.stream_chat("count").await;
    wait_for_records(&setup, 1, "stream", true).await;
    gate.open();
    events.text_and_end().await;
    wait_for_records(&setup, 0, "stream", true).await;

    model.set_behaviour(stalled());
    let events = open_stalled_streams(&setup, &process.client, 1, 1).await;
    stop(process).await;
    drop(events);
    let finishes = || setup.log_lines("chat").iter().map(|line| line["finish"].clone()).collect::<Vec<_>>();
    assert_eq!(finishes(), ["complete", "stopped"]);
    assert_eq!(records(&setup).len(), 0);
    stop(setup.start_process().await).await;
    assert_eq!(finishes().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_record_of_a_long_stream_is_renewed() {
    let model = FakeModel::start().await;
    let (behaviour, gate) = gated(1100);
    model.set_behaviour(behaviour);
    let setup = TestSetup::for_model(&model).with("SESSION_LOG_CONTENT", "plain");
    let mut process = setup.start_process().await;
    let mut events = process.client.stream_chat(&"x".repeat(100_000)).await;
    gate.release(1);
    events.read_deltas(1).await;
    wait_for_records(&setup, 1, "answer", "w1 ").await;
    gate.release(1024);
    let text = (1..=1025).map(|word| format!("w{word} ")).collect::<Vec<_>>().concat();
    wait_for_records(&setup, 1, "answer", text.as_str()).await;
    process.kill().await;
    let _process = setup.start_process().await;
    let lines = interrupted_lines(&setup);
    let line = &lines[0];
    assert_eq!((&line["answer"], &line["answer_chars"]), (&json!(text), &json!(text.len())));
    // Texts in a record are limited.
    assert_eq!((line["message"].as_str().unwrap().len(), &line["message_chars"]), (64 << 10, &json!(100_000)));
    assert!(line["completion_tokens"].as_u64() >= Some(1025) && line["prompt_tokens"].as_u64() > Some(1000), "{line}");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn streams_of_another_replica_are_left_to_it() {
    let database = crate::postgres::cluster::shared().database();
    let model = FakeModel::start().await;
    let setup = || TestSetup::for_model(&model).with("DATABASE_URL", database.as_str());
    let (one, other) = (setup(), setup());
    let mut process = one.start_process().await;
    let (behaviour, gate) = gated(3);
    model.behave_once(behaviour);
    let running = process.client.stream_chat("count").await;
    wait_for_records(&one, 1, "stream", true).await;
    other.start().await.stop().await;
    assert_eq!((records(&one).len(), other.log_lines("chat").len()), (1, 0));
    gate.open();
    assert_eq!(running.text_and_end().await.1.name, "done");

    wait_for_records(&one, 0, "stream", true).await;
    model.set_behaviour(stalled());
    let streams = open_stalled_streams(&one, &process.client, 1, 1).await;
    process.kill().await;
    other.start().await.stop().await;
    assert_eq!((records(&one).len(), other.log_lines("chat").len()), (1, 0));
    let process = one.start_process().await;
    let lines = interrupted_lines(&one);
    assert_eq!((lines.len(), &lines[0]["request_id"]), (1, &json!(streams[0].request_id())));
    assert_eq!((records(&one).len(), totals(&process.client).await), (0, (1, 12 + 3 + 10)));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_streams_are_on_record_in_a_new_folder() {
    let model = FakeModel::start().await;
    model.set_behaviour(stalled());
    let setup = TestSetup::for_model(&model);
    let mut process = setup.start_process().await;
    let client = &process.client;
    let mut streams = open_stalled_streams(&setup, client, 2, 2).await;
    let moved = setup.log_dir().with_extension("moved");
    fs::rename(setup.log_dir(), &moved).unwrap();
    wait_for_records(&setup, 2, "answer_chars", 8).await;
    // If the moved folder is used again, no stream is logged twice.
    wait_until("an empty file", async || fs::read(moved.join(".open_streams")).unwrap().is_empty().then_some(())).await;
    streams.extend(open_stalled_streams(&setup, client, 3, 5).await);
    process.kill().await;
    let _process = setup.start_process().await;
    let ids = interrupted_lines(&setup).iter().map(|line| line["request_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(request_ids(&streams), ids);
}
