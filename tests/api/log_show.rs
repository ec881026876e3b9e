//! The command `al-chat log show`: the lines of a session, and one turn.

use std::fs;

use serde_json::{Value, json};

use crate::{
    command_line::{CommandOutput, run, run_script},
    erasable_texts::erase,
    fakes::model::FakeModel,
    log_report::text_of,
    support::{gzip::gzipped, service::TestSetup},
};

const INSTANCE: &str = "01a22757-0b80-7c41-9d5e-2f0a4c1b7e63";

fn line(seq: u64, event: &str, fields: &Value) -> Value {
    let time = format!("2026-11-29T13:00:{:02}.250000+01:00", seq % 60);
    let mut line =
        json!({"event": event, "timestamp": time, "date": "2026-11-29", "v": 1, "instance": INSTANCE, "seq": seq});
    line.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    line
}

fn turn(seq: u64, session: &str) -> Value {
    line(
        seq,
        "chat",
        &json!({
            "request_id": format!("r-{seq}"), "session_id": session, "username": "ada", "model": "m-1", "requested_model": "m-1",
            "prompt_tokens": 1200, "completion_tokens": seq, "total_tokens": 1200 + seq, "usage_source": "provider",
            "cost_usd": 0.25, "latency_ms": 1500.0, "model_ms": 1400.0, "first_word_ms": 300.0, "attempts": 1, "status": 200,
            "code": null, "finish": "complete", "credential_source": "local_env",
        }),
    )
}

/// The lines of session `s-1`, with a failed turn that was retried and a text, and lines of other sessions.
fn sample() -> Vec<Value> {
    let mut lines = vec![line(1, "session_start", &json!({"session_id": "s-1"})), turn(2, "s-1"), turn(3, "s-2")];
    let mut failed = turn(4, "s-1");
    failed["requested_model"] = "m-0".into();
    failed["attempts"] = 3.into();
    failed["status"] = 504.into();
    failed["code"] = "model_timeout".into();
    failed["finish"] = "upstream_error".into();
    failed["cost_usd"] = Value::Null;
    failed["calls"] = json!([
        {"model": "m-0", "code": "model_unavailable", "waited_ms": 2.5, "ms": 400.0},
        {"model": "m-1", "code": null, "waited_ms": 100.0, "ms": 900.0},
    ]);
    let mut texts = turn(5, "s-1");
    texts["message"] = "What does\nr-2 mean? \u{1b}[2J".into();
    texts["answer"] = "A number.".into();
    let asked = json!({
        "guard_question": "pass", "guard_question_ms": 20.0, "context": "used", "context_ms": 120.0, "context_texts": 4,
        "context_sources": 2,
    });
    texts.as_object_mut().unwrap().extend(asked.as_object().unwrap().clone());
    let stop =
        json!({"session_id": "s-1", "duration_seconds": 90.5, "closed_by": "client", "server_metrics": {"turns": 3}});
    lines.extend([failed, texts, turn(6, "s-11"), line(7, "session_stop", &stop)]);
    lines
}

async fn show(setup: &TestSetup, arguments: &[&str]) -> CommandOutput {
    run(setup, &[&["log", "show"], arguments].concat()).await
}

#[tokio::test]
async fn a_session_is_shown_with_totals() {
    let setup = TestSetup::new();
    fs::create_dir(setup.log_dir()).unwrap();
    fs::write(setup.log_dir().join("session_2026-11-29.log"), text_of(&sample())).unwrap();
    let ran = show(&setup, &["s-1"]).await;
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let expected = "\
Session s-1

2026-11-29 13:00:01.250  session_start

2026-11-29 13:00:02.250  turn 1 of ada: complete
    model     m-1
    latency   1.50 s, first word after 300 ms, waited for the model 1.40 s
    tokens    1,202: 1,200 in the prompt, 2 in the answer
    cost      $0.250, key of local_env
    request   r-2

2026-11-29 13:00:04.250  turn 2 of ada: upstream_error model_timeout 504
    model     m-1, instead of m-0, 3 attempts
    latency   1.50 s, first word after 300 ms, waited for the model 1.40 s
    tokens    1,204: 1,200 in the prompt, 4 in the answer
    cost      unknown price, key of local_env
    request   r-4
    call 1    m-0: model_unavailable, after a wait of 2.50 ms, took 400 ms
    call 2    m-1: answered, after a wait of 100 ms, took 900 ms

2026-11-29 13:00:05.250  turn 3 of ada: complete
    model     m-1
    latency   1.50 s, first word after 300 ms, waited for the model 1.40 s
    tokens    1,205: 1,200 in the prompt, 5 in the answer
    cost      $0.250, key of local_env
    guard     question pass in 20.0 ms
    context   used in 120 ms, 4 texts, 2 sources
    request   r-5
    question
    | What does
    | r-2 mean? \u{fffd}[2J
    answer
    | A number.

2026-11-29 13:00:07.250  session_stop  closed_by=client duration_seconds=90.5 server_metrics.turns=3

Total
    turns     3, 1 failed, 2 retries
    from      2026-11-29 13:00:02.250 to 2026-11-29 13:00:05.250
    models    m-1 3
    tokens    3,611
    cost      $0.500, without 1 turn whose model has no known price
    waited    4.50 s in all
";
    assert_eq!(ran.out, expected, "{}", ran.out);
}

#[tokio::test]
async fn a_turn_is_shown_by_its_request() {
    let setup = TestSetup::new();
    fs::write(setup.path().join("a.log"), text_of(&sample())).unwrap();
    let ran = show(&setup, &["r-2", "a.log"]).await;
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert!(
        ran.out.starts_with("Turn r-2 of session s-1\n\n2026-11-29 13:00:02.250  turn 1 of ada: complete\n"),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains("Total") && !ran.out.contains("r-4"), "{}", ran.out);
}

#[tokio::test]
async fn lines_come_once_from_all_days_as_they_are() {
    let setup = TestSetup::new();
    fs::create_dir(setup.log_dir()).unwrap();
    let path = |name: &str| setup.log_dir().join(name);
    let mut lines = sample();
    fs::write(path("session_2026-11-27.log.gz"), gzipped(text_of(&lines[..3]).as_bytes())).unwrap();
    fs::write(path("session_2026-11-28.log.zst"), zstd::encode_all(text_of(&lines[3..]).as_bytes(), 1).unwrap())
        .unwrap();
    // A copy made by a rotation, and lines of version 0.1 and of the service before, some with an escaped id.
    fs::write(path("session_2026-11-28.log.1"), text_of(&lines[4..])).unwrap();
    let old = [
        r#"{"event": "session_start", "timestamp": "2026-11-30T08:00:01.000000", "date": "2026-11-30", "session_id": "s-1"}"#,
        r#"{"event": "metric", "timestamp": "2026-11-30T08:00:02.000000", "date": "2026-11-30", "session_id": "Z\u00f6e 1", "metric_name": "clicks", "metric_value": 3}"#,
    ];
    fs::write(path("session_2026-11-30.log"), format!("{}\n{}\n", old[0], old[1])).unwrap();
    lines.retain(|line| line["session_id"] == "s-1");
    let ran = show(&setup, &["--format", "json", "s-1"]).await;
    let found = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>();
    lines.push(serde_json::from_str(old[0]).unwrap());
    let by_seq = |mut lines: Vec<Value>| {
        lines.sort_by_key(|line| line["seq"].as_u64());
        lines
    };
    assert_eq!((ran.code, by_seq(found)), (Some(0), by_seq(lines)));
    let ran = show(&setup, &["--format", "json", "Zöe 1"]).await;
    assert_eq!((ran.code, ran.out), (Some(0), format!("{}\n", old[1])));
}

#[tokio::test]
async fn sealed_texts_are_shown_until_they_are_erased() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).with("SESSION_LOG_CONTENT", "on");
    let process = setup.start_process().await;
    let body = json!({"message": "hello\nthere", "session_id": "s-7"});
    let id = process.client.post("/api/chat", &body).await.assert_ok()["request_id"].as_str().unwrap().to_owned();
    for asked in ["s-7", &id] {
        let ran = show(&setup, &[asked]).await;
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
        assert!(ran.out.contains(&format!("request   {id}\n")), "{}", ran.out);
        assert!(ran.out.contains("    question\n    | hello\n    | there\n    answer\n    | "), "{}", ran.out);
    }
    let line = setup.log_lines("chat").remove(0);
    let ran = show(&setup, &["s-7"]).await;
    let key = format!("    sealed    content_key {}\n", line["content_key"].as_str().unwrap());
    assert!(ran.out.contains(&key), "{key} in {}", ran.out);
    // One character of the sealed texts is another one.
    let sealed = line["sealed"].as_str().unwrap();
    let other = if sealed.as_bytes()[20] == b'A' { "B" } else { "A" };
    let mut altered = line.clone();
    altered["sealed"] = format!("{}{other}{}", &sealed[..20], &sealed[21..]).into();
    fs::write(setup.path().join("altered.log"), text_of(&[altered])).unwrap();
    let ran = show(&setup, &["s-7", "altered.log"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.contains("    texts     altered: their key is there, but does not open them\n"), "{}", ran.out);
    assert_eq!(
        ran.err,
        "al-chat: the sealed texts of 1 turn were altered: their key is there, but does not open them\n"
    );
    // A database that does not exist is not one whose key was erased.
    let script = r#"DATABASE_URL=sqlite:///none.db "$0" log show s-7"#;
    let ran = run_script(&setup, script).await;
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("there is no database yet at ") && ran.err.contains("DATABASE_URL"), "{}", ran.err);
    assert!(ran.out.contains("    texts     sealed; the database with their key could not be read\n"), "{}", ran.out);
    let erased = erase(&process.client, "s-7").await;
    assert!(erased.status.is_success(), "{erased:?}");
    let ran = show(&setup, &["s-7"]).await;
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert!(ran.out.contains("    texts     sealed with a key that is not in this database"), "{}", ran.out);
    assert!(!ran.out.contains("hello"), "{}", ran.out);
    // Without the database, everything but the texts is shown.
    let mut elsewhere = setup;
    for url in ["sqlite:////dev/null/no.db", "sqlite:///no.db"] {
        elsewhere = elsewhere.with("DATABASE_URL", url);
        let ran = show(&elsewhere, &["s-7"]).await;
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.err.starts_with("al-chat: ") && ran.out.contains(&format!("request   {id}\n")), "{ran:?}");
        assert!(
            ran.out.contains("    texts     sealed; the database with their key could not be read\n"),
            "{}",
            ran.out
        );
    }
}

#[tokio::test]
async fn unknown_ids_and_damaged_files_are_named() {
    let setup = TestSetup::new();
    let write = |name: &str, bytes: &[u8]| fs::write(setup.path().join(name), bytes).unwrap();
    let text = text_of(&sample());
    write("a.log", text.as_bytes());
    write("damaged.log", format!("{{\"event\":\"chat\",\"session_id\":\"s-1\"\n\u{0}\nforeign\n{text}").as_bytes());
    write("torn.log", &text.as_bytes()[..text.len() - 10]);
    write("no.zst", text.as_bytes());
    write(
        "utf8.log",
        &[&b"{\"event\":\"chat\",\"session_id\":\"s-1\",\"message\":\"\xff\"}\n"[..], text.as_bytes()].concat(),
    );
    write("empty.log", b"");
    write("large.log", &[&vec![b'x'; 70_000_000], &b"\n"[..], text.as_bytes()].concat());
    for (arguments, code, sentence) in [
        (&["s-9", "a.log"][..], 1, "no session or turn in these files has the id s-9\n"),
        (&["", "a.log"], 1, "no session or turn in these files has the id \n"),
        (&["s-1", "damaged.log"], 1, "damaged.log:1: the line has the id, but is damaged\n"),
        (&["s-1", "torn.log"], 1, "torn.log:7: the line has the id, but is damaged\n"),
        (&["s-1", "utf8.log"], 1, "utf8.log:1: the line has the id, but is damaged\n"),
        (&["s-9", "empty.log"], 1, "no session or turn in these files has the id s-9\n"),
        (&["s-1", "a.log", "no.zst"], 1, "no.zst:1: the file cannot be read from here on ("),
        (&["s-1", "large.log"], 0, ""),
        (&["s-1", "missing.log"], 2, "there is no file or folder missing.log"),
        (&["s-1", "a.log/"], 2, "a.log/ is not a folder"),
        (&["s-1"], 2, "without FILES, the log in the folder SESSION_LOG_DIR is read"),
        (&[], 2, "<SESSION|REQUEST>"),
    ] {
        let ran = show(&setup, arguments).await;
        assert_eq!(ran.code, Some(code), "{ran:?}");
        assert!(ran.err.contains(sentence) && (code != 0 || ran.err.is_empty()), "{sentence} in {}", ran.err);
        let is_shown = arguments.len() > 1 && arguments[0] == "s-1" && code < 2;
        assert_eq!(ran.out.starts_with("Session s-1\n"), is_shown, "{ran:?}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn pipes_are_read_and_closed_ones_end_it_quietly() {
    let setup = TestSetup::new();
    fs::write(setup.path().join("a.log"), text_of(&sample())).unwrap();
    for (script, out) in [
        (r#"cat a.log | "$0" log show r-2 /dev/stdin | head -n 1; echo 0 >&2"#, "Turn r-2 of session s-1\n"),
        (r#"{ "$0" log show s-1 a.log; echo "$?" >&2; } | true"#, ""),
    ] {
        let ran = run_script(&setup, script).await;
        assert_eq!((ran.out.as_str(), ran.err.as_str()), (out, "0\n"), "{script}");
    }
}
