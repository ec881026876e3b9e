//! A generator of large session logs: lines in the form that AL-Chat writes, with invented turns.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use al_chat::domain::log_chain::{Chain, ChainHasher};

/// The number of different users.
const USERS: u64 = 50_000;

/// The number of turns of each session.
const TURNS: u64 = 8;

/// The number of sessions that are open at once.
const OPEN_SESSIONS: usize = 200;

const MODELS: [&str; 4] = ["gpt-4o-mini", "gpt-4o", "gpt-4.1-nano", "llama-3.3-70b"];
const CODES: [&str; 3] = ["model_timeout", "model_unavailable", "model_rate_limited"];
const PERSONAS: [&str; 3] = ["amaya", "assistant", "support"];
const INSTANCE: &str = "01a22757-0b80-7c41-9d5e-2f0a4c1b7e63";

/// The state of a generated log.
struct Generator {
    random: u64,
    /// The number of the last line.
    seq: u64,
    /// The time of the last line in milliseconds since midnight of the first day.
    now: u64,
    /// The number of the session and of its turns, for each open session.
    sessions: Vec<(u64, u64)>,
    next_session: u64,
    /// The folder of the days.
    folder: PathBuf,
    /// The file of the current day, and its number.
    out: BufWriter<File>,
    day: u64,
    /// The chain of the last line.
    chain: Chain,
    hasher: ChainHasher,
}

/// Writes a log of this many lines to a folder, over a month.
pub(crate) fn generate(folder: &Path, lines: u64) -> io::Result<()> {
    let mut generator = Generator::new(folder)?;
    let step = 30 * 86_400_000 / lines.max(1);
    generator.line("service_start", r#""version":"0.1.0","pid":7,"model":"gpt-4o-mini","demo_mode":false"#)?;
    while generator.seq < lines - 1 {
        generator.now += step;
        generator.step()?;
    }
    generator.line("service_stop", r#""uptime_seconds":2592000.5,"turns_cut_off":0"#)?;
    generator.out.flush()
}

fn day_file(folder: &Path, day: u64) -> io::Result<BufWriter<File>> {
    let path = folder.join(format!("session_2026-11-{day:02}.log"));
    Ok(BufWriter::with_capacity(1 << 20, File::create(path)?))
}

impl Generator {
    fn new(folder: &Path) -> io::Result<Self> {
        Ok(Self {
            random: 7,
            seq: 0,
            now: 0,
            sessions: Vec::new(),
            next_session: 0,
            folder: folder.to_owned(),
            out: day_file(folder, 1)?,
            day: 1,
            chain: Chain::START,
            hasher: ChainHasher::without_key(),
        })
    }

    /// Returns a number below a limit.
    fn below(&mut self, limit: u64) -> u64 {
        // Xorshift, which is the same on each machine.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % limit
    }

    fn step(&mut self) -> io::Result<()> {
        if self.sessions.len() < OPEN_SESSIONS {
            self.next_session += 1;
            self.sessions.push((self.next_session, 0));
            let fields = format!(r#""session_id":"{}""#, session_id(self.next_session));
            return self.line("session_start", &fields);
        }
        let index = usize::try_from(self.below(OPEN_SESSIONS as u64)).unwrap_or_default();
        let (session, turns) = self.sessions[index];
        if turns == TURNS {
            self.sessions.swap_remove(index);
            let fields = stop_fields(session, self.below(4_000_000));
            return self.line("session_stop", &fields);
        }
        self.sessions[index].1 += 1;
        let fields = self.chat_fields(session);
        self.line("chat", &fields)
    }

    fn chat_fields(&mut self, session: u64) -> String {
        let user = self.below(USERS);
        let model = MODELS[usize::try_from(self.below(40).min(3)).unwrap_or_default()];
        let (prompt, completion) = (20 + self.below(3000), 5 + self.below(600));
        let model_ms = 80 + self.below(400) * self.below(40);
        let latency = format!("{model_ms}.{:03}", self.below(1000));
        let error = (self.below(50) == 0).then(|| CODES[usize::try_from(self.below(3)).unwrap_or_default()]);
        let (status, code, finish) = match error {
            Some(code) => (503, format!("\"{code}\""), "upstream_error"),
            None => (200, "null".to_owned(), "complete"),
        };
        let persona = PERSONAS[usize::try_from(self.below(3)).unwrap_or_default()];
        let cost = f64::from(u32::try_from(prompt * 15 + completion * 60).unwrap_or_default()) / 1e8;
        format!(
            r#""request_id":"01a22757-{:04x}-7{:03x}-9a9d-{:012x}","session_id":"{}","user_id":{user},"username":"user {user}","is_guest":false,"model":"{model}","requested_model":"gpt-4o-mini","response_model":"gpt-4o-mini-2024-07-18","persona":"{persona}","prompt_tokens":{prompt},"completion_tokens":{completion},"total_tokens":{},"usage_source":"provider","cost_usd":{cost},"latency_ms":{latency},"model_ms":{model_ms}.25,"first_word_ms":{}.5,"stream":true,"attempts":{},"status":{status},"code":{code},"finish":"{finish}","credential_source":"papita_api","message_chars":{},"answer_chars":{}"#,
            self.below(1 << 16),
            self.below(1 << 12),
            self.below(1 << 48),
            session_id(session),
            prompt + completion,
            model_ms / 2,
            1 + self.below(20) / 19,
            prompt * 4,
            completion * 4,
        )
    }

    fn line(&mut self, event: &str, fields: &str) -> io::Result<()> {
        self.seq += 1;
        let (ms, seconds) = (self.now % 1000, self.now / 1000);
        let (day, hour, minute, second) = (1 + seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        if day != self.day {
            self.out.flush()?;
            (self.day, self.out) = (day, day_file(&self.folder, day)?);
        }
        let head = format!(
            r#"{{"event":"{event}","timestamp":"2026-11-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}000+01:00","date":"2026-11-{day:02}","v":1,"instance":"{INSTANCE}","seq":{}"#,
            self.seq
        );
        let rest = format!(",{fields}}}");
        self.chain = self.hasher.chain(self.chain, head.as_bytes(), rest.as_bytes());
        writeln!(self.out, r#"{head},"chain":"{}"{rest}"#, self.chain)
    }
}

fn session_id(number: u64) -> String {
    format!("session_20261101_093000_{number:016x}")
}

fn stop_fields(session: u64, ms: u64) -> String {
    let seconds = ms / 1000;
    format!(
        r#""session_id":"{}","duration_seconds":{seconds}.5,"metrics":{{}},"closed_by":"client","server_metrics":{{"turns":{TURNS},"errors":0,"prompt_tokens":1000,"completion_tokens":200,"total_tokens":1200,"cost_usd":0.001,"models":["gpt-4o-mini"],"latency_p50_ms":812.5,"latency_p95_ms":1200.0,"latency_max_ms":1300.0}}"#,
        session_id(session)
    )
}
