//! Streams that the end of the process interrupts. After a second a stream is on record in the database, so that the next
//! start logs and counts it.

use std::{collections::HashSet, fs};

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

/// Returns an answer that never ends after these pieces.
fn stalled(pieces: &[&str]) -> Behaviour {
    let pieces = pieces.iter().map(ToString::to_string).collect();
    Behaviour::Stream(Script { pieces, ending: Ending::Stall, ..Script::default() })
}

fn gated(words: usize) -> (Behaviour, PieceGate) {
    let gate = PieceGate::new();
    let pieces = (1..=words).map(|word| format!("w{word} ")).collect();
    (Behaviour::Stream(Script { pieces, pace: Pace::Gated(gate.clone()), ..Script::default() }), gate)
}

async fn wait_for_records(setup: &TestSetup, records: i64, condition: &str) {
    let table = format!("open_streams WHERE {condition}");
    wait_until("streams on record", async || (setup.count_rows(&table).await == records).then_some(())).await;
}

/// Opens streams that never end, and waits until they are on record with their first words.
async fn open_stalled_streams(setup: &TestSetup, client: &Client, streams: usize) -> Vec<Events> {
    let opening = (0..streams).map(|_| client.stream_chat("count"));
    let mut opened = join_all(opening).await;
    for events in &mut opened {
        assert_eq!(events.read_deltas(2).await, "One two ");
    }
    wait_for_records(setup, streams.try_into().unwrap(), "line LIKE '%\"answer_chars\":8%'").await;
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
    let setup = TestSetup::for_papita(&model, &papita).with("SESSION_LOG_CONTENT", "on");
    let mut process = setup.start_process().await;
    let client = &process.client;

    // Neither a whole turn nor a stream that has ended is on record.
    let gate = Gate::new();
    model.behave_once(Behaviour::Held(gate.clone()));
    let whole = tokio::join!(client.chat("whole"), async {
        model.wait_for_calls(1).await;
        client.stream_chat("short").await.text_and_end().await;
        model.set_behaviour(stalled(&["One ", "two "]));
        let session = client.post("/api/session/start", &json!({})).await.assert_ok();
        let body = json!({
            "message": "count", "session_id": session["session_id"], "username": "ada", "stream": true
        });
        let mut events = client.open_stream(client.json_request("/api/chat", &body)).await;
        assert_eq!(events.read_deltas(2).await, "One two ");
        wait_for_records(&setup, 1, "line LIKE '%One two %'").await;
        assert_eq!(setup.count_rows("open_streams").await, 1);
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
    assert_eq!(setup.count_rows("open_streams").await, 0);
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
    model.set_behaviour(stalled(&["One ", "two "]));
    let setup = TestSetup::for_model(&model);
    let mut process = setup.start_process().await;
    let streams = open_stalled_streams(&setup, &process.client, 4).await;
    process.kill().await;
    let damages = [
        "UPDATE open_streams SET line = substr(line, 1, 99)
         WHERE request_id = (SELECT MIN(request_id) FROM open_streams)",
        "UPDATE open_streams SET line = '' WHERE request_id = (SELECT MAX(request_id) FROM open_streams)",
        "UPDATE open_streams SET line = '{\"request_id\":\"r\"}' WHERE request_id =
         (SELECT MIN(request_id) FROM open_streams WHERE length(line) > 99)",
    ];
    for damage in damages {
        setup.change_database(damage).await;
    }

    for is_first in [true, false] {
        let process = setup.start_process().await;
        let reports = process.start_lines.iter().filter(|line| line.contains("the record of an interrupted stream"));
        let reports = reports.cloned().collect::<Vec<_>>();
        assert_eq!(reports.len(), if is_first { 3 } else { 0 }, "{reports:?}");
        for bytes in [99, 0, 18].into_iter().filter(|_| is_first) {
            let of_stream = |line: &&String| line.contains(&format!("bytes={bytes}"));
            let report = reports.iter().find(of_stream).unwrap_or_else(|| panic!("{bytes}: {reports:?}"));
            assert!(streams.iter().any(|stream| report.contains(&stream.request_id())), "{report}");
        }
        assert_eq!((setup.count_rows("open_streams").await, interrupted_lines(&setup).len()), (0, 1));
        assert_eq!(totals(&process.client).await, (0, 10));
        let metrics = process.client.get("/metrics").await.text;
        assert!(metrics.contains("al_chat_session_log_missing_lines 3\n"), "{metrics}");
        stop(process).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigkill_while_streams_are_logged_logs_each_once() {
    const STREAMS: usize = 150;
    let model = FakeModel::start().await.without_recording();
    model.set_behaviour(stalled(&["One ", "two "]));
    let setup = TestSetup::for_model(&model);
    let mut process = setup.start_process().await;
    let streams = open_stalled_streams(&setup, &process.client, STREAMS).await;
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
    assert_eq!(setup.count_rows("open_streams").await, 0);
    let metrics = process.client.get("/metrics").await.text;
    assert!(metrics.contains("al_chat_session_log_missing_lines 0"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_was_logged_before_sigkill_ended() {
    let model = FakeModel::start().await;
    let (behaviour, gate) = gated(3);
    model.set_behaviour(behaviour);
    let setup = TestSetup::for_model(&model).with("DATABASE_STATEMENT_TIMEOUT", "1s");
    let mut process = setup.start_process().await;
    let events = process.client.stream_chat("count").await;
    wait_for_records(&setup, 1, "1 = 1").await;
    let lock = setup.lock_database().await;
    gate.open();
    let (_, end) = events.text_and_end().await;
    assert_eq!(end.name, "done");
    process.kill().await;
    lock.release().await;
    assert_eq!(setup.count_rows("open_streams").await, 1);

    let process = setup.start_process().await;
    let lines = setup.log_lines("chat");
    assert_eq!((lines.len(), &lines[0]["finish"]), (1, &json!("complete")));
    assert_eq!((totals(&process.client).await.0, setup.count_rows("open_streams").await), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_ends_leaves_no_record() {
    let model = FakeModel::start().await;
    let (behaviour, gate) = gated(3);
    let setup = TestSetup::for_model(&model).with("DRAIN_TIMEOUT", "10ms");
    let process = setup.start_process().await;
    model.behave_once(behaviour);
    let events = process.client.stream_chat("count").await;
    wait_for_records(&setup, 1, "1 = 1").await;
    gate.open();
    events.text_and_end().await;
    wait_for_records(&setup, 0, "1 = 1").await;

    model.set_behaviour(stalled(&["One ", "two "]));
    let events = open_stalled_streams(&setup, &process.client, 1).await;
    stop(process).await;
    drop(events);
    let finishes = || setup.log_lines("chat").iter().map(|line| line["finish"].clone()).collect::<Vec<_>>();
    assert_eq!(finishes(), ["complete", "stopped"]);
    assert_eq!(setup.count_rows("open_streams").await, 0);
    stop(setup.start_process().await).await;
    assert_eq!(finishes().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_record_of_a_long_stream_is_renewed() {
    let model = FakeModel::start().await;
    let (behaviour, gate) = gated(1100);
    model.set_behaviour(behaviour);
    let setup = TestSetup::for_model(&model).with("SESSION_LOG_CONTENT", "on");
    let mut process = setup.start_process().await;
    let mut events = process.client.stream_chat(&"x".repeat(100_000)).await;
    gate.release(1);
    events.read_deltas(1).await;
    wait_for_records(&setup, 1, "line LIKE '%\"answer\":\"w1 \"%'").await;
    gate.release(1024);
    wait_for_records(&setup, 1, "line LIKE '%w1025 \"%'").await;
    process.kill().await;
    let _process = setup.start_process().await;
    let lines = interrupted_lines(&setup);
    let (line, text) = (&lines[0], (1..=1025).map(|word| format!("w{word} ")).collect::<Vec<_>>().concat());
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
    wait_for_records(&one, 1, "1 = 1").await;
    other.start().await.stop().await;
    assert_eq!((one.count_rows("open_streams").await, other.log_lines("chat").len()), (1, 0));
    gate.open();
    assert_eq!(running.text_and_end().await.1.name, "done");

    wait_for_records(&one, 0, "1 = 1").await;
    model.set_behaviour(stalled(&["One ", "two "]));
    let streams = open_stalled_streams(&one, &process.client, 1).await;
    process.kill().await;
    other.start().await.stop().await;
    assert_eq!((one.count_rows("open_streams").await, other.log_lines("chat").len()), (1, 0));
    let process = one.start_process().await;
    let lines = interrupted_lines(&one);
    assert_eq!((lines.len(), &lines[0]["request_id"]), (1, &json!(streams[0].request_id())));
    assert_eq!((one.count_rows("open_streams").await, totals(&process.client).await), (0, (1, 12 + 3 + 10)));
}
