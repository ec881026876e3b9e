//! Deletion of past days, which the log declares.

use std::{fs, time::Duration};

use al_chat::domain::log_chain::{Chain, ChainHasher};
use serde_json::Value;

use super::{Days, assert_whole, compressed, names, plain, turns, verified, wait_for_file, wait_until_gone, write_day};
use crate::{command_line::run, support::service::TestSetup};

#[tokio::test]
async fn deleted_days_are_declared_and_the_log_follows_their_end() {
    let settings = [("SESSION_LOG_KEEP", "2"), ("SESSION_LOG_COMPRESS_AFTER", "1")];
    let days = Days::start(&settings).await;
    // The file that has the first declaration is itself deleted on the eighth day.
    for day in 2..=10 {
        days.next().await;
        if day > 2 {
            wait_for_file(&compressed(&days.setup, &format!("2026-03-{:02}", day - 2))).await;
        }
        if day > 3 {
            wait_until_gone(&compressed(&days.setup, &format!("2026-03-{:02}", day - 3))).await;
            let result = assert_whole(&days.setup).await;
            assert!(result["lines_deleted"].as_u64() > Some(2), "{result}");
            assert_eq!(result["notes"].as_array().unwrap().len(), 2, "{result}");
            assert!(result["notes"].to_string().contains("deleted by SESSION_LOG_KEEP"), "{result}");
        }
    }
    let setup = &days.setup;
    days.service.stop().await;
    assert_whole(setup).await;
    // A start after that follows, too.
    let service = setup.start_with_clock(days.clock.clock("UTC")).await;
    service.stop().await;
    let result = assert_whole(setup).await;
    let mut declared = setup.log_lines("log_deleted");
    declared.retain(|line| line["date"] == "2026-03-10");
    let [line] = declared.as_slice() else { panic!("{declared:?}") };
    assert_eq!(line["file"], "session_2026-03-07.log.zst");
    let last = &line["runs"][0];
    let lines = last["last_seq"].as_u64().unwrap() - last["first_seq"].as_u64().unwrap() + 1;
    assert_eq!((line["lines"].as_u64(), line["runs"].as_array().unwrap().len()), (Some(lines), 1));
    assert_eq!(last["instance"], result["processes"][0]["instance"]);
    assert_eq!(result["processes"][0]["first_seq"].as_u64(), Some(last["last_seq"].as_u64().unwrap() + 1));
    // Single files do not tell where the log begins.
    for name in names(setup) {
        let file = setup.log_dir().join(name);
        let ran = run(setup, &["log", "verify", file.to_str().unwrap()]).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
    // People see it, and figures are those of what is left.
    let shown = run(setup, &["log", "tail", "-n", "50"]).await;
    assert!(shown.out.contains("log_deleted") && shown.out.contains("runs=1"), "{shown:?}");
    let report = run_report(setup).await;
    assert_eq!(report["turns"]["turns"], 9, "{report}");
}

#[tokio::test]
async fn declarations_from_before_the_first_secret_are_not_needed() {
    let days = Days::start(&[("SESSION_LOG_KEEP", "2")]).await;
    for _ in 2..=4 {
        days.next().await;
    }
    wait_until_gone(&plain(&days.setup, "2026-03-01")).await;
    let Days { setup, clock, service } = days;
    service.stop().await;
    let setup = setup.with("SESSION_LOG_KEY", "9f86d081884c7d659a2feaa0c55ad015");
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    let days = Days { setup, clock, service };
    for _ in 5..=6 {
        days.next().await;
    }
    wait_until_gone(&plain(&days.setup, "2026-03-03")).await;
    days.service.stop().await;
    let result = assert_whole(&days.setup).await;
    assert!(result["notes"].to_string().contains("without the key"), "{result}");
}

#[tokio::test]
async fn a_declared_day_in_part_or_with_another_end_is_damage() {
    let days = Days::start(&[("SESSION_LOG_KEEP", "2")]).await;
    let first_day = fs::read_to_string(plain(&days.setup, "2026-03-01")).unwrap();
    for _ in 2..=5 {
        days.next().await;
    }
    wait_until_gone(&plain(&days.setup, "2026-03-02")).await;
    let Days { setup, service, .. } = days;
    service.stop().await;
    let lines = first_day.split_inclusive('\n').collect::<Vec<_>>();
    let (last, before) = lines.split_last().unwrap();
    // The last line with another time, and with the chain that follows.
    let (head, rest) = last.split_once(r#","chain":""#).unwrap();
    let (head, rest) = (head.replacen("T12:00:00", "T12:00:01", 1), &rest[33..]);
    let chain_before = &before.last().unwrap().split_once(r#","chain":""#).unwrap().1[..32];
    let chain_before = Chain::parse(chain_before.as_bytes()).unwrap();
    let chain = ChainHasher::without_key().chain(chain_before, head.as_bytes(), rest.trim_end().as_bytes());
    let altered = format!("{}{head},\"chain\":\"{chain}\"{rest}", before.concat());
    assert_ne!(altered, first_day);
    for (text, code) in [(first_day.clone(), 0), (altered, 1), (lines[1..].concat(), 1), (before.concat(), 1)] {
        write_day(&setup, "2026-03-01", &text);
        let (found, result) = verified(&setup).await;
        assert_eq!(found, Some(code), "{text} {result:#}");
    }
}

async fn run_report(setup: &TestSetup) -> Value {
    let ran = run(setup, &["log", "report", "--format", "json"]).await;
    serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"))
}

#[tokio::test]
async fn a_declared_day_that_is_still_there_is_no_damage() {
    let days = Days::start(&[("SESSION_LOG_KEEP", "2")]).await;
    let first_day = fs::read(plain(&days.setup, "2026-03-01")).unwrap();
    for _ in 2..=4 {
        days.next().await;
    }
    wait_until_gone(&plain(&days.setup, "2026-03-01")).await;
    days.service.stop().await;
    // As after a kill between the declaration and the deletion.
    fs::write(plain(&days.setup, "2026-03-01"), &first_day).unwrap();
    let result = assert_whole(&days.setup).await;
    assert_eq!(result["lines_deleted"], 0);
    let notes = result["notes"].to_string();
    assert!(notes.contains("session_2026-03-01.log was declared deleted") && notes.contains("still there"), "{notes}");
    assert!(!notes.contains("was deleted"), "{notes}");
    // It is declared once more, under another name.
    fs::remove_file(plain(&days.setup, "2026-03-01")).unwrap();
    fs::write(compressed(&days.setup, "2026-03-01"), zstd::encode_all(&*first_day, 3).unwrap()).unwrap();
    let service = days.setup.start_with_clock(days.clock.clock("UTC")).await;
    wait_until_gone(&compressed(&days.setup, "2026-03-01")).await;
    service.stop().await;
    let declared = days.setup.log_lines("log_deleted");
    assert_eq!((declared.len(), &declared[0]["runs"]), (2, &declared[1]["runs"]));
    let result = assert_whole(&days.setup).await;
    assert_eq!(result["lines_deleted"], declared[0]["lines"]);
    let notes = result["notes"].to_string();
    assert!(notes.contains("session_2026-03-01.log.zst was deleted") && !notes.contains("still there"), "{notes}");
}

#[tokio::test]
async fn a_clock_that_is_set_ahead_deletes_nothing() {
    let days = Days::start(&[("SESSION_LOG_KEEP", "5"), ("SESSION_LOG_COMPRESS_AFTER", "1")]).await;
    days.next().await;
    days.clock.jump(24 * 400);
    turns(&days.service.client, 1).await;
    days.clock.advance(Duration::from_hours(1));
    wait_for_file(&compressed(&days.setup, "2026-03-02")).await;
    assert!(compressed(&days.setup, "2026-03-01").exists());
    days.clock.jump(-24 * 400);
    days.service.stop().await;
    assert_eq!(days.setup.log_lines("log_deleted").len(), 0);
}
