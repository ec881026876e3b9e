//! Compression of past days.

use std::{collections::BTreeSet, fs, time::Duration};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::Value;

use super::{
    DAY, Days, OLD_INSTANCE, assert_whole, compressed, days, lines, names, plain, turns, wait_for_file,
    wait_until_gone, write_day,
};
use crate::{command_line::run, support::service::TestSetup};

#[tokio::test]
async fn days_are_compressed_and_read_as_before() {
    let days_before = {
        let days = Days::start(&[]).await;
        for _ in 0..3 {
            days.next().await;
        }
        days
    };
    let Days { setup, clock, service } = days_before;
    service.stop().await;
    let (before, report) = (days(&setup), ["log", "report", "--until", "2026-03-03", "--format", "json"]);
    assert_eq!(names(&setup).len(), 4);
    let (reported, whole) = (run(&setup, &report).await, assert_whole(&setup).await);
    let session = serde_json::from_str::<Value>(before["2026-03-01"].lines().nth(1).unwrap()).unwrap();
    let show = ["log", "show", session["request_id"].as_str().unwrap()];
    let shown = run(&setup, &show).await;

    let setup = setup.with("SESSION_LOG_COMPRESS_AFTER", "1").with("FILE_MODE", "0640");
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    wait_for_file(&compressed(&setup, "2026-03-02")).await;
    service.stop().await;
    let name = |date: &str, ending: &str| format!("session_2026-03-{date}.log{ending}");
    assert_eq!(names(&setup), [name("01", ".zst"), name("02", ".zst"), name("03", ""), name("04", "")]);
    let mut after = days(&setup);
    let today = after.insert("2026-03-04".to_owned(), before["2026-03-04"].clone()).unwrap();
    assert!(after == before && today.starts_with(&before["2026-03-04"]), "{after:#?}");
    let after = assert_whole(&setup).await;
    assert_eq!(after["processes"][0], whole["processes"][0]);
    assert_eq!(after["damage_count"], 0);
    let figures = |text: &str| {
        let mut report = serde_json::from_str::<Value>(text).unwrap();
        // The second process has written further lines, and files have other names.
        for field in ["files", "lines"] {
            report.as_object_mut().unwrap().remove(field);
        }
        report
    };
    assert_eq!(figures(&run(&setup, &report).await.out), figures(&reported.out));
    assert_eq!(run(&setup, &show).await.out, shown.out);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let data = fs::metadata(compressed(&setup, "2026-03-01")).unwrap();
        assert_eq!(data.permissions().mode() & 0o777, 0o640);
    }
    // The next start finds the end of the log, and the standard program can read the days.
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    service.stop().await;
    let starts = assert_whole(&setup).await["processes"].as_array().unwrap().len();
    assert_eq!(starts, 3);
}

#[tokio::test]
async fn without_settings_nothing_changes() {
    let setup = TestSetup::new();
    write_day(&setup, "2020-01-01", &lines(OLD_INSTANCE, "2020-01-01", 1, 5, 10));
    let service = setup.start().await;
    turns(&service.client, 1).await;
    assert_eq!(service.client.get("/api/health/ready").await.status, 200);
    service.stop().await;
    assert_eq!(names(&setup)[0], "session_2020-01-01.log");
    assert_eq!(setup.log_lines("log_deleted").len(), 0);
}

#[tokio::test]
async fn a_kill_at_each_step_is_completed_by_the_next_start() {
    let text = lines(OLD_INSTANCE, "2026-01-01", 1, 200, 20);
    let zstd = zstd::encode_all(text.as_bytes(), 3).unwrap();
    let half = &zstd[..zstd.len() / 2];
    let part = ".session_2026-01-01.log.zst.part";
    let (day, other) = ("session_2026-01-01.log", "session_2026-01-01.log.zst");
    let earlier = lines(OLD_INSTANCE, "2026-01-01", 201, 5, 20);
    // Files after a kill: while the copy is written, after it, after the first rename, and with a day of two files while the
    // older one is moved, before and after the first rename.
    let older = zstd::encode_all(earlier.as_bytes(), 3).unwrap();
    let states: [&[(&str, &[u8])]; 5] = [
        &[(day, text.as_bytes()), (part, half)],
        &[(day, text.as_bytes()), (part, &zstd)],
        &[(day, &zstd)],
        &[(day, text.as_bytes()), (part, &zstd), ("session_2026-01-01.log.1.zst", &older)],
        &[(day, &zstd), ("session_2026-01-01.log.1.zst", &older)],
    ];
    for state in states {
        for compress_after in ["1", ""] {
            let setup = TestSetup::new().with("SESSION_LOG_COMPRESS_AFTER", compress_after);
            fs::create_dir_all(setup.log_dir()).unwrap();
            for (name, bytes) in state {
                fs::write(setup.log_dir().join(name), bytes).unwrap();
            }
            let expected = if state.len() > 2 || state[1 % state.len()].0.contains(".1.") {
                earlier.clone() + &text
            } else {
                text.clone()
            };
            assert_eq!(days(&setup)["2026-01-01"], expected, "before the start");
            let service = setup.start().await;
            let is_compressed = !compress_after.is_empty() || state[0].1 == zstd;
            if is_compressed {
                wait_for_file(&setup.log_dir().join(other)).await;
                wait_until_gone(&setup.log_dir().join(day)).await;
            }
            service.stop().await;
            assert_eq!(days(&setup)["2026-01-01"], expected, "{:?}", names(&setup));
            assert!(!setup.log_dir().join(part).exists());
            assert_eq!(setup.log_dir().join(other).exists(), is_compressed, "{:?}", names(&setup));
        }
    }
}

#[tokio::test]
async fn kills_during_compression_lose_and_double_nothing() {
    let setup = TestSetup::new().with("SESSION_LOG_COMPRESS_AFTER", "0");
    let dates = (1..=6).map(|day| format!("2026-01-{day:02}")).collect::<Vec<_>>();
    let mut next = 1;
    for date in &dates {
        write_day(&setup, date, &lines(OLD_INSTANCE, date, next, 500, 800));
        next += 500;
    }
    let before = days(&setup);
    let mut random = StdRng::seed_from_u64(7);
    let (mut rounds, mut seen) = (0, BTreeSet::new());
    while dates.iter().any(|date| plain(&setup, date).exists()) {
        let mut process = setup.start_process().await;
        tokio::time::sleep(Duration::from_millis(random.random_range(0..250))).await;
        process.kill().await;
        let after = days(&setup);
        assert!(dates.iter().all(|date| after[date] == before[date]), "{:?}", names(&setup));
        seen.insert(names(&setup));
        rounds += 1;
        assert!(rounds < 200, "{:?}", names(&setup));
    }
    assert!(seen.len() > 2, "{rounds} rounds: {seen:?}");
    assert_whole(&setup).await;
}

#[tokio::test]
async fn a_late_line_of_a_compressed_day_gets_a_file_of_its_own() {
    let days = Days::start(&[("SESSION_LOG_COMPRESS_AFTER", "0")]).await;
    let (setup, client) = (&days.setup, &days.service.client);
    days.next().await;
    let day = compressed(setup, "2026-03-01");
    wait_for_file(&day).await;
    for (late, files) in [(1, 2), (2, 3)] {
        days.clock.jump(-26);
        turns(client, 1).await;
        assert!(plain(setup, "2026-03-01").exists());
        days.clock.jump(26);
        turns(client, 1).await;
        days.clock.advance(Duration::from_hours(1));
        wait_until_gone(&plain(setup, "2026-03-01")).await;
        wait_for_file(&setup.log_dir().join(format!("session_2026-03-01.log.{late}.zst"))).await;
        wait_for_file(&day).await;
        assert_eq!(names(setup).iter().filter(|name| name.contains("03-01")).count(), files);
        assert_whole(setup).await;
    }
    days.service.stop().await;
    assert_whole(&days.setup).await;
}

#[tokio::test]
async fn turns_of_a_locked_database_are_compressed_when_counted() {
    let days = Days::start(&[("SESSION_LOG_COMPRESS_AFTER", "0")]).await;
    let lock = days.setup.lock_database().await;
    // Logged, and not counted.
    days.service.client.chat("hello").await;
    days.clock.advance(DAY);
    days.service.client.chat("hello").await;
    lock.release().await;
    days.service.client.wait_for_readiness(200).await;
    turns(&days.service.client, 1).await;
    let logged = days.setup.log_lines("chat").len();
    days.clock.advance(Duration::from_hours(1));
    wait_for_file(&compressed(&days.setup, "2026-03-01")).await;
    let counted = days.service.client.get("/api/openai/usage").await.assert_ok()["request_count"].as_u64();
    assert_eq!(counted, Some(logged as u64));
    days.service.stop().await;
    assert_whole(&days.setup).await;
}
