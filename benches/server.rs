//! The server processes under load, their CPU and memory, and the session log of AL-Chat.

use std::{
    fs::{self, File},
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Command as StdCommand, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::{Child, Command},
    time::{sleep, timeout},
};

use crate::fakes::model::FakeModel;

/// The longest time that a process may take to start or exit.
const PATIENCE: Duration = Duration::from_secs(5);

/// A server process under load.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) start_time: Duration,
}

impl Server {
    /// Starts AL-Chat with all features: sessions, usage, the local key, and request events written to a file.
    pub(crate) async fn al_chat(dir: &Path, model: &FakeModel) -> Self {
        let url = model.base_url();
        Self::al_chat_with(dir, &[("OPENAI_BASE_URL", &url), ("OPENAI_API_KEY", "sk-bench")]).await
    }

    /// Starts AL-Chat with the built-in responder and this database.
    pub(crate) async fn al_chat_alone(dir: &Path, database: &str) -> Self {
        Self::al_chat_with(dir, &[("AI_SERVICE", "basic"), ("DATABASE_URL", database)]).await
    }

    /// Starts AL-Chat with these settings, and diagnostics written to a file.
    pub(crate) async fn al_chat_with(dir: &Path, settings: &[(&str, &str)]) -> Self {
        let address = free_address();
        let diagnostics = File::create(dir.join("diagnostics.log")).expect("a file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_al-chat"));
        command.current_dir(dir).env_clear().stderr(diagnostics);
        command.env("PORT", address.port().to_string()).envs(settings.iter().copied());
        command.envs([("SESSION_LOG_TIMEZONE", "Europe/Berlin"), ("LOG_LEVEL", "info")]);
        Self::start(command, address, "/api/health/live").await.expect("AL-Chat starts")
    }

    /// Starts nginx with one worker that forwards requests to the model over kept-alive connections and logs nothing.
    pub(crate) async fn nginx(dir: &Path, model: &FakeModel) -> Option<Self> {
        let address = free_address();
        let upstream = model.base_url();
        let upstream = upstream.trim_start_matches("http://").trim_end_matches("/v1");
        let here = dir.display();
        let conf = dir.join("nginx.conf");
        let text = format!(
            "daemon off; master_process off; pid {here}/nginx.pid; error_log {here}/nginx.log crit;
            events {{ worker_connections 1024; }}
            http {{
                access_log off; client_body_temp_path {here}/body; proxy_temp_path {here}/proxy;
                keepalive_requests 1000000000;
                upstream model {{ server {upstream}; keepalive 128; keepalive_requests 1000000000; }}
                server {{
                    listen {address};
                    location / {{ proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection ''; }}
                }}
            }}"
        );
        fs::write(&conf, text).expect("nginx's configuration");
        let mut command = Command::new("nginx");
        command.arg("-c").arg(conf).arg("-p").arg(dir).stderr(Stdio::null());
        Self::start(command, address, "/v1/models").await
    }

    /// Starts the process and waits until it answers.
    async fn start(mut command: Command, address: SocketAddr, path: &'static str) -> Option<Self> {
        let started = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true).spawn().ok()?;
        let answering = async {
            while !answers(address, path).await {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(PATIENCE, answering).await.ok()?;
        Some(Self { child, address, start_time: started.elapsed() })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("a running process")
    }

    /// Returns a memory figure of the process in mebibytes.
    pub(crate) fn memory(&self, field: &str) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).expect("the process's status");
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).expect("a size");
        kib.parse::<f64>().expect("a number") / 1024.0
    }

    pub(crate) async fn stop(&mut self) {
        let sent = StdCommand::new("kill").args(["-TERM", &self.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
        timeout(PATIENCE * 4, self.child.wait()).await.expect("the process ends in time").expect("an exit status");
    }
}

/// Makes an API key in the database of this folder.
pub(crate) async fn create_key(dir: &Path) -> String {
    let run = async |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_al-chat"));
        command.args(arguments).current_dir(dir).env_clear().stderr(Stdio::null());
        let ran = command.output().await.expect("the command runs");
        assert!(ran.status.success(), "{arguments:?}");
        ran.stdout
    };
    run(&["migrate"]).await;
    String::from_utf8(run(&["keys", "create", "bench"]).await).expect("a key").trim_end().to_owned()
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a listening address")
}

/// Returns whether a server answers at this address, with any status.
async fn answers(address: SocketAddr, path: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(address).await else { return false };
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    stream.write_all(request.as_bytes()).await.is_ok()
        && stream.read_to_string(&mut answer).await.is_ok()
        && answer.starts_with("HTTP/1.1 200")
}

/// Returns the user and system CPU time of a process so far.
pub(crate) fn cpu_time(process: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("the process's statistics");
    // The fields follow the command's name, which ends with the last parenthesis. Field 14 of all is utime, field 15
    // stime.
    let (_, fields) = stat.rsplit_once(')').expect("a name");
    let ticks = fields.split_whitespace().skip(11).take(2).map(|field| field.parse::<u32>().expect("ticks"));
    Duration::from_secs(1) * ticks.sum::<u32>() / ticks_per_second()
}

fn ticks_per_second() -> u32 {
    let output = StdCommand::new("getconf").arg("CLK_TCK").output().expect("getconf runs");
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("ticks a second")
}

/// Returns the request IDs of the turns in the session log, one per line.
pub(crate) fn logged_turns(dir: &Path) -> Vec<String> {
    let files = fs::read_dir(dir.join("SessionLog")).expect("the session log's folder");
    let texts = files.map(|file| fs::read_to_string(file.expect("a file").path()).expect("a text"));
    let id = |line: &str| {
        let turn: Value = serde_json::from_str(line).expect("a line of JSON");
        turn["request_id"].as_str().expect("a request's id").to_owned()
    };
    let ids = |text: String| text.lines().filter(|line| line.starts_with(r#"{"event":"chat""#)).map(id).collect();
    texts.flat_map(|text| -> Vec<_> { ids(text) }).collect()
}
