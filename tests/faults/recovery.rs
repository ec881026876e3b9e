//! Starts with many turns that are only in the session log.

use std::{
    fs::File,
    io::{BufWriter, Write},
    time::{Duration, Instant},
};

use serde_json::Value;
use uuid::Uuid;

use crate::{
    environment::{Environment, wait_for_readiness},
    load::Client,
    support::service::{day_file, wait_until},
    table::{Fault, Figures, Memory, Scale},
};

/// `PAPITA_QUEUE_LIMIT`.
const QUEUE_LIMIT: usize = 1000;

/// The largest growth of the process while it counts turns, however many they are, in bytes.
const MEMORY: usize = 32 << 20;

/// The longest start.
const TIMEOUT: Duration = Duration::from_mins(10);

/// The file with the lines that were not counted.
const UNCOUNTED_LOG: &str = "session_rotated.log.1";

pub fn faults(scale: Scale) -> Vec<Fault> {
    let (name, seconds) =
        if scale.is_long { ("1 GB of log not counted", 256.0) } else { ("80 MB of log not counted", 20.0) };
    vec![Fault {
        name,
        play: |scale| Box::pin(count_log(scale)),
        seconds,
        reason: "a debug build counts at least 4 MB a second",
    }]
}

/// Starts on the log of a process that wrote much and counted nothing, with Papita away. The turns that the totals lack
/// count as lost, and those that are counted twice, or reported beyond the limit of the queue, as doubled.
async fn count_log(scale: Scale) -> Figures {
    let limit = QUEUE_LIMIT.to_string();
    let mut environment = Environment::running(&[("PAPITA_QUEUE_LIMIT", &limit)]).await;
    let client = Client::new(environment.address);
    client.ask(0, false).await.expect("an answer");
    environment.papita.wait_for_usage(1).await;
    let before = environment.process().peak_memory();
    environment.process().terminate();
    environment.process().exit_code().await;
    environment.papita.stop().await;
    let turns = write_log(&environment, scale.rounds(80 << 20, 1 << 30));

    let (started, health) = (Instant::now(), environment.client());
    let (seconds, ()) = tokio::join!(
        async {
            environment.start_within(TIMEOUT).await;
            wait_until("an answer", async || client.ask(0, false).await).await;
            started.elapsed().as_secs_f64()
        },
        wait_for_readiness(&health, 503)
    );
    let memory = Memory { growth: environment.process().peak_memory().saturating_sub(before), bound: MEMORY };
    let figure = |body: &Value, name: &str| usize::try_from(body[name].as_u64().expect("a number")).unwrap();
    // With the first turn, and the one after the start.
    let counted = figure(&health.get("/api/openai/usage").await.assert_ok(), "request_count");
    let state = health.get("/api/health").await.assert_ok();
    let (queued, dropped) = (figure(&state, "papita_queue_depth"), figure(&state, "papita_queue_dropped"));
    // All its lines are copies of one: when the data folder is dropped, each would be checked against the schema, while no
    // other fault is played.
    std::fs::remove_file(environment.log_dir.join(UNCOUNTED_LOG)).expect("a file");
    let mut figures = Figures {
        answered: turns,
        lost: (turns + 2).saturating_sub(counted),
        doubled: counted.saturating_sub(turns + 2),
        seconds,
        memory: Some(memory),
        ..Figures::default()
    };
    let is_limited = queued == QUEUE_LIMIT && queued + dropped == turns + 1;
    figures.expect(is_limited, format!("{queued} records wait and {dropped} are dropped"));
    figures
}

/// Writes about this many bytes of `chat` lines of a process that came after the last one, each with an id of its own.
/// Returns their number.
fn write_log(environment: &Environment, bytes: usize) -> usize {
    let template = last_chat_line(environment);
    let line = serde_json::from_str::<Value>(&template).expect("JSON");
    let text = |field: &str| line[field].as_str().expect("a text").to_owned();
    let (instance, id) = (text("instance"), text("request_id"));
    let later = Uuid::from_u128(instance.parse::<Uuid>().expect("an id").as_u128() + 1).to_string();
    let template = template.replace(&instance, &later);
    let (head, rest) = template.split_once(&format!("\"seq\":{},", line["seq"])).expect("a number");
    let (middle, tail) = rest.split_once(&id).expect("an id");
    let file = File::create(environment.log_dir.join(UNCOUNTED_LOG)).expect("a file");
    let mut file = BufWriter::new(file);
    let turns = bytes / template.len();
    for seq in 1..=turns {
        writeln!(file, "{head}\"seq\":{seq},{middle}{}{tail}", Uuid::from_u128(seq as u128)).expect("a line");
    }
    file.flush().expect("lines");
    turns
}

/// Returns the last `chat` line byte for byte.
fn last_chat_line(environment: &Environment) -> String {
    let text = std::fs::read_to_string(day_file(&environment.log_dir)).expect("UTF-8");
    text.lines().rfind(|line| line.starts_with("{\"event\":\"chat\"")).expect("a line").to_owned()
}
