//! The command `al-chat log tail`: its last lines, and what it prints while a log is written, rotated and moved.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::Stdio,
};

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use crate::{
    command_line::{CommandOutput, assert_wrong_arguments, run, run_script},
    fakes::model::FakeModel,
    support::{
        gzip::gzipped,
        service::{TEST_TIMEOUT, TestSetup, day_file},
    },
};

const INSTANCE: &str = "01a22757-0b80-7c41-9d5e-2f0a4c1b7e63";

/// A turn's line without its line feed, with a stamp.
fn turn(seq: u64) -> String {
    let failed = seq % 5 == 4;
    let (date, time) = ("2026-11-29", format!("13:{:02}:{:02}", seq / 60 % 60, seq % 60));
    let rest = json!({
        "request_id": format!("r-{seq}"), "session_id": format!("s-{}", seq / 10), "user_id": seq % 3,
        "username": format!("user{}", seq % 3), "is_guest": false, "model": format!("m-{}", seq % 2), "requested_model": "m-0",
        "persona": "amaya", "site": if seq.is_multiple_of(2) { "shop" } else { "docs" }, "prompt_tokens": seq, "completion_tokens": 7,
        "cost_usd": 0.25, "latency_ms": 1500.0, "attempts": 1 + u64::from(failed), "status": if failed { 504 } else { 200 },
        "code": if failed { Value::from("model_timeout") } else { Value::Null },
        "finish": if failed { "upstream_error" } else { "complete" },
    });
    format!(
        r#"{{"event":"chat","timestamp":"{date}T{time}.250000+01:00","date":"{date}","v":1,"instance":"{INSTANCE}","seq":{seq},{}"#,
        &rest.to_string()[1..]
    )
}

/// A line of version 0.1, without a stamp.
fn old_line(number: u64) -> String {
    json!({"event": "session_start", "timestamp": "2026-11-28T08:00:01.000000", "date": "2026-11-28", "session_id": format!("old-{number}")})
        .to_string()
}

fn joined<L: AsRef<str>>(lines: impl IntoIterator<Item = L>) -> String {
    lines.into_iter().flat_map(|line| [line.as_ref().to_owned(), "\n".to_owned()]).collect()
}

fn day(setup: &TestSetup, name: &str) -> PathBuf {
    fs::create_dir_all(setup.log_dir()).unwrap();
    setup.log_dir().join(format!("session_{name}"))
}

async fn tail(setup: &TestSetup, arguments: &[&str]) -> CommandOutput {
    run(setup, &[&["log", "tail"], arguments].concat()).await
}

/// A running `al-chat log tail -f --format json`.
struct Following {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Following {
    /// Starts it and waits until it follows, by the `last` line that is there.
    async fn start(setup: &TestSetup, arguments: &[&str], last: &str) -> Self {
        let arguments = [&["log", "tail", "-f", "--format", "json"], arguments].concat();
        let mut following = Self::of(setup.command(&arguments));
        while following.next().await != last {}
        following
    }

    fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    async fn next(&mut self) -> String {
        let line = timeout(TEST_TIMEOUT, self.lines.next_line()).await.expect("a line in time").unwrap();
        line.expect("a line before the end")
    }

    async fn take(&mut self, count: usize) -> Vec<String> {
        let mut lines = Vec::new();
        while lines.len() < count {
            lines.push(self.next().await);
        }
        lines
    }

    /// Ends the command with SIGTERM and returns what it has printed to standard error. (SIGINT has no effect on programs that
    /// a shell has started in the background.)
    async fn end(mut self) -> String {
        let id = self.child.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        timeout(TEST_TIMEOUT, self.child.wait()).await.expect("an end in time").unwrap();
        let mut errors = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut errors).await.unwrap();
        errors
    }
}

fn append(path: &Path, text: &str) {
    File::options().create(true).append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

#[tokio::test]
async fn the_last_lines_come_from_all_days() {
    let setup = TestSetup::new();
    let gzip = gzipped(joined((0..3).map(old_line)).as_bytes());
    fs::write(day(&setup, "2026-11-27.log.gz"), gzip).unwrap();
    let zstd = zstd::encode_all(joined((1..50).map(turn)).as_bytes(), 1).unwrap();
    fs::write(day(&setup, "2026-11-28.log.zst"), zstd).unwrap();
    fs::write(day(&setup, "2026-11-29.log"), joined((50..60).map(turn))).unwrap();
    let all = (0..3).map(old_line).chain((1..60).map(turn)).collect::<Vec<_>>();
    for (arguments, count) in
        [(&["-n", "0"][..], 0), (&["-n", "3"], 3), (&[], 20), (&["-n", "61"], 61), (&["-n", "999"], 62)]
    {
        let ran = tail(&setup, &[arguments, &["--format", "json"]].concat()).await;
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(ran.out == joined(&all[62 - count..]), "{arguments:?}: {}", ran.out);
    }
}

#[tokio::test]
async fn filters_choose_the_last_lines() {
    let setup = TestSetup::new();
    fs::write(day(&setup, "2026-11-29.log"), joined((0..200).map(turn).chain([old_line(1)]))).unwrap();
    for (arguments, is) in [
        (&["--model", "m-1"][..], &(|seq: u64| seq % 2 == 1) as &dyn Fn(u64) -> bool),
        (&["--site", "shop", "--user", "user2"], &|seq| seq.is_multiple_of(2) && seq % 3 == 2),
        (&["--user", "1"], &|seq| seq % 3 == 1),
        (&["--persona", "amaya", "--until", "2026-11-29T13:01"], &|seq| seq < 60),
        (&["--since", "2026-11-29T13:03:15"], &|seq| seq >= 195),
        (&["--persona", "bruno"], &|_| false),
    ] {
        let ran = tail(&setup, &[arguments, &["-n", "7", "--format", "json"]].concat()).await;
        let expected = (0..200).filter(|seq| is(*seq)).map(turn).collect::<Vec<_>>();
        assert!(ran.out == joined(&expected[expected.len().saturating_sub(7)..]), "{arguments:?}: {}", ran.out);
    }
}

#[tokio::test]
async fn lines_are_rows_with_columns() {
    let setup = TestSetup::new();
    let stop = json!({"event": "session_stop", "timestamp": "2026-11-29T14:00:00.000000+01:00", "session_id": "s-0", "duration_seconds": 5.5, "server_metrics": {"turns": 3}, "closed_by": "client"});
    let hostile = json!({"event": "chat", "timestamp": "2026-11-29T14:00:01", "session_id": null, "username": "\u{1b}[31mred\n", "model": "m", "status": 200, "total_tokens": 9});
    fs::write(day(&setup, "2026-11-29.log"), joined([turn(3), turn(4), stop.to_string(), hostile.to_string()]))
        .unwrap();
    let ran = tail(&setup, &[]).await;
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let rows = ran.out.lines().map(|row| row.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>();
    assert_eq!(
        rows,
        [
            "2026-11-29 13:00:03.250 chat s-0 user0 m-1 3+7 $0.250 1.50 s complete, instead of m-0",
            "2026-11-29 13:00:04.250 chat s-0 user1 m-0 4+7 $0.250 1.50 s upstream_error model_timeout 504, 2 attempts",
            "2026-11-29 14:00:00.000 session_stop s-0 closed_by=client duration_seconds=5.5 server_metrics.turns=3",
            "2026-11-29 14:00:01 chat - \u{fffd}[31mred\u{fffd} m 9 - - 200",
        ]
    );
}

#[tokio::test]
async fn columns_are_aligned_whatever_the_ids_and_times() {
    let setup = TestSetup::new();
    let id = "session_20261129_130003_k3vq8mzt5wxnp2raxy7d2m4q";
    let with = |name: &str, value: &Value| {
        let mut line = serde_json::from_str::<Value>(&turn(3)).unwrap();
        line[name] = value.clone();
        line.to_string()
    };
    let mut sealed = serde_json::from_str::<Value>(&turn(3)).unwrap();
    sealed["session_id"] = Value::Null;
    sealed["content_key"] = "k-7".into();
    let times =
        ["2026-11-29T13:00:03+01:00", "2026-11-29T13:00:03-01:00", "2026-11-29T13:00:03Z", "2026-11-29T13:00:03.5Z"];
    let lines = times.map(|time| with("timestamp", &time.into()));
    let lines = lines.into_iter().chain([with("session_id", &id.into()), sealed.to_string()]);
    fs::write(day(&setup, "2026-11-29.log"), joined(lines)).unwrap();
    let ran = tail(&setup, &[]).await;
    let columns = |row: &str| ["chat", "user0", "m-1", "complete"].map(|text| row.find(text).unwrap());
    let rows = ran.out.lines().collect::<Vec<_>>();
    assert!(rows.iter().all(|row| columns(row) == columns(rows[0])), "{}", ran.out);
    assert!(rows[..3].iter().all(|row| row.starts_with("2026-11-29 13:00:03     ")), "{}", ran.out);
    assert!(rows[3].starts_with("2026-11-29 13:00:03.5   ") && rows[4].contains(id), "{}", ran.out);
    assert!(rows[5].ends_with("complete, instead of m-0, content_key k-7"), "{}", ran.out);
}

/// Moves a log as a rotation, a removal or midnight does. No line may be written meanwhile, since copytruncate would lose it.
fn disturb(log: &Path, kind: u32, round: u64, path: &mut PathBuf) {
    let rotated = PathBuf::from(format!("{}.{round}", path.display()));
    match kind {
        0 => {
            let _ = fs::rename(&path, rotated);
        }
        1 => {
            let _ = fs::copy(&path, rotated);
            let _ = File::options().write(true).truncate(true).open(&path);
        }
        2 => {
            let _ = fs::remove_file(&path);
        }
        3 => {
            // The folder is moved, and made again with the next line.
            let _ = fs::rename(log, log.with_extension(round.to_string()));
        }
        4 => *path = log.join(format!("session_2027-01-{:02}.log", round % 28 + 1)),
        _ => {
            // Compressed as by a rotation, which writes the compressed file first.
            if let Ok(text) = fs::read(&path) {
                let zstd = PathBuf::from(format!("{}.zst", rotated.display()));
                fs::write(zstd, zstd::encode_all(&text[..], 1).unwrap()).unwrap();
                fs::remove_file(&path).unwrap();
            }
        }
    }
    fs::create_dir_all(log).unwrap();
}

#[tokio::test]
async fn no_line_is_lost_or_doubled_while_a_log_is_moved() {
    const LINES: u64 = 3000;
    let setup = TestSetup::new();
    let (log, mut path) = (setup.log_dir(), day(&setup, "2026-11-29.log"));
    fs::write(&path, joined((1..=30).map(turn))).unwrap();
    let mut following = Following::start(&setup, &[], &turn(30)).await;
    let (mut random, mut found) = (StdRng::seed_from_u64(15), Vec::new());
    for seq in 31..=LINES {
        append(&path, &joined([turn(seq)]));
        if random.random_ratio(1, 40) {
            let kind = random.random_range(0..6);
            // Of a file that is deleted, or moved out of the folder, nobody can read what was written just before.
            if [2, 3, 5].contains(&kind) {
                found.extend(following.take(usize::try_from(seq).unwrap() - 30 - found.len()).await);
            }
            disturb(&log, kind, seq, &mut path);
        }
    }
    found.extend(following.take(usize::try_from(LINES).unwrap() - 30 - found.len()).await);
    append(&setup.log_dir().join("session_2027-02-01.log"), &joined([turn(LINES + 1)]));
    assert_eq!(following.next().await, turn(LINES + 1));
    assert_eq!(following.end().await, "");
    let mut found = found.iter().map(|line| seq_of(line)).collect::<Vec<_>>();
    found.sort_unstable();
    assert!(found == (31..=LINES).collect::<Vec<_>>(), "{found:?}");
}

fn seq_of(line: &str) -> u64 {
    serde_json::from_str::<Value>(line).unwrap()["seq"].as_u64().unwrap()
}

#[tokio::test]
async fn renamed_files_are_read_to_their_end_at_full_speed() {
    const LINES: u64 = 20_000;
    let setup = TestSetup::new();
    let path = day(&setup, "2026-11-29.log");
    fs::write(&path, joined([turn(1)])).unwrap();
    let mut following = Following::start(&setup, &[], &turn(1)).await;
    let writer = tokio::task::spawn_blocking(move || {
        for seq in 2..=LINES {
            append(&path, &joined([turn(seq)]));
            if seq % 250 == 0 {
                fs::rename(&path, format!("{}.{}", path.display(), LINES - seq)).unwrap();
            }
        }
    });
    let lines = following.take(usize::try_from(LINES).unwrap() - 1).await;
    writer.await.unwrap();
    let mut found = lines.iter().map(|line| seq_of(line)).collect::<Vec<_>>();
    found.sort_unstable();
    assert!(found == (2..=LINES).collect::<Vec<_>>());
}

#[tokio::test]
async fn turns_of_a_running_service_are_printed_once() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model);
    let process = setup.start_process().await;
    let first = process.client.chat("hello").await.assert_ok()["request_id"].clone();
    let mut following = Following::of(setup.command(&["log", "tail", "-f", "--format", "json"]));
    let mut expected = vec![first];
    let mut found = Vec::new();
    for round in 0..9 {
        // A rotation with a copy, a rename, a removed folder; then turns go on.
        disturb(&setup.log_dir(), [0, 1, 3][round % 3], round as u64, &mut day_file(&setup.log_dir()));
        for _ in 0..4 {
            expected.push(process.client.chat("hello").await.assert_ok()["request_id"].clone());
        }
        while found.len() < expected.len() {
            let line = serde_json::from_str::<Value>(&following.next().await).unwrap();
            if line["event"] == "chat" {
                found.push(line["request_id"].clone());
            }
        }
        assert_eq!(found, expected, "round {round}");
    }
}

#[tokio::test]
async fn a_half_written_line_is_printed_when_it_ends() {
    let setup = TestSetup::new();
    let path = day(&setup, "2026-11-29.log");
    let second = turn(2);
    let (begin, end) = second.split_at(40);
    fs::write(&path, format!("{}\n{begin}", turn(1))).unwrap();
    let mut following = Following::start(&setup, &[], &turn(1)).await;
    append(&path, &format!("{end}\n{}", &turn(3)[..50]));
    assert_eq!(following.next().await, turn(2));
    append(&path, &format!("{}\nfor\u{0}eign\n\n{}\n", &turn(3)[50..], turn(4)));
    assert_eq!(following.take(2).await, [turn(3), turn(4)]);
    let errors = following.end().await;
    assert!(errors.contains("session_2026-11-29.log: a new line is left out: has zero bytes\n"), "{errors}");
    assert!(errors.contains("a new line is left out: not a line of a session log\n"), "{errors}");
}

#[tokio::test]
async fn a_log_that_does_not_exist_yet_is_followed() {
    let setup = TestSetup::new();
    fs::create_dir(setup.log_dir()).unwrap();
    let mut following = Following::of(setup.command(&["log", "tail", "-f", "--format", "json", "--model", "m-1"]));
    append(&day(&setup, "2026-11-29.log"), &joined((1..=4).map(turn)));
    assert_eq!(following.take(2).await, [turn(1), turn(3)]);
    // A file that is given by itself is followed over its rotation.
    let file = setup.path().join("all.jsonl");
    fs::write(&file, joined([old_line(1)])).unwrap();
    let mut following = Following::start(&setup, &["all.jsonl"], &old_line(1)).await;
    fs::rename(&file, setup.path().join("all.jsonl.1")).unwrap();
    append(&file, &joined([old_line(2), turn(7)]));
    assert_eq!(following.take(2).await, [old_line(2), turn(7)]);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn rows_are_coloured_on_a_terminal() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let setup = TestSetup::new();
    fs::write(day(&setup, "2026-11-29.log"), joined([turn(3), turn(4)])).unwrap();
    for (name, is_coloured) in [("TERM", true), ("NO_COLOR", false)] {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let slave = ptsname(&terminal, Vec::new()).unwrap();
        let slave = File::options().write(true).open(slave.to_str().unwrap()).unwrap();
        let status = setup.command(&["log", "tail"]).env(name, "1").stdout(slave).status().await.unwrap();
        assert!(status.success());
        let mut shown = vec![0; 4096];
        let count = rustix::io::read(&terminal, &mut shown).unwrap();
        let shown = String::from_utf8_lossy(&shown[..count]).into_owned();
        assert!(shown.contains("session") && shown.contains("upstream_error"), "{shown}");
        assert_eq!(shown.contains("\u{1b}[31mupstream_error model_timeout 504\u{1b}[0m"), is_coloured, "{shown:?}");
        assert_eq!(shown.contains('\u{1b}'), is_coloured, "{shown:?}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn closed_pipes_end_it_quietly() {
    let setup = TestSetup::new();
    fs::write(day(&setup, "2026-11-29.log"), joined((1..=30).map(turn))).unwrap();
    for (script, out) in [
        (r#"{ "$0" log tail --format json; echo "$?" >&2; } | true"#, ""),
        // Nothing is written any more when the reader ends.
        (r#"{ "$0" log tail -f --format json; echo "$?" >&2; } | head -n 1 | wc -l | tr -d ' '"#, "1\n"),
        (
            r#"cat SessionLog/*.log | "$0" log tail -n 3 --format json /dev/stdin | wc -l | tr -d ' '; echo 0 >&2"#,
            "3\n",
        ),
    ] {
        let ran = run_script(&setup, script).await;
        assert_eq!((ran.out.as_str(), ran.err.as_str()), (out, "0\n"), "{script}");
    }
}

#[tokio::test]
async fn damaged_lines_are_left_out_and_named() {
    let setup = TestSetup::new();
    let whole = joined([turn(1)]);
    let write = |name: &str, bytes: &[u8]| fs::write(setup.path().join(name), bytes).unwrap();
    let with = |damaged: &[u8]| [whole.as_bytes(), damaged, b"\n", joined([turn(2)]).as_bytes()].concat();
    write("foreign.log", &with(b"{}"));
    write("utf8.log", &with(b"{\"event\":\"chat\",\"username\":\"\xff\"}"));
    write("unread.log", &with(b"{\"event\":\"chat\",\"message\":\"\xff\"}"));
    write("nul.log", &with(b"\0\0"));
    write("large.log", &with(&vec![b'x'; 50_000_000]));
    write("larger.log", &with(&vec![b'x'; 70_000_000]));
    write("torn.log", &[joined([turn(1), turn(2)]).as_bytes(), b"{\"event\":"].concat());
    write("cut.zst", &zstd::encode_all(joined([turn(1), turn(2)]).as_bytes(), 1).unwrap()[..40]);
    let byte = format!(", byte {}: ", whole.len());
    for (name, sentence) in [
        ("foreign.log", format!("{byte}not a line of a session log")),
        ("utf8.log", format!("{byte}not UTF-8")),
        ("unread.log", format!("{byte}not UTF-8")),
        ("nul.log", format!("{byte}has zero bytes")),
        ("large.log", format!("{byte}not a line of a session log")),
        ("larger.log", format!("{byte}longer than 64 MiB")),
        ("torn.log", format!(", byte {}: the file ends within the line", joined([turn(1), turn(2)]).len())),
        ("cut.zst", ":1: the file cannot be read from here on (".to_owned()),
    ] {
        let ran = tail(&setup, &["--format", "json", name]).await;
        assert_eq!(ran.code, Some(1), "{name}: {}", ran.err);
        assert!(ran.err.contains(&format!("al-chat: {name}{sentence}")), "{name}: {}", ran.err);
        assert!(name == "cut.zst" || ran.out == joined([turn(1), turn(2)]), "{name}: {}", ran.out);
    }
}

#[tokio::test]
async fn wrong_arguments_are_named() {
    let setup = TestSetup::new();
    fs::write(setup.path().join("a.log"), "").unwrap();
    fs::create_dir(setup.path().join("empty")).unwrap();
    let rows = [
        (&["missing.log"][..], "there is no file or folder missing.log"),
        (&["-f", "missing"], "there is no file or folder missing"),
        (&["-f", "a.log/"], "a.log/ is not a folder"),
        (&["empty"], "the folder empty has no session log"),
        (&[], "without FILES, the log in the folder SESSION_LOG_DIR is read"),
        (&["-f"], "there is no file or folder"),
        (&["a.log", "-n", "many"], "invalid value 'many'"),
        (&["a.log", "--since", "yesterday"], "expected a day such as 2026-11-29"),
        (
            &["-f", "a.log", "--since", "2026-11-30", "--until", "2026-11-29"],
            "no time is both after --since and before --until",
        ),
        (&["a.log", "--format", "pdf"], "possible values: text, json"),
    ];
    assert_wrong_arguments(&setup, &["log", "tail"], &rows).await;
    let ran = tail(&setup, &["a.log"]).await;
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(0), "", ""), "an empty day");
}
