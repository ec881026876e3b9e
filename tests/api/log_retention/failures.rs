//! Files that cannot be compressed or deleted now.

use std::{fs, path::PathBuf, time::Duration};

#[cfg(target_os = "linux")]
use super::days;
use super::{
    DAY, Days, FUTURE_INSTANCE, OLD_INSTANCE, assert_whole, compressed, lines, names, plain, turns, wait_for_file,
    wait_until_gone, write_day,
};
use crate::support::{diagnostics::Diagnostics, manual_clock::ManualClock, service::TestSetup};

/// The words with which files are named that cannot be compressed or deleted.
const WARNING: &str = "neither compressed nor deleted";

/// Puts a folder in the place of the copy of a day. Returns its path.
fn block_copy(setup: &TestSetup, date: &str) -> PathBuf {
    let obstacle = setup.log_dir().join(format!(".session_{date}.log.zst.part"));
    fs::create_dir(&obstacle).unwrap();
    fs::write(obstacle.join("file"), "").unwrap();
    obstacle
}

/// Lets an hour pass, with its run. A day in February that can be compressed shows that the run has passed those before.
async fn pass_hour(setup: &TestSetup, clock: &ManualClock, day: u32) {
    let date = format!("2026-02-{day:02}");
    write_day(setup, &date, &lines(OLD_INSTANCE, &date, u64::from(day), 1, 10));
    clock.advance(Duration::from_hours(1));
    wait_for_file(&compressed(setup, &date)).await;
}

#[tokio::test]
async fn a_file_that_cannot_be_compressed_stays_and_is_tried_again() {
    let days = Days::start(&[("SESSION_LOG_COMPRESS_AFTER", "0")]).await;
    let obstacle = block_copy(&days.setup, "2026-03-01");
    days.next().await;
    days.next().await;
    wait_for_file(&compressed(&days.setup, "2026-03-02")).await;
    assert!(plain(&days.setup, "2026-03-01").exists());
    assert_whole(&days.setup).await;
    fs::remove_dir_all(obstacle).unwrap();
    days.clock.advance(DAY);
    wait_for_file(&compressed(&days.setup, "2026-03-01")).await;
    days.service.stop().await;
    assert_whole(&days.setup).await;
}

#[tokio::test]
async fn a_file_that_fails_again_is_tried_later_or_when_it_changes() {
    let setup = TestSetup::new().on_sqlite().with("SESSION_LOG_COMPRESS_AFTER", "0");
    let dates = ["2026-01-01", "2026-01-02", "2026-02-01"];
    for (date, first) in dates.into_iter().zip(100..) {
        write_day(&setup, date, &lines(OLD_INSTANCE, date, first, 1, 10));
    }
    let [fixed, changed, _] = dates;
    let obstacles = [fixed, changed].map(|date| block_copy(&setup, date));
    let clock = ManualClock::at("2026-03-10T01:00:00Z");
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    wait_for_file(&compressed(&setup, "2026-02-01")).await;
    pass_hour(&setup, &clock, 2).await;
    for obstacle in obstacles {
        fs::remove_dir_all(obstacle).unwrap();
    }
    write_day(&setup, changed, &lines(OLD_INSTANCE, changed, 101, 1, 20));
    pass_hour(&setup, &clock, 3).await;
    assert!(plain(&setup, fixed).exists() && compressed(&setup, changed).exists(), "{:?}", names(&setup));
    // Two hours after the second try.
    pass_hour(&setup, &clock, 4).await;
    assert!(compressed(&setup, fixed).exists(), "{:?}", names(&setup));
    service.stop().await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_to_nothing_keeps_no_other_day_plain() {
    let days = Days::start(&[("SESSION_LOG_COMPRESS_AFTER", "0")]).await;
    let link = plain(&days.setup, "2026-02-01");
    std::os::unix::fs::symlink(days.setup.path().join("nothing"), &link).unwrap();
    days.next().await;
    wait_for_file(&compressed(&days.setup, "2026-03-01")).await;
    days.service.stop().await;
    fs::remove_file(link).unwrap();
    assert_whole(&days.setup).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn on_a_full_disk_the_plain_file_stays() {
    let setup = TestSetup::new().on_sqlite().with("SESSION_LOG_COMPRESS_AFTER", "0");
    let text = lines(OLD_INSTANCE, "2026-01-01", 1, 4000, 800);
    write_day(&setup, "2026-01-01", &text);
    // No file may grow beyond 1 MiB, which stands for a full disk.
    let limited = setup.command_by_script("trap '' XFSZ; ulimit -f 2048; exec \"$0\"");
    let mut process = setup.start_command(limited).await;
    let line = process.wait_for_line(WARNING).await;
    assert!(line.contains("session_2026-01-01.log"), "{line}");
    turns(&process.client, 1).await;
    process.terminate();
    assert_eq!(process.exit_code().await, Some(0));
    assert_eq!(names(&setup).len(), 2, "{:?}", names(&setup));
    assert_eq!(days(&setup)["2026-01-01"], text);
}

#[tokio::test]
async fn lines_that_the_database_has_not_counted_stay_where_they_are() {
    let setup = TestSetup::new().on_sqlite().with("SESSION_LOG_COMPRESS_AFTER", "0").with("SESSION_LOG_KEEP", "30");
    let days = [("2026-01-01", FUTURE_INSTANCE), ("2026-01-02", OLD_INSTANCE)];
    for (date, instance) in days {
        write_day(&setup, date, &lines(instance, date, 1, 5, 10));
    }
    // A day that may be compressed shows that a run has passed the others.
    write_day(&setup, "2026-03-09", &lines(OLD_INSTANCE, "2026-03-09", 6, 5, 10));
    let clock = ManualClock::at("2026-03-10T12:00:00Z");
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    wait_for_file(&compressed(&setup, "2026-03-09")).await;
    service.stop().await;
    // Only the beginning of the log is deleted, so the second day stays, too.
    assert!(days.iter().all(|(date, _)| plain(&setup, date).exists()), "{:?}", names(&setup));
    assert_eq!(setup.log_lines("log_deleted").len(), 0);
}

#[tokio::test]
async fn nothing_is_deleted_behind_a_file_that_cannot_be_read() {
    let setup = TestSetup::new().on_sqlite().with("SESSION_LOG_COMPRESS_AFTER", "0").with("SESSION_LOG_KEEP", "30");
    for (date, first) in [("2026-01-02", 1), ("2026-03-09", 6)] {
        write_day(&setup, date, &lines(OLD_INSTANCE, date, first, 5, 10));
    }
    let damaged = setup.log_dir().join("session_2026-01-01.log.gz");
    fs::write(&damaged, "not gzip").unwrap();
    let clock = ManualClock::at("2026-03-10T12:00:00Z");
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    wait_for_file(&compressed(&setup, "2026-03-09")).await;
    clock.advance(DAY);
    turns(&service.client, 1).await;
    // The run on this day has passed the files to delete.
    wait_for_file(&compressed(&setup, "2026-03-10")).await;
    assert!(plain(&setup, "2026-01-02").exists() && setup.log_lines("log_deleted").is_empty());
    fs::remove_file(damaged).unwrap();
    clock.advance(Duration::from_hours(1));
    wait_until_gone(&plain(&setup, "2026-01-02")).await;
    service.stop().await;
}

#[tokio::test]
async fn days_that_are_not_counted_are_named_after_an_hour() {
    let diagnostics = Diagnostics::collect();
    let setup = TestSetup::new().on_sqlite().with("SESSION_LOG_COMPRESS_AFTER", "0");
    write_day(&setup, "2026-01-01", &lines(FUTURE_INSTANCE, "2026-01-01", 1, 5, 10));
    let clock = ManualClock::at("2026-03-10T12:00:00Z");
    write_day(&setup, "2026-02-01", &lines(OLD_INSTANCE, "2026-02-01", 1, 1, 10));
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    wait_for_file(&compressed(&setup, "2026-02-01")).await;
    assert_eq!(diagnostics.lines(WARNING), [""; 0]);
    pass_hour(&setup, &clock, 2).await;
    let [warning] = &diagnostics.lines(WARNING)[..] else { panic!("{:?}", diagnostics.lines("")) };
    let line = format!("line 5 of process {FUTURE_INSTANCE}");
    for words in ["session_2026-01-01.log", &line, "restart AL-Chat"] {
        assert!(warning.contains(words), "{warning}");
    }
    for day in 3..=5 {
        pass_hour(&setup, &clock, day).await;
    }
    assert_eq!(diagnostics.lines(WARNING).len(), 1);
    service.stop().await;
    // It is as the warning says.
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    wait_for_file(&compressed(&setup, "2026-01-01")).await;
    service.stop().await;
}
