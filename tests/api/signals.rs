//! Signals to the running process: repeated ones to stop, to reload, and those without a task.

use std::{fs, time::Duration};

use serde_json::{Value, json};

use crate::{
    fakes::model::{Behaviour, FakeModel, Pace, PieceGate, Script},
    support::{
        events::Events,
        service::{Process, TestSetup, wait_until},
    },
};

const STREAMS: usize = 8;

/// A time after which a further signal to stop is not taken for a repetition.
const REPETITION_WINDOW: Duration = Duration::from_millis(1100);

/// Streams whose first word has arrived, and the gate before their second one.
struct OpenStreams {
    events: Vec<Events>,
    gates: Vec<PieceGate>,
}

impl OpenStreams {
    async fn start(model: &FakeModel, process: &Process) -> Self {
        let (mut events, mut gates) = (Vec::new(), Vec::new());
        for _ in 0..STREAMS {
            let gate = PieceGate::new();
            let pieces = ["One ".to_owned(), "two.".to_owned()].to_vec();
            let script = Script { pieces, pace: Pace::Gated(gate.clone()), ..Script::default() };
            model.behave_once(Behaviour::Stream(script));
            gate.release(1);
            let mut stream = process.client.stream_chat("count").await;
            stream.read_deltas(1).await;
            events.push(stream);
            gates.push(gate);
        }
        Self { events, gates }
    }

    fn go_on(&self) {
        self.gates.iter().for_each(PieceGate::open);
    }

    /// Asserts that each stream ends with this event.
    async fn assert_end(self, event: &str) {
        for events in self.events {
            let (_, end) = events.text_and_end().await;
            assert_eq!(end.name, event, "{end:?}");
        }
    }
}

/// Opens a stream that is too long for the buffers of a connection, and reads its first words only.
async fn open_long_stream(model: &FakeModel, process: &Process) -> Events {
    let pieces = vec!["x".repeat(64 << 10); 100];
    model.behave_once(Behaviour::Stream(Script { pieces, ..Script::default() }));
    let mut events = process.client.stream_chat("long").await;
    events.read_deltas(1).await;
    events
}

async fn wait_until_stopping(process: &Process) {
    wait_until("a service that is stopping", async || {
        (process.client.get("/api/health").await.json()["status"] == "stopping").then_some(())
    })
    .await;
}

async fn totals(process: &Process) -> (Value, Value) {
    let mut usage = process.client.get("/api/openai/usage").await.assert_ok();
    (usage["request_count"].take(), usage["total_completion_tokens"].take())
}

#[tokio::test]
async fn two_signals_to_stop_at_once_count_as_one() {
    for second in ["TERM", "INT"] {
        let model = FakeModel::start().await;
        let setup = TestSetup::for_model(&model);
        let mut process = setup.start_process().await;
        let streams = OpenStreams::start(&model, &process).await;
        process.terminate();
        tokio::time::sleep(Duration::from_millis(50)).await;
        for signal in [second, "HUP", "USR1", "USR2", "PIPE"] {
            process.signal(signal);
        }
        process.wait_for_line("within a second counts as the same one").await;
        wait_until_stopping(&process).await;
        streams.go_on();
        streams.assert_end("done").await;
        assert_eq!(process.exit_code().await, Some(0), "{second}");
        let lines = setup.log_lines("chat");
        assert_eq!(lines.iter().filter(|line| line["finish"] == "complete").count(), STREAMS);
        assert_eq!(setup.log_lines("service_stop")[0]["turns_cut_off"], 0);
    }
}

#[tokio::test]
async fn a_later_signal_to_stop_cuts_turns_off_and_counts_them() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model);
    let mut process = setup.start_process().await;
    let streams = OpenStreams::start(&model, &process).await;
    model.behave_once(Behaviour::Silent);
    let client = process.client.clone();
    let request = client.json_request("/api/chat", &json!({ "message": "a whole answer" }));
    let whole = async { client.try_send(request).await.expect("an answer") };
    let stopping = async {
        model.wait_for_calls(STREAMS + 1).await;
        process.terminate();
        wait_until_stopping(&process).await;
        tokio::time::sleep(REPETITION_WINDOW).await;
        process.terminate();
        streams.assert_end("error").await;
        process.exit_code().await
    };
    let (whole, code) = tokio::join!(whole, stopping);
    whole.assert_error(503, "stopping");
    assert_eq!(code, Some(0));
    process.wait_for_line("a second signal to stop: turns that are still running are cut off").await;
    process.wait_for_line("a second signal cut turns off").await;
    let lines = setup.log_lines("chat");
    assert_eq!(lines.len(), STREAMS + 1);
    assert!(lines.iter().all(|line| line["finish"] == "stopped" && line["status"] == 503), "{lines:?}");
    assert_eq!(setup.log_lines("service_stop")[0]["turns_cut_off"], STREAMS + 1);

    // A turn without an answer does not count as a request, but its tokens do. Nothing is left for a recovery.
    let process = setup.start_process().await;
    assert_eq!(totals(&process).await, (json!(0), json!(STREAMS)));
    let recovered = process.start_lines.iter().find(|line| line.contains("only in the session log"));
    assert_eq!(recovered, None);
}

#[tokio::test]
async fn a_second_signal_does_not_wait_for_a_slow_reader() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).with("DRAIN_TIMEOUT", "5m");
    let mut process = setup.start_process().await;
    let _slow_reader = open_long_stream(&model, &process).await;
    process.terminate();
    wait_until_stopping(&process).await;
    tokio::time::sleep(REPETITION_WINDOW).await;
    process.terminate();
    assert_eq!(process.exit_code().await, Some(0));
    assert_eq!(setup.log_lines("service_stop").len(), 1);
}

#[tokio::test]
async fn a_third_signal_to_stop_ends_the_process_at_once() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).with("DRAIN_TIMEOUT", "5m");
    let mut process = setup.start_process().await;
    let streams = OpenStreams::start(&model, &process).await;
    // For this reader, which does not read on, the stop waits for 5 seconds after the second signal.
    let slow_reader = open_long_stream(&model, &process).await;
    process.terminate();
    wait_until_stopping(&process).await;
    // The turns that the second signal cuts off are logged, but cannot be counted.
    let lock = setup.lock_database().await;
    tokio::time::sleep(REPETITION_WINDOW).await;
    process.terminate();
    setup.wait_for_log_lines("chat", STREAMS + 1).await;
    tokio::time::sleep(REPETITION_WINDOW).await;
    process.terminate();
    assert_eq!(process.exit_code().await, Some(1));
    process.wait_for_line("ended at once by a third signal to stop").await;
    assert!(setup.log_lines("service_stop").is_empty());
    drop((streams, slow_reader));
    lock.release().await;

    let process = setup.start_process().await;
    let lines = setup.log_lines("chat");
    assert_eq!(lines.iter().filter(|line| line["finish"] == "stopped").count(), STREAMS + 1);
    let tokens = lines.iter().map(|line| line["completion_tokens"].as_u64().unwrap()).sum::<u64>();
    assert_eq!(totals(&process).await, (json!(0), json!(tokens)));
}

#[tokio::test]
async fn the_diagnostics_say_what_has_cut_turns_off() {
    let model = FakeModel::start().await;
    // When it is over, a further signal to stop is not taken for a repetition.
    let drain_timeout = format!("{}ms", REPETITION_WINDOW.as_millis());
    let setup = TestSetup::for_model(&model).with("DRAIN_TIMEOUT", &drain_timeout);
    let mut process = setup.start_process().await;
    let streams = OpenStreams::start(&model, &process).await;
    // For this reader, which does not read on, the stop waits for 5 seconds after the time limit.
    let _slow_reader = open_long_stream(&model, &process).await;
    process.terminate();
    streams.assert_end("error").await;
    process.terminate();
    process.wait_for_line("a second signal to stop").await;
    assert_eq!(process.exit_code().await, Some(0));
    let line = process.wait_for_line("stopped; ").await;
    assert!(line.contains("DRAIN_TIMEOUT was too short for some turns"), "{line}");
}

#[tokio::test]
async fn signals_without_a_task_have_no_effect() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model);
    let mut process = setup.start_process().await;
    let streams = OpenStreams::start(&model, &process).await;
    for signal in ["USR1", "USR2", "PIPE", "HUP"] {
        process.signal(signal);
    }
    process.wait_for_line("SIGUSR1 and SIGUSR2 have no effect").await;
    process.wait_for_line("SIGHUP").await;
    fs::rename(setup.log_dir(), setup.path().join("rotated")).unwrap();
    streams.go_on();
    streams.assert_end("done").await;
    assert_eq!(setup.log_lines("chat").len(), STREAMS, "the renamed log was not noticed");
    process.terminate();
    assert_eq!(process.exit_code().await, Some(0));
}

#[tokio::test]
async fn sighup_reads_the_key_again_and_names_other_settings() {
    let model = FakeModel::start().await;
    let setup = TestSetup::new().with("OPENAI_BASE_URL", &model.base_url());
    let write = |text: &str| fs::write(setup.path().join(".env"), text).unwrap();
    let bearer = || model.calls().last().unwrap().bearer.clone();
    write("OPENAI_API_KEY=sk-first\nTURN_TIMEOUT=60s\n");
    let mut process = setup.start_process().await;
    process.client.chat("hello").await.assert_ok();
    assert_eq!(bearer().as_deref(), Some("sk-first"));

    write("OPENAI_API_KEY=sk-second\nTURN_TIMEOUT=50s\nMAX_TURNS=7\n");
    process.signal("HUP");
    process.wait_for_line("OPENAI_API_KEY are read again; the key has changed").await;
    let line = process.wait_for_line("need a restart").await;
    assert!(line.contains("TURN_TIMEOUT") && line.contains("MAX_TURNS") && !line.contains("_KEY"), "{line}");
    process.client.chat("hello").await.assert_ok();
    assert_eq!(bearer().as_deref(), Some("sk-second"));
    let length =
        process.client.get("/api/openai/info").await.json()["credentials_info"]["openai_api_key_length"].take();
    assert_eq!(length, "sk-second".len());

    write("OPENAI_API_KEY=sk-third\nMAX_TURNS=many\n");
    process.signal("HUP");
    let line = process
        .wait_for_line("only the personas and the configuration file are read again, as settings are invalid")
        .await;
    assert!(line.contains("MAX_TURNS: expected") && !line.contains("many"), "{line}");
    process.client.chat("hello").await.assert_ok();
    assert_eq!(bearer().as_deref(), Some("sk-second"));

    write("");
    process.signal("HUP");
    process.wait_for_line("the key was removed").await;
    process.client.chat("hello").await.assert_ok();
    assert_eq!(bearer(), None);
}

#[tokio::test]
async fn a_key_in_the_environment_stays_after_sighup() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model);
    let mut process = setup.start_process().await;
    fs::write(setup.path().join(".env"), "OPENAI_API_KEY=sk-of-the-file\n").unwrap();
    process.signal("HUP");
    process.wait_for_line("the key has not changed").await;
    process.client.chat("hello").await.assert_ok();
    assert_eq!(model.calls()[0].bearer.as_deref(), Some("sk-local"));
}
