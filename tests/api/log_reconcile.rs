//! `al-chat log reconcile`: log, database and running service have the same turns, whatever happens, and each change of one of
//! them is named.

use std::{fs, os::unix::net::UnixListener};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{
    command_line::{assert_wrong_arguments, run},
    fakes::{
        byte_server::ByteServer,
        model::{Behaviour, FakeModel, Reply},
        papita::FakePapita,
    },
    log_retention::{Days, plain, wait_until_gone},
    support::{
        client::Client,
        gzip::gzipped,
        service::{TestSetup, day_file},
        user::User,
    },
};

/// Runs the command. Returns its exit code and its output.
pub async fn reconcile(setup: &TestSetup, arguments: &[&str]) -> (Option<i32>, Value) {
    let ran = run(setup, &[&["log", "reconcile", "--format", "json"], arguments].concat()).await;
    (ran.code, serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}")))
}

/// Returns the kinds of the differences, each once.
async fn kinds(setup: &TestSetup) -> (Vec<String>, Value) {
    let (code, result) = reconcile(setup, &[]).await;
    let differences = result["differences"].as_array().unwrap().iter();
    let mut kinds = differences.map(|it| it["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    kinds.dedup();
    assert_eq!((code == Some(0), result["same"] == true), (kinds.is_empty(), kinds.is_empty()), "{result}");
    (kinds, result)
}

/// Returns an answer of a model that fails the turn.
pub fn refused() -> Behaviour {
    Behaviour::Respond { status: 500, headers: vec![], body: "{}".to_owned() }
}

async fn turn_with_key(client: &Client, key: &str) {
    let request = client.json_request("/api/chat", &json!({"message": "hello"})).header("idempotency-key", key);
    client.send(request).await.assert_ok();
}

/// Runs a service that has a turn of each kind, in a session that goes on, and records for a Papita that is away.
async fn sample() -> TestSetup {
    let (model, papita) = (FakeModel::start().await, FakePapita::start().await);
    let setup = TestSetup::for_papita(&model, &papita).with("OPENAI_API_KEY", "sk-local").with("MODEL_RETRIES", "0");
    let service = setup.start().await;
    let client = &service.client;
    client.chat("first").await.assert_ok();
    papita.wait_for_usage(1).await;
    papita.stop().await;
    let session = client.post("/api/session/start", &json!({})).await.assert_ok()["session_id"].clone();
    let other = client.post("/api/session/start", &json!({})).await.assert_ok()["session_id"].clone();
    for session in [&session, &session, &other] {
        client.post("/api/chat", &json!({"message": "hello", "session_id": session})).await.assert_ok();
    }
    client.post("/api/session/stop", &json!({"session_id": other})).await.assert_ok();
    turn_with_key(client, "key").await;
    turn_with_key(client, "key").await;
    model.behave_once(refused());
    client.chat("lost").await.assert_error(502, "model_failed");
    let ada = User::register(client, "ada").await;
    let chat = ada.create_chat().await;
    ada.ask(chat, "hello").await;
    client.stream_chat("hello").await.text_and_end().await;
    service.stop().await;
    setup
}

#[tokio::test]
async fn each_change_of_the_database_is_named() {
    let setup = sample().await;
    let (kinds_before, result) = kinds(&setup).await;
    assert_eq!(kinds_before, [""; 0], "{result}");
    let lines = setup.log_lines("chat");
    let sum = |field: &str| lines.iter().map(|line| line[field].as_u64().unwrap()).sum::<u64>();
    let expected = json!({
        "turns": 8, "errors": 1, "prompt_tokens": sum("prompt_tokens"), "completion_tokens": sum("completion_tokens"),
        "cost_pico_usd": result["log"]["cost_pico_usd"],
    });
    assert_eq!((&result["log"], &result["database"], &result["days"][0]["log"]), (&expected, &expected, &expected));
    let cost = lines.iter().filter_map(|line| line["cost_usd"].as_f64()).sum::<f64>();
    assert!((result["log"]["cost_pico_usd"].as_f64().unwrap() / 1e12 - cost).abs() < 1e-15, "{result}");
    assert!(result["kept_compared"].as_u64() > Some(8), "{result}");

    let of_key = lines.iter().find(|line| line["session_id"].is_null() && line["seq"].as_u64() > Some(4)).unwrap();
    let rows = [
        (
            "UPDATE usage_totals SET requests = requests + 1",
            "UPDATE usage_totals SET requests = requests - 1",
            &["usage_totals"][..],
            "",
        ),
        (
            "UPDATE log_totals SET cost_pico = cost_pico + 1 WHERE code = ''",
            "UPDATE log_totals SET cost_pico = cost_pico - 1 WHERE code = ''",
            &["totals", "usage_totals"],
            "gpt-4o-mini, answered",
        ),
        (
            "UPDATE log_totals SET turns = turns + 1 WHERE code <> ''",
            "UPDATE log_totals SET turns = turns - 1 WHERE code <> ''",
            &["totals"],
            "model_failed",
        ),
        (
            "UPDATE idempotency_keys SET prompt_tokens = prompt_tokens + 1",
            "UPDATE idempotency_keys SET prompt_tokens = prompt_tokens - 1",
            &["turn"],
            of_key["request_id"].as_str().unwrap(),
        ),
        (
            "UPDATE papita_outbox SET body = replace(body, '\"inputTokens\":', '\"inputTokens\":9')",
            "UPDATE papita_outbox SET body = replace(body, '\"inputTokens\":9', '\"inputTokens\":')",
            &["turn"],
            "a usage record that waits for Papita: gpt-4o-mini, 912 + 6 tokens",
        ),
        (
            "UPDATE session_turns SET completion_tokens = completion_tokens + 1",
            "UPDATE session_turns SET completion_tokens = completion_tokens - 1",
            &["session"],
            "the log does not have one of its turns",
        ),
    ];
    for (change, undo, expected, words) in rows {
        setup.change_database(change).await;
        let (found, result) = kinds(&setup).await;
        assert_eq!(found, expected, "{change}: {result}");
        assert!(result["differences"].to_string().contains(words), "{words}: {result}");
        setup.change_database(undo).await;
    }
    // An answer in a chat whose turn the log does not have, by an id of later than the log's begin.
    setup
        .change_database("UPDATE messages SET request_id = '02a22757-0d11-725c-9a9d-cbf19ebe8885' WHERE sender = 'bot'")
        .await;
    let (found, result) = kinds(&setup).await;
    assert_eq!(found, ["turn"], "{result}");
    let text = result["differences"][0]["text"].as_str().unwrap();
    assert!(text.contains("the log has no line; the database has an answer in chat"), "{text}");
}

#[tokio::test]
async fn each_change_of_the_log_is_named() {
    let setup = sample().await;
    let day = day_file(&setup.log_dir());
    let text = fs::read_to_string(&day).unwrap();
    let lines = text.lines().map(|line| line.to_owned() + "\n").collect::<Vec<_>>();
    let at = |words: &str| lines.iter().position(|line| line.contains(words)).unwrap();
    let failed = at("model_failed");
    let remove = |index: usize| {
        lines.iter().enumerate().filter(|(at, _)| *at != index).map(|(_, line)| line.as_str()).collect::<String>()
    };
    let stop = at("\"event\":\"session_stop\"");
    let of_session = at("\"session_id\":\"session_");
    let rows = [
        (remove(failed), vec!["missing", "totals"]),
        (remove(stop), vec!["missing", "session"]),
        (text.replacen("\"completion_tokens\":6", "\"completion_tokens\":5", 1), vec!["totals"]),
        (lines[..lines.len() - 2].concat(), vec!["missing", "totals", "turn"]),
        (text.replacen(&lines[failed], "no line\n", 1), vec!["unreadable", "missing", "totals"]),
        // Once more, as in a copy.
        (text.clone() + &lines[of_session], vec![]),
    ];
    for (changed, expected) in rows {
        fs::write(&day, &changed).unwrap();
        let (found, result) = kinds(&setup).await;
        assert_eq!(found, expected, "{result}");
    }
    // Without its beginning, which was written on the same day.
    fs::write(&day, lines[failed..].concat()).unwrap();
    let (found, result) = kinds(&setup).await;
    assert_eq!(found, ["missing", "totals"], "{result}");
    assert!(result["differences"][0]["text"].as_str().unwrap().starts_with("the log begins at "), "{result}");
    assert_eq!(result["log"]["errors"], 1);
    // Without any line.
    fs::write(&day, "").unwrap();
    let (found, result) = kinds(&setup).await;
    assert_eq!(found, ["missing", "totals", "turn", "session"], "{result}");
    assert!(result["differences"][0]["text"].as_str().unwrap().starts_with("the log has no line"), "{result}");
    fs::write(&day, &text).unwrap();
    let human = run(&setup, &["log", "reconcile"]).await;
    assert!(human.out.ends_with("Same: log and database have the same turns, errors, tokens and cost.\n"), "{human:?}");
}

#[tokio::test]
async fn damaged_lines_and_unreadable_files_are_named() {
    let setup = sample().await;
    let log = setup.log_dir();
    let day = day_file(&log);
    let text = fs::read(&day).unwrap();
    // Bytes of texts that are not compared.
    for (event, field) in [("\"event\":\"chat\"", "\"username\":\""), ("\"event\":\"service_start\"", "\"model\":\"")] {
        let finder = |words: &str, from: usize| from + memchr::memmem::find(&text[from..], words.as_bytes()).unwrap();
        let mut changed = text.clone();
        changed[finder(field, finder(event, 0)) + field.len()] = 0xff;
        fs::write(&day, changed).unwrap();
        let (_, result) = kinds(&setup).await;
        let difference = &result["differences"][0];
        assert_eq!(difference["kind"], "unreadable", "{result}");
        assert!(difference["text"].as_str().unwrap().ends_with(": not UTF-8"), "{result}");
    }
    fs::write(&day, &text).unwrap();
    let gzip = gzipped(&text);
    fs::write(setup.path().join("cut.gz"), &gzip[..gzip.len() - 12]).unwrap();
    let log = log.to_str().unwrap();
    let (code, result) = reconcile(&setup, &[log, "cut.gz"]).await;
    assert_eq!((code, &result["difference_count"]), (Some(1), &json!(1)), "{result}");
    assert!(
        result["differences"][0]["text"].as_str().unwrap().contains("the file cannot be read from here on ("),
        "{result}"
    );
    let _socket = UnixListener::bind(setup.path().join("socket.log")).unwrap();
    let sentence =
        "socket.log cannot be read; check its permissions and its disk\n  because: No such device or address";
    assert_wrong_arguments(&setup, &["log", "reconcile"], &[(&[log, "socket.log"], sentence)]).await;
}

#[tokio::test]
async fn sessions_with_turns_from_before_the_sums_by_days_are_compared() {
    let setup = sample().await;
    setup.start().await.stop().await;
    setup.change_database("UPDATE log_totals_since SET instance = (SELECT MAX(instance) FROM log_instances)").await;
    let (found, result) = kinds(&setup).await;
    assert_eq!(found, [""; 0], "{result}");
    assert_eq!((&result["earlier"], &result["log"]["turns"]), (&json!(8), &json!(0)), "{result}");
    setup.change_database("UPDATE session_turns SET completion_tokens = completion_tokens + 1").await;
    assert_eq!(kinds(&setup).await.0, ["session"]);
}

#[tokio::test]
async fn days_before_the_log_begins_are_noted() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model);
    let service = setup.start().await;
    service.client.chat("hello").await.assert_ok();
    service.stop().await;
    setup.change_database("UPDATE log_totals SET day = '2020-01-01'").await;
    let service = setup.start().await;
    service.client.chat("hello").await.assert_ok();
    service.stop().await;
    // Only the lines of the second process are left.
    let process = setup.log_lines("service_start").pop().unwrap()["instance"].as_str().unwrap().to_owned();
    let day = day_file(&setup.log_dir());
    let text = fs::read_to_string(&day).unwrap();
    fs::write(&day, text.split_inclusive('\n').filter(|line| line.contains(&process)).collect::<String>()).unwrap();
    let (found, result) = kinds(&setup).await;
    assert_eq!(found, [""; 0], "{result}");
    assert_eq!((&result["before"]["turns"], &result["log"]["turns"]), (&json!(1), &json!(1)), "{result}");
    assert!(result["notes"].to_string().contains("the log begins later"), "{result}");
    let human = run(&setup, &["log", "reconcile"]).await;
    assert!(human.out.ends_with("not compared: 1 turn of days before the log's first line.\n"), "{human:?}");
}

#[tokio::test]
async fn days_that_the_log_declares_deleted_are_noted() {
    let days = Days::start(&[("SESSION_LOG_KEEP", "2")]).await;
    let first_day = fs::read(plain(&days.setup, "2026-03-01")).unwrap();
    for _ in 2..=5 {
        days.next().await;
    }
    wait_until_gone(&plain(&days.setup, "2026-03-02")).await;
    let Days { setup, service, .. } = days;
    service.stop().await;
    let turns = |result: &Value| ["deleted", "before", "log"].map(|name| result[name]["turns"].as_u64().unwrap());
    let (found, result) = kinds(&setup).await;
    assert_eq!((found, turns(&result)), (vec![], [6, 0, 9]), "{result}");
    assert!(result["notes"].to_string().contains("SESSION_LOG_KEEP has deleted the lines of 6 turns"), "{result}");
    let human = run(&setup, &["log", "reconcile"]).await;
    assert!(human.out.ends_with("not compared: 6 turns that SESSION_LOG_KEEP has deleted.\n"), "{human:?}");
    // With a copy of a deleted day.
    fs::write(setup.path().join("session_2026-03-01.log"), first_day).unwrap();
    let log = setup.log_dir();
    let (code, result) = reconcile(&setup, &["session_2026-03-01.log", log.to_str().unwrap()]).await;
    assert_eq!((code, turns(&result)), (Some(0), [3, 0, 12]), "{result}");
    // Of a day after the declared ones, whose file is gone, too.
    fs::remove_file(plain(&setup, "2026-03-03")).unwrap();
    let (found, result) = kinds(&setup).await;
    assert_eq!((found, turns(&result)), (vec!["missing".to_owned(), "totals".to_owned()], [6, 0, 6]), "{result}");
}

#[tokio::test]
async fn a_period_limits_sums_and_missing_lines_to_whole_days() {
    let days = Days::start(&[]).await;
    days.next().await;
    days.next().await;
    let Days { setup, service, .. } = days;
    service.stop().await;
    // One turn of the first day is missing.
    let first = plain(&setup, "2026-03-01");
    let text = fs::read_to_string(&first).unwrap();
    let lines = text.split_inclusive('\n').collect::<Vec<_>>();
    fs::write(&first, [&lines[..2], &lines[3..]].concat().concat()).unwrap();
    for (period, expected, turns, sentence) in [
        (&[][..], &["missing", "totals"][..], 8, "Same"),
        (&["--until", "2026-03-01"], &["missing", "totals"], 2, "the days up to 2026-03-01"),
        (&["--since", "2026-03-02"], &[], 6, "the days from 2026-03-02 on"),
        (&["--since", "2026-03-02T00:00:01"], &[], 3, "the days from 2026-03-03 on"),
        (&["--since", "2026-03-02", "--until", "2026-03-02"], &[], 3, "the days from 2026-03-02 to 2026-03-02"),
        (&["--since", "2026-03-01T01:00", "--until", "2026-03-01T23:00"], &[], 0, "no day, since none is wholly in it"),
    ] {
        let (code, result) = reconcile(&setup, period).await;
        let differences = result["differences"].as_array().unwrap();
        let kinds = differences.iter().map(|it| it["kind"].as_str().unwrap()).collect::<Vec<_>>();
        assert_eq!((code == Some(0), kinds.as_slice()), (expected.is_empty(), expected), "{period:?} {result}");
        assert_eq!(result["log"]["turns"], turns, "{period:?} {result}");
        assert!(period.is_empty() || result["notes"].to_string().contains(sentence), "{period:?} {result}");
    }
    // Without its file, which is before the log's begin then.
    fs::remove_file(first).unwrap();
    let (code, result) = reconcile(&setup, &["--since", "2026-03-02"]).await;
    assert_eq!(
        (code, &result["before"]["turns"], &result["log"]["turns"]),
        (Some(0), &json!(0), &json!(6)),
        "{result}"
    );
    let (_, result) = kinds(&setup).await;
    assert_eq!(result["before"]["turns"], 3, "{result}");
}

#[tokio::test]
async fn the_running_service_is_compared() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).with("MODEL_RETRIES", "0");
    setup.start().await.stop().await;
    let service = setup.start().await;
    service.client.chat("hello").await.assert_ok();
    model.behave_once(refused());
    service.client.chat("lost").await.assert_error(502, "model_failed");
    let server = format!("http://{}", service.address());
    let (code, result) = reconcile(&setup, &["--server", &server]).await;
    assert_eq!((code, &result["differences"]), (Some(0), &json!([])), "{result}");
    for (source, turns) in [("usage", 1), ("metrics", 2)] {
        let range = result["served"].as_array().unwrap().iter().find(|it| it["source"] == source).unwrap();
        assert_eq!((&range["before"], &range["before"]["turns"]), (&range["after"], &json!(turns)), "{result}");
    }
    // A turn that the running process did not count.
    let day = day_file(&setup.log_dir());
    let text = fs::read_to_string(&day).unwrap();
    fs::write(&day, text.replacen("\"completion_tokens\":6", "\"completion_tokens\":7", 1)).unwrap();
    let (code, result) = reconcile(&setup, &["--server", &server]).await;
    let kinds = result["differences"].as_array().unwrap().iter().map(|it| it["kind"].clone()).collect::<Vec<_>>();
    assert_eq!((code, kinds), (Some(1), vec![json!("totals"), json!("metrics")]), "{result}");
    setup.change_database("UPDATE usage_totals SET requests = requests + 1").await;
    let (_, result) = reconcile(&setup, &["--server", &server]).await;
    assert!(result["differences"].to_string().contains("\"usage_totals\""), "{result}");
    // Another process at the address.
    let other = TestSetup::for_model(&model).start().await;
    let (_, result) = reconcile(&setup, &["--server", &format!("http://{}", other.address())]).await;
    assert!(result["notes"].to_string().contains("does not have the first line of process"), "{result}");
    assert!(result["differences"].to_string().contains("GET /api/openai/usage has 0 answered turns"), "{result}");
}

/// Starts a server in front of a service that takes turns all the time: one before, and one after each request.
async fn busy_server(client: &Client) -> ByteServer {
    let client = client.clone();
    ByteServer::start(move |mut stream| {
        let client = client.clone();
        async move {
            let mut request = vec![0; 16 << 10];
            let length = stream.read(&mut request).await.unwrap();
            let request = String::from_utf8(request[..length].to_vec()).unwrap();
            client.chat("before").await.assert_ok();
            let answer = client.get(request.split(' ').nth(1).unwrap()).await.text;
            client.chat("after").await.assert_ok();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", answer.len());
            stream.write_all((head + &answer).as_bytes()).await.unwrap();
        }
    })
    .await
}

#[tokio::test]
async fn a_busy_service_is_compared_in_one_pass() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model);
    let service = setup.start().await;
    let busy = busy_server(&service.client).await;
    let server = format!("http://{}", busy.address);
    let (code, result) = reconcile(&setup, &["--server", &server]).await;
    assert_eq!((code, &result["differences"]), (Some(0), &json!([])), "{result}");
    let ranges = result["served"].as_array().unwrap();
    let turns = ranges.iter().map(|it| (&it["source"], &it["before"]["turns"], &it["after"]["turns"]));
    let expected = [json!(["usage", 3, 7]), json!(["metrics", 1, 5])];
    assert_eq!(turns.map(|(source, before, after)| json!([source, before, after])).collect::<Vec<_>>(), expected);
    let human = run(&setup, &["log", "reconcile", "--server", &server]).await;
    assert_eq!(human.code, Some(0), "{human:?}");
    assert!(human.out.contains("Service: GET /metrics had 9 turns, "), "{human:?}");
    assert!(human.out.contains(" before the log was read, and 13 turns, "), "{human:?}");
    // Differences that the turns of meanwhile do not explain: the log has more, and less.
    let day = day_file(&setup.log_dir());
    for (tokens, is_in_one) in [("9000", true), ("0", false)] {
        let text = fs::read_to_string(&day).unwrap();
        let (own, other) = ("\"completion_tokens\":6", format!("\"completion_tokens\":{tokens}"));
        fs::write(&day, if is_in_one { text.replacen(own, &other, 1) } else { text.replace(own, &other) }).unwrap();
        let (code, result) = reconcile(&setup, &["--server", &server]).await;
        let metrics = result["differences"].as_array().unwrap().iter().find(|it| it["kind"] == "metrics");
        let text = metrics.unwrap_or_else(|| panic!("{result}"))["text"].as_str().unwrap();
        assert_eq!(code, Some(1), "{result}");
        assert!(text.starts_with("metrics, tokens, gpt-4o-mini, completion: the log has "), "{text}");
        assert!(text.split_once("/metrics has ").unwrap().1.contains(" to "), "{text}");
    }
}

#[tokio::test]
async fn lines_that_are_not_flushed_yet_are_no_difference() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model);
    let service = setup.start().await;
    service.client.chat("hello").await.assert_ok();
    service.client.get("/api/openai/usage").await.assert_ok();
    // A line that is in the file, but counted nowhere, as while it is flushed to the disk.
    let day = day_file(&setup.log_dir());
    let text = fs::read_to_string(&day).unwrap();
    let line = text.lines().last().unwrap().replacen("\"seq\":2", "\"seq\":3", 1);
    let copy = setup.path().join("copy.log");
    fs::write(&copy, text + &line + "\n").unwrap();
    let arguments = ["--server", &format!("http://{}", service.address()), copy.to_str().unwrap()];
    let (code, result) = reconcile(&setup, &arguments).await;
    assert_eq!((code, &result["uncounted"], &result["served"][1]["after"]["turns"]), (Some(0), &json!(1), &json!(1)));
    // The database has counted it, but not the metrics, which come first.
    setup.change_database("UPDATE log_instances SET counted = counted + 1").await;
    let (code, result) = reconcile(&setup, &arguments).await;
    let differences = result["differences"].to_string();
    assert_eq!(code, Some(1), "{result}");
    assert!(differences.contains("complete: the log has 2; /metrics has 1"), "{result}");
}

#[tokio::test]
async fn files_of_another_log_are_told_from_those_of_this_one() {
    let model = FakeModel::start().await;
    let [older, setup, newer] = [(); 3].map(|()| TestSetup::for_model(&model));
    for setup in [&older, &setup, &newer] {
        let service = setup.start().await;
        service.client.chat("hello").await.assert_ok();
        service.stop().await;
    }
    let [older, own, newer] = [&older, &setup, &newer].map(|it| it.log_dir().display().to_string());
    let sentence = "they are probably of another log, or not all files of this one";
    let rows = [(&[older.as_str()][..], sentence), (&[newer.as_str()], sentence), (&[&older, &newer], sentence)];
    assert_wrong_arguments(&setup, &["log", "reconcile"], &rows).await;
    let (code, result) = reconcile(&setup, &[&older, &own, &newer]).await;
    assert_eq!((code, &result["log"]["turns"], &result["other_logs"]), (Some(0), &json!(1), &json!(2)), "{result}");
    assert!(result["notes"].to_string().contains("2 turns of 2 processes"), "{result}");
    let human = run(&setup, &["log", "reconcile", &own, &newer]).await;
    assert!(human.out.ends_with("cost; not compared: 1 turn probably of another log.\n"), "{human:?}");
    // A process of this log that the database does not know has its place between two that it knows.
    setup.start().await.stop().await;
    let service = setup.start().await;
    service.client.chat("hello").await.assert_ok();
    service.stop().await;
    setup.start().await.stop().await;
    let forgotten = "DELETE FROM log_totals WHERE instance = (SELECT MAX(instance) FROM log_totals)";
    setup.change_database(forgotten).await;
    let (found, result) = kinds(&setup).await;
    assert_eq!(
        (found, &result["other_logs"]),
        (vec!["totals".to_owned(), "usage_totals".to_owned()], &json!(0)),
        "{result}"
    );
}

#[tokio::test]
async fn answers_of_other_logs_are_noted_and_own_ones_are_not() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model);
    let other = TestSetup::for_model(&model).with("DATABASE_URL", setup.database_url());
    for (setup, key) in [(&setup, "first"), (&other, "second"), (&setup, "third")] {
        let service = setup.start().await;
        turn_with_key(&service.client, key).await;
        service.stop().await;
    }
    let (found, result) = kinds(&setup).await;
    assert_eq!((found, &result["kept_compared"]), (vec![], &json!(2)), "{result}");
    let note = "answers and usage records in the database without a line here: 1;";
    assert!(result["notes"].to_string().contains(note), "{result}");
    // With its files.
    let [own_log, other_log] = [&setup, &other].map(|it| it.log_dir().display().to_string());
    let (code, result) = reconcile(&setup, &[&own_log, &other_log]).await;
    assert_eq!((code, &result["other_logs"], &result["kept_compared"]), (Some(0), &json!(1), &json!(3)), "{result}");
    assert!(result["notes"].to_string().contains("the database knows them by another log"), "{result}");
    // An answer whose line is missing, of a time at which the other process did not run any more.
    setup
        .change_database(
            "UPDATE idempotency_keys SET request_id = '02a22757-0d11-725c-9a9d-cbf19ebe8885'
             WHERE request_id = (SELECT MAX(request_id) FROM idempotency_keys)",
        )
        .await;
    let (found, result) = kinds(&setup).await;
    assert_eq!(found, ["turn"], "{result}");
    assert!(result["notes"].to_string().contains(note), "{result}");
}

#[tokio::test]
async fn answers_of_logs_without_sums_are_noted() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model);
    let other = TestSetup::for_model(&model).with("DATABASE_URL", setup.database_url());
    for (setup, key) in [(&setup, "first"), (&other, "second")] {
        let service = setup.start().await;
        turn_with_key(&service.client, key).await;
        service.stop().await;
    }
    // As if a process of an earlier version had written the other log: only its last line is known.
    setup
        .change_database(
            "UPDATE log_totals SET log = '', instance = '', day = ''
             WHERE instance = (SELECT MAX(instance) FROM log_totals_since);
             DELETE FROM log_totals_since WHERE instance = (SELECT MAX(instance) FROM log_totals_since)",
        )
        .await;
    let (found, result) = kinds(&setup).await;
    assert_eq!((found, &result["kept_compared"]), (vec![], &json!(1)), "{result}");
    assert!(result["notes"].to_string().contains("they may be in other logs"), "{result}");
}

#[tokio::test]
async fn databases_without_sums_yet_are_told_from_those_of_others() {
    let setup = sample().await;
    // As after a migration from a version without these sums.
    setup
        .change_database("DELETE FROM log_totals_since; UPDATE log_totals SET log = '', instance = '', day = '', first_seq = 0, last_seq = 0")
        .await;
    let rows = [(&[][..], "has no sums by days of this log yet")];
    assert_wrong_arguments(&setup, &["log", "reconcile"], &rows).await;
    let service = setup.start().await;
    service.client.chat("hello").await.assert_error(502, "model_unreachable");
    service.stop().await;
    let (found, result) = kinds(&setup).await;
    assert_eq!((found, &result["earlier"], &result["log"]["turns"]), (vec![], &json!(8), &json!(1)), "{result}");
}

#[tokio::test]
async fn recovered_turns_are_counted_at_the_cost_of_their_lines() {
    let model = FakeModel::start().await;
    let reply = Reply { prompt_tokens: 1000, completion_tokens: 500, ..Reply::default() };
    model.set_behaviour(Behaviour::Answer(reply));
    let setup = TestSetup::for_model(&model).with("MODEL_PRICES", "gpt-4o-mini=100/200");
    let mut process = setup.start_process().await;
    let lock = setup.lock_database_with("LOCK TABLE usage_totals IN EXCLUSIVE MODE").await;
    process.client.chat("hello").await.assert_ok();
    process.kill().await;
    lock.release().await;
    let setup = setup.with("MODEL_PRICES", "gpt-4o-mini=1/2");
    let process = setup.start_process().await;
    let totals = process.client.get("/api/openai/usage").await.assert_ok();
    assert_eq!((&totals["prompt_cost_usd"], &totals["completion_cost_usd"]), (&json!(0.1), &json!(0.1)));
    assert_eq!(kinds(&setup).await.0, [""; 0]);
}

#[tokio::test]
async fn turns_without_a_line_are_told_from_those_in_the_log() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model);
    let service = setup.start().await;
    service.client.chat("hello").await.assert_ok();
    setup.block_log();
    service.client.chat("refused").await.assert_error(503, "session_log_unavailable");
    setup.unblock_log();
    service.client.wait_for_readiness(200).await;
    service.client.chat("hello").await.assert_ok();
    let server = format!("http://{}", service.address());
    let (code, result) = reconcile(&setup, &["--server", &server]).await;
    assert_eq!((code, &result["log"]["turns"]), (Some(0), &json!(2)), "{result}");
    assert!(
        result["notes"].to_string().contains("turns without a line, since the log could not be written: 1;"),
        "{result}"
    );
}

#[tokio::test]
async fn lines_that_are_not_counted_yet_are_noted() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model);
    let mut process = setup.start_process().await;
    process.client.chat("hello").await.assert_ok();
    let _ = process.client.get("/api/openai/usage").await;
    let lock = setup.lock_database_with("LOCK TABLE usage_totals IN EXCLUSIVE MODE").await;
    process.client.chat("hello").await.assert_ok();
    process.kill().await;
    lock.release().await;
    let (found, result) = kinds(&setup).await;
    assert_eq!((found, &result["log"]["turns"]), (vec![], &json!(1)), "{result}");
    let note = result["notes"].to_string();
    assert!(note.contains("not counted yet: line 3 of process ") && note.contains(", with 1 turn\""), "{result}");
    assert_eq!((&result["uncounted"], &result["before"]["turns"]), (&json!(1), &json!(0)), "{result}");
    let human = run(&setup, &["log", "reconcile"]).await;
    assert!(human.out.ends_with("tokens and cost; not compared: 1 turn not counted yet.\n"), "{human:?}");
    // A limited period, and a time before it.
    let (code, result) = reconcile(&setup, &["--until", "2020-01-01"]).await;
    assert_eq!((code, &result["kept_compared"]), (Some(0), &json!(0)), "{result}");
    assert_eq!((&result["uncounted"], &result["log"]["turns"]), (&json!(0), &json!(0)), "{result}");
    let note = "sums and missing lines are those of the days up to 2020-01-01";
    assert!(result["notes"].to_string().contains(note), "{result}");
}

#[tokio::test]
async fn wrong_arguments_and_unreadable_databases_exit_with_2() {
    let setup = TestSetup::new();
    fs::create_dir(setup.log_dir()).unwrap();
    assert_wrong_arguments(&setup, &["log", "reconcile"], &[(&[], "has no file .lock with the log's id")]).await;
    let service = setup.start().await;
    service.client.chat("hello").await.assert_ok();
    service.stop().await;
    let rows = [
        (&["nowhere"][..], "there is no file or folder nowhere"),
        (&["--since", "2026-01-02", "--until", "2026-01-01"], "no time is both"),
        (&["--server", "http://127.0.0.1:9"], "cannot be reached"),
        (&["--server", "nothing"], "--server must be an http or https URL without a user name or password"),
    ];
    assert_wrong_arguments(&setup, &["log", "reconcile"], &rows).await;
    for server in ["http://ada:hunter2@127.0.0.1:9", "http://ada:hunter2@[", "http://127.0.0.1:9/?key=hunter2"] {
        let ran = run(&setup, &["log", "reconcile", "--server", server]).await;
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{ran:?}");
        assert!(!ran.err.contains("hunter2"), "{ran:?}");
    }
    let nowhere = format!("sqlite:///{}", setup.path().join("other.db").display());
    let setup = setup.with("DATABASE_URL", &nowhere);
    assert_wrong_arguments(&setup, &["log", "reconcile"], &[(&[], "there is no database yet")]).await;
    assert!(!setup.path().join("other.db").exists());
    let foreign = TestSetup::new();
    foreign.start().await.stop().await;
    let setup = setup.with("DATABASE_URL", foreign.database_url());
    assert_wrong_arguments(
        &setup,
        &["log", "reconcile"],
        &[(&[], "has counted nothing of the log in SESSION_LOG_DIR")],
    )
    .await;
}
