//! Midnight under load, and a clock that jumps.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::json;
use tokio::time::sleep;

use crate::{
    environment::{CLIENTS, Environment},
    load::{Client, Load},
    measurement::Reference,
    support::manual_clock::ManualClock,
    table::{Fault, Figures, Scale},
};

/// The seconds of a day.
const DAY: u64 = 86_400;

pub fn faults(reason: &'static str) -> Vec<Fault> {
    vec![
        Fault { name: "midnight at 200 turns a second", play: |_| Box::pin(midnight()), seconds: 1.0, reason },
        Fault { name: "clock jumps", play: |scale| Box::pin(jumps(scale)), seconds: 1.0, reason },
    ]
}

/// Returns a time zone in which midnight comes after this time. With `is_west`, it is the midnight of a day before.
#[expect(clippy::disallowed_methods, reason = "the program's time is the system's")]
pub fn zone_with_midnight_in(time: Duration, is_west: bool) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970").as_secs() % DAY;
    let east = (2 * DAY - time.as_secs() - now) % DAY;
    // In POSIX's time zones, east of Greenwich is negative.
    let (name, sign, offset) = if is_west { ("ALW", "", DAY - east) } else { ("ALE", "-", east) };
    let (hours, minutes, seconds) = (offset / 3600, offset / 60 % 60, offset % 60);
    format!("<{name}>{sign}{hours}:{minutes:02}:{seconds:02}")
}

/// Plays midnight with the system's clock: a time zone is made in which it comes in three seconds.
async fn midnight() -> Figures {
    const UNTIL_MIDNIGHT: Duration = Duration::from_secs(3);
    let zone = zone_with_midnight_in(UNTIL_MIDNIGHT, false);
    let started = Instant::now();
    let environment = Environment::running(&[("SESSION_LOG_TIMEZONE", ""), ("TZ", &zone)]).await;
    let load = Load::start(environment.address, 2 * CLIENTS, Duration::from_millis(60));
    sleep(UNTIL_MIDNIGHT.saturating_sub(started.elapsed())).await;
    let seconds = load.recovery(Instant::now()).await;
    sleep(Duration::from_secs(1)).await;
    let mut figures = environment.measure(load, seconds, Reference::Log).await;
    let files = std::fs::read_dir(&environment.log_dir).expect("the log's folder").flatten();
    let days = files.filter(|file| !file.file_name().to_string_lossy().starts_with('.')).count();
    figures.expect(days == 2, format!("the log has {days} files"));
    figures
}

/// Sets the clock of a service in this process, since the system's clock belongs to all.
async fn jumps(scale: Scale) -> Figures {
    let clock = ManualClock::at("2026-05-04T12:00:00Z");
    let mut environment = Environment::new(&[]).await;
    environment.start_with_clock(clock.clock("UTC")).await;
    let client = environment.client();
    let session = client.post("/api/session/start", &json!({})).await.assert_ok()["session_id"].clone();
    let asker = Client::new(environment.address);
    let answer = asker.ask_with_key("key").await.expect("an answer");
    let load = environment.load();
    let (mut seconds, mut repeated) = (0_f64, 0);
    let jumps = ["2026-05-04T12:00:01Z", "2027-06-08T12:00:00Z", "2026-05-04T12:00:02Z", "2026-05-03T11:00:00Z"];
    for jump in jumps.iter().cycle().take(scale.rounds(4, 40)) {
        load.wait_for(20).await;
        clock.set(jump);
        seconds = seconds.max(load.recovery(Instant::now()).await);
        repeated += usize::from(asker.ask_with_key("key").await.as_ref() != Some(&answer));
    }
    load.wait_for(20).await;
    client.post("/api/session/stop", &json!({ "session_id": session })).await.assert_ok();
    let mut figures = environment.measure(load, seconds, Reference::Log).await;
    let stops = environment.setup.log_lines("session_stop");
    let durations = stops.iter().filter_map(|stop| stop["duration_seconds"].as_f64()).collect::<Vec<_>>();
    figures.expect(repeated == 0, format!("a key was forgotten {repeated} times"));
    figures.doubled += repeated;
    figures
        .expect(durations.iter().all(|duration| (0.0..=60.0).contains(duration)), format!("durations {durations:?}"));
    figures
}
