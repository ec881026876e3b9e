//! The service under force, with the fakes of the model and of Papita.

use std::{
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    time::Duration,
};

use al_chat::foundation::clock::Clock;
use tokio::task::JoinSet;

use crate::{
    fakes::{
        model::{Behaviour, FakeModel},
        papita::FakePapita,
    },
    load::{self, Load},
    support::{
        client::Client,
        service::{Process, Service, TestSetup, wait_until},
    },
};

/// The number of clients that ask at the same time.
pub const CLIENTS: usize = 16;

/// A service with a port of its own over all restarts.
pub struct Environment {
    pub model: FakeModel,
    pub papita: FakePapita,
    pub setup: TestSetup,
    pub address: SocketAddr,
    /// The folder of the session log.
    pub log_dir: PathBuf,
    /// Further folders with lines: of another replica, or moved away.
    pub other_log_dirs: Vec<PathBuf>,
    process: Option<Process>,
    service: Option<Service>,
}

impl Environment {
    /// Starts the fakes and makes a setup on SQLite with these settings, which does not run.
    pub async fn new(settings: &[(&str, &str)]) -> Self {
        let (model, papita) = (FakeModel::start().await.without_recording(), FakePapita::start().await);
        model.set_behaviour(Behaviour::Echo);
        papita.serve_key("sk-papita");
        let address = TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr()).expect("a free port");
        let setup = TestSetup::for_papita(&model, &papita).on_sqlite().with("LOG_LEVEL", "warn,al_chat::app=info");
        let setup = setup.with("PORT", &address.port().to_string()).with("OPENAI_API_KEY", "sk-local");
        let log_dir = settings.iter().find(|(name, _)| *name == "SESSION_LOG_DIR");
        let log_dir = log_dir.map_or_else(|| setup.log_dir(), |(_, path)| PathBuf::from(path));
        let setup = setup.with_all(settings);
        Self { model, papita, setup, address, log_dir, other_log_dirs: Vec::new(), process: None, service: None }
    }

    /// Returns an environment whose program runs.
    pub async fn running(settings: &[(&str, &str)]) -> Self {
        let mut environment = Self::new(settings).await;
        environment.start().await;
        environment
    }

    /// Starts the program.
    pub async fn start(&mut self) {
        self.process = Some(self.setup.start_process().await);
    }

    /// Starts the program, which may take this long to count turns that are only in the session log.
    pub async fn start_within(&mut self, time: Duration) {
        self.process = Some(self.setup.start_command_within(self.setup.command(&[]), time).await);
    }

    /// Starts the program with the settings of a shell script, in which `$0` is the program.
    pub async fn start_by_script(&mut self, script: &str) {
        self.process = Some(self.setup.start_command(self.setup.command_by_script(script)).await);
    }

    /// Starts the program so that it ignores this signal.
    pub async fn start_ignoring(&mut self, signal: &str) {
        self.process = Some(self.setup.start_process_ignoring(signal).await);
    }

    /// Starts the service in this process with this clock.
    pub async fn start_with_clock(&mut self, clock: Clock) {
        self.service = Some(self.setup.start_with_clock(clock).await);
    }

    pub fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("a running program")
    }

    /// Kills the program and starts it again.
    pub async fn kill(&mut self) {
        self.process().kill().await;
        self.start().await;
    }

    pub fn load(&self) -> Load {
        Load::start(self.address, CLIENTS, Duration::ZERO)
    }

    /// Opens a stream for each client, and waits until the model answers all of them.
    pub async fn open_streams(&self) -> JoinSet<Option<String>> {
        let client = load::Client::new(self.address);
        let mut streams = JoinSet::new();
        for number in 0..CLIENTS {
            let client = client.clone();
            streams.spawn(async move { client.ask(number, true).await });
        }
        self.model.wait_for_open_responses(CLIENTS).await;
        streams
    }

    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// Waits until the service is ready, or is not.
    pub async fn wait_for_readiness(&self, status: u16) {
        wait_for_readiness(&self.client(), status).await;
    }
}

/// Waits until the service is ready (200), or is not (503).
pub async fn wait_for_readiness(client: &Client, status: u16) {
    wait_until("readiness", async || {
        let request = client.request(reqwest::Method::GET, "/api/health/ready");
        client.try_send(request).await.is_ok_and(|answer| answer.status == status).then_some(())
    })
    .await;
}
