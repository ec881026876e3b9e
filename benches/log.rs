//! Measures the commands that read session logs: `cargo bench --bench log`, or with `-- --quick` for a short run.
//!
//! Generates a log, and reads it with `al-chat log report` and `al-chat log verify`, and with jq and DuckDB where they are
//! installed, by turns. Needs 7 GB in the folder for temporary files, and removes them.
#![expect(clippy::expect_used, reason = "a failed setup ends the bench")]
#![expect(clippy::print_stdout, reason = "its output is a table")]

mod log_lines;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// The number of lines: about 7 GB.
const LINES: u64 = 10_000_000;

/// The number of lines of a quick run.
const QUICK_LINES: u64 = 300_000;

/// The number of runs of each program, by turns; the median counts.
const RUNS: usize = 3;

/// The time after which a run of a program is not repeated.
const LONG_RUN: Duration = Duration::from_mins(2);

/// The time between two looks at a program's memory.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// A program that reads the log.
struct Reader {
    name: &'static str,
    program: &'static str,
    arguments: Vec<String>,
}

/// The time and the memory of one run of a program.
#[derive(Clone, Copy)]
struct Run {
    time: Duration,
    /// In mebibytes.
    peak_memory: u64,
}

fn main() {
    let arguments = std::env::args().collect::<Vec<_>>();
    let has = |wanted: &str| arguments.iter().any(|argument| argument == wanted);
    // `cargo test` runs this without `--bench`, to check that it works.
    let is_quick = has("--quick") || !has("--bench");
    let dir = tempfile::tempdir().expect("a folder");
    let lines = if is_quick { QUICK_LINES } else { LINES };
    log_lines::generate(dir.path(), lines).expect("space for the log");
    let files = fs::read_dir(dir.path()).expect("the log").map(|entry| entry.expect("a file").path());
    let files = files.collect::<Vec<_>>();
    let bytes = files.iter().map(|file| fs::metadata(file).expect("a file").len()).sum::<u64>();
    println!(
        "{lines} lines, {} MB; medians of {RUNS} runs, or one run of more than {} s",
        bytes / 1_000_000,
        LONG_RUN.as_secs()
    );
    let readers = readers(dir.path(), &files);
    let mut runs = vec![Vec::new(); readers.len()];
    for _ in 0..RUNS {
        for (reader, runs) in readers.iter().zip(&mut runs) {
            if !runs.iter().any(|run: &Run| run.time > LONG_RUN) {
                runs.extend(reader.run());
            }
        }
    }
    println!("{:<28} {:>9} {:>9} {:>12}", "", "seconds", "MB/s", "peak MiB");
    for (reader, mut runs) in readers.iter().zip(runs) {
        runs.sort_by_key(|run| run.time);
        match runs.get(runs.len() / 2) {
            Some(run) => print_run(reader.name, *run, bytes),
            None => println!("{:<28} is not installed", reader.name),
        }
    }
}

fn print_run(name: &str, run: Run, bytes: u64) {
    let seconds = run.time.as_secs_f64();
    let megabytes = f64::from(u32::try_from(bytes / 1_000_000).unwrap_or(u32::MAX));
    println!("{name:<28} {seconds:>9.2} {:>9.0} {:>12}", megabytes / seconds, run.peak_memory);
}

fn readers(folder: &Path, files: &[PathBuf]) -> Vec<Reader> {
    let log = folder.display().to_string();
    let al_chat = env!("CARGO_BIN_EXE_al-chat");
    let command = |words: &[&str]| [&["log"], words, &[&log]].concat().into_iter().map(str::to_owned).collect();
    let jq = ["-c".to_owned(), "select(.event == \"chat\")".to_owned()].into_iter();
    let jq = jq.chain(files.iter().map(|file| file.display().to_string())).collect();
    let duckdb = vec!["-c".to_owned(), duckdb_query(&log)];
    vec![
        Reader { name: "al-chat log report", program: al_chat, arguments: command(&["report"]) },
        Reader {
            name: "al-chat log report --by user",
            program: al_chat,
            arguments: command(&["report", "--by", "user"]),
        },
        Reader { name: "al-chat log verify", program: al_chat, arguments: command(&["verify"]) },
        Reader { name: "jq -c", program: "jq", arguments: jq },
        Reader { name: "DuckDB, the same figures", program: "duckdb", arguments: duckdb },
    ]
}

fn duckdb_query(folder: &str) -> String {
    let columns = "columns={event:'VARCHAR',model:'VARCHAR',session_id:'VARCHAR',user_id:'BIGINT',code:'VARCHAR',\
                   total_tokens:'BIGINT',cost_usd:'DOUBLE',latency_ms:'DOUBLE',first_word_ms:'DOUBLE'}";
    format!(
        "SELECT count(*), count(code), approx_count_distinct(session_id), approx_count_distinct(user_id), \
         sum(total_tokens), sum(cost_usd), approx_quantile(latency_ms, [0.5, 0.95, 0.99]), \
         approx_quantile(first_word_ms, [0.5, 0.95, 0.99]) FROM read_json('{folder}/*.log', \
         format='newline_delimited', {columns}) WHERE event = 'chat'"
    )
}

impl Reader {
    /// Runs the program; `None` if it is not installed.
    fn run(&self) -> Option<Run> {
        let start = Instant::now();
        let mut command = Command::new(self.program);
        let mut child = command.args(&self.arguments).stdout(Stdio::null()).spawn().ok()?;
        let mut peak_memory = 0;
        loop {
            peak_memory = peak_memory.max(peak_of(child.id()));
            if let Some(status) = child.try_wait().expect("the program's status") {
                assert!(status.success(), "{} has failed", self.name);
                return Some(Run { time: start.elapsed(), peak_memory });
            }
            thread::sleep(POLL_INTERVAL);
        }
    }
}

/// Returns the most memory that a process has occupied so far, in mebibytes; zero after its end.
fn peak_of(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or_default() / 1024
}
