//! A TCP proxy in front of a server that can silently drop traffic, or cut a connection at a statement.

use std::{
    future::pending,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    select,
    sync::watch,
    task::JoinSet,
};
use url::Url;

/// A proxy on a local port. Dropping it closes the port and all connections.
pub struct SilentProxy {
    url: Url,
    state: Arc<State>,
    _accepting: JoinSet<()>,
}

/// The state that all connections share.
#[derive(Default)]
struct State {
    /// The number of times that the open connections were silenced.
    silences: watch::Sender<u32>,
    /// The bytes that, when a client sends them, silence all connections.
    trigger: Mutex<Option<&'static str>>,
    /// The bytes after which the connection is cut on which a client sends them.
    cut: Mutex<Option<&'static str>>,
}

impl SilentProxy {
    /// Starts a proxy in front of the server of this database.
    pub async fn start(database: &Url) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free local port");
        let port = listener.local_addr().expect("the port's own address").port();
        let server = database.socket_addrs(|| None).expect("the server's address")[0];
        let mut url = database.clone();
        url.set_port(Some(port)).expect("a URL that can have a port");
        let (state, mut accepting) = (Arc::new(State::default()), JoinSet::new());
        accepting.spawn(accept(listener, server, state.clone()));
        Self { url, state, _accepting: accepting }
    }

    /// Returns the URL of the database through the proxy.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Silences all open connections: no byte passes in either direction, and they stay open. New connections work.
    pub fn silence(&self) {
        self.state.silence();
    }

    /// Silences all open connections when a client sends this text, which is dropped.
    pub fn silence_at(&self, words: &'static str) {
        *self.state.trigger.lock().expect("the proxy's lock") = Some(words);
    }

    /// Cuts the connection on which a client sends this text next. The server gets it, the client gets no answer.
    pub fn cut_after(&self, words: &'static str) {
        *self.state.cut.lock().expect("the proxy's lock") = Some(words);
    }

    /// Waits until the connections have been silenced this many times.
    pub async fn wait_for_silences(&self, times: u32) {
        let mut silences = self.state.silences.subscribe();
        let reached = silences.wait_for(|silences| *silences >= times);
        let reached = tokio::time::timeout(crate::support::service::TEST_TIMEOUT, reached).await;
        reached.expect("connections fall silent in time").expect("a proxy that still exists");
    }
}

impl State {
    fn silence(&self) {
        self.silences.send_modify(|silences| *silences += 1);
    }

    /// Returns whether the bytes contain the text of a trigger, which is then used up.
    fn pulls(trigger: &Mutex<Option<&'static str>>, buffer: &[u8]) -> bool {
        let mut trigger = trigger.lock().expect("the proxy's lock");
        let is_said = |words: &mut &str| buffer.windows(words.len()).any(|window| window == words.as_bytes());
        trigger.take_if(is_said).is_some()
    }

    async fn forward(self: Arc<Self>, client: TcpStream, server: SocketAddr, mut silences: watch::Receiver<u32>) {
        // If the server is down, the client's connection is closed.
        let Ok(server) = TcpStream::connect(server).await else { return };
        let (mut from_server, mut to_server) = server.into_split();
        let (mut from_client, mut to_client) = client.into_split();
        // This function keeps both ends open, also while they are silent.
        select! {
            biased;
            is_cut = self.forward_requests(&mut from_client, &mut to_server) => {
                if is_cut.unwrap_or(false) {
                    // The server's answer shows that it has executed the statement.
                    let _ = from_server.read(&mut [0; 1]).await;
                }
            }
            _ = copy(&mut from_server, &mut to_client) => {}
            _ = silences.changed() => pending().await,
        }
    }

    /// Forwards what a client sends to its end. Returns whether the connection is to be cut.
    async fn forward_requests(&self, from: &mut OwnedReadHalf, start: &mut OwnedWriteHalf) -> io::Result<bool> {
        let mut buffer = vec![0; 16 << 10];
        loop {
            let length = from.read(&mut buffer).await?;
            if length == 0 {
                return Ok(false);
            }
            if Self::pulls(&self.trigger, &buffer[..length]) {
                self.silence();
                return pending().await;
            }
            start.write_all(&buffer[..length]).await?;
            if Self::pulls(&self.cut, &buffer[..length]) {
                return Ok(true);
            }
        }
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((client, _)) = listener.accept().await else { return };
        connections.spawn(state.clone().forward(client, server, state.silences.subscribe()));
    }
}
