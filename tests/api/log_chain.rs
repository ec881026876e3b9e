//! The proof of completeness that the session log carries: the chain of its lines, the end that each start names, and what
//! others do to the files while they are open.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::{
    command_line::run,
    support::{
        client::Client,
        service::{TestSetup, day_file, read_lines},
    },
};

const KEY: &str = "9f86d081884c7d659a2feaa0c55ad015";

async fn turn(client: &Client) {
    client.chat("hello").await.assert_ok();
}

/// Calculates the chain of each line of a file from the text alone, as the documents describe it.
fn chains(path: &Path, hasher: impl Fn() -> blake3::Hasher) -> Vec<(String, String)> {
    let text = fs::read_to_string(path).unwrap();
    let mut before = [0; 16];
    let mut chains = Vec::new();
    for line in text.lines() {
        let (head, rest) = line.split_once(r#","chain":""#).expect("a chain");
        let (chain, rest) = rest.split_at(32);
        if head.ends_with("\"seq\":1") {
            before = [0; 16];
        }
        let hash = hasher().update(&before).update(head.as_bytes()).update(&rest.as_bytes()[1..]).finalize();
        before.copy_from_slice(&hash.as_bytes()[..16]);
        chains.push((chain.to_owned(), hash.to_hex()[..32].to_owned()));
    }
    chains
}

#[tokio::test]
async fn each_line_has_the_chain_that_the_documents_describe() {
    let key = blake3::derive_key("AL-Chat 2026-11-30 chain of the session log", KEY.as_bytes());
    let hashers: [(&str, &dyn Fn() -> blake3::Hasher); 3] = [
        ("", &blake3::Hasher::new),
        (KEY, &|| blake3::Hasher::new_keyed(&key)),
        // The first secret of a list writes.
        ("9f86d081884c7d659a2feaa0c55ad015,N3v2Zr7mQy0LxWbTt1k8Jd5uHc9sAfGe", &|| blake3::Hasher::new_keyed(&key)),
    ];
    for (setting, hasher) in hashers {
        let setup = TestSetup::new().with("SESSION_LOG_KEY", setting);
        for _ in 0..2 {
            let service = setup.start().await;
            turn(&service.client).await;
            let session = service.client.post("/api/session/start", &json!({})).await.assert_ok();
            let stop = json!({ "session_id": session["session_id"], "metrics": { "a": 1, "b": "é" } });
            service.client.post("/api/session/stop", &stop).await.assert_ok();
            service.stop().await;
        }
        let chains = chains(&day_file(&setup.log_dir()), hasher);
        assert_eq!(chains.len(), 14);
        for (written, calculated) in chains {
            assert_eq!(written, calculated, "{setting}");
        }
    }
}

#[tokio::test]
async fn a_weak_secret_for_the_chain_is_refused() {
    let setup = TestSetup::new().with("SESSION_LOG_KEY", "short");
    let ran = run(&setup, &[]).await;
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains("SESSION_LOG_KEY: expected 32 or more random characters"), "{ran:?}");
}

fn end(line: &Value, stopped: bool) -> Value {
    json!({ "instance": line["instance"], "seq": line["seq"], "chain": line["chain"], "stopped": stopped })
}

#[tokio::test]
async fn a_start_names_the_end_of_the_process_before() {
    let setup = TestSetup::new();
    let previous = || setup.log_lines("service_start").pop().expect("a start")["previous"].clone();
    let service = setup.start().await;
    assert_eq!(previous(), Value::Null);
    turn(&service.client).await;
    service.stop().await;
    let stopped = setup.log().pop().unwrap();

    let mut process = setup.start_process().await;
    assert_eq!(previous(), end(&stopped, true));
    turn(&process.client).await;
    process.kill().await;
    let last = setup.log().pop().unwrap();
    // The file is found under its new name, also after one that is older.
    fs::rename(day_file(&setup.log_dir()), setup.log_dir().join("archived")).unwrap();
    fs::write(setup.log_dir().join("session_2020-01-01.log"), "{\"event\":\"chat\"}\n").unwrap();

    let service = setup.start().await;
    assert_eq!(previous(), end(&last, false));
    service.stop().await;
}

#[tokio::test]
async fn a_line_follows_foreign_bytes_on_a_line_of_its_own() {
    let setup = TestSetup::new();
    let service = setup.start().await;
    turn(&service.client).await;
    let day = day_file(&setup.log_dir());
    let append = |bytes: &[u8]| {
        let file = fs::OpenOptions::new().append(true).open(&day);
        file.and_then(|mut file| std::io::Write::write_all(&mut file, bytes)).unwrap();
    };
    append(b"garbage");
    turn(&service.client).await;
    // A whole foreign line gets no further line feed.
    append(b"{\"x\":1}\n");
    turn(&service.client).await;
    turn(&service.client).await;
    service.stop().await;
    let text = fs::read_to_string(&day).unwrap();
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).map(|line| line["event"].clone()));
    let events = events.map(|event| event.map_or(json!("no JSON"), |event| event)).collect::<Vec<_>>();
    let expected = json!(["service_start", "chat", "no JSON", "chat", null, "chat", "chat", "service_stop"]);
    assert_eq!(json!(events), expected);
    let ran = run(&setup, &["log", "verify", "--format", "json"]).await;
    let result: Value = serde_json::from_str(&ran.out).unwrap();
    let damage = result["damage"].as_array().unwrap().iter();
    let damage = damage.map(|damage| (damage["kind"].clone(), damage["line"].clone())).collect::<Vec<_>>();
    assert_eq!(damage, [(json!("altered"), json!(3)), (json!("altered"), json!(5))], "{result}");
}

#[cfg(unix)]
#[tokio::test]
async fn what_others_do_to_the_open_file_is_reported_without_a_turn() {
    let setup = TestSetup::new();
    let mut process = setup.start_process().await;
    turn(&process.client).await;
    let day = day_file(&setup.log_dir());
    fs::copy(&day, setup.log_dir().join("copy")).unwrap();
    fs::write(&day, "").unwrap();
    process.wait_for_line("was truncated").await;
    turn(&process.client).await;
    fs::OpenOptions::new()
        .append(true)
        .open(&day)
        .and_then(|mut file| std::io::Write::write_all(&mut file, b"{}\n"))
        .unwrap();
    process.wait_for_line("another program has written").await;
    fs::rename(&day, setup.log_dir().join("rotated")).unwrap();
    process.wait_for_line("was moved or deleted").await;
    turn(&process.client).await;
    assert_eq!(read_lines(&day).len(), 1);
    fs::remove_dir_all(setup.log_dir()).unwrap();
    process.wait_for_line("was moved or deleted").await;
    turn(&process.client).await;
    assert_eq!(setup.log_lines("chat").len(), 1);
    // All four turns are counted, although the log was taken away, and the process is killed.
    process.kill().await;
    let service = setup.start().await;
    let usage = service.client.get("/api/openai/usage").await.assert_ok();
    assert_eq!(usage["request_count"], 4, "{usage}");
}
