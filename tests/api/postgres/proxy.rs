//! The way to a server, on which connections fall silent: nobody hears that they ended.

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

/// A port that leads to the server. Dropped, it is closed with all its connections.
pub struct Network {
    url: Url,
    way: Arc<Way>,
    _accepting: JoinSet<()>,
}

/// What all connections have in common.
#[derive(Default)]
struct Way {
    /// Counts how often those there were fell silent.
    silences: watch::Sender<u32>,
    /// The words that are lost next, and everything with them.
    doomed: Mutex<Option<&'static str>>,
}

impl Network {
    /// A way to this database.
    pub async fn to(database: &Url) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free local port");
        let port = listener.local_addr().expect("the port's own address").port();
        let server = database.socket_addrs(|| None).expect("the server's address")[0];
        let mut url = database.clone();
        url.set_port(Some(port)).expect("such a URL can have one");
        let (way, mut accepting) = (Arc::new(Way::default()), JoinSet::new());
        accepting.spawn(accept(listener, server, way.clone()));
        Self { url, way, _accepting: accepting }
    }

    /// The address of the database by this way.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Connections there are say nothing more, for ever, and are not closed. New ones pass.
    pub fn swallow(&self) {
        self.way.swallow();
    }

    /// The same when a client says these words, which don't arrive.
    pub fn swallow_at(&self, words: &'static str) {
        *self.way.doomed.lock().expect("the way's lock") = Some(words);
    }

    /// Waits until connections have fallen silent so many times.
    pub async fn wait_for_silences(&self, times: u32) {
        let mut silences = self.way.silences.subscribe();
        let reached = silences.wait_for(|silences| *silences >= times);
        let reached = tokio::time::timeout(crate::support::service::TEST_TIMEOUT, reached).await;
        reached.expect("connections fall silent in time").expect("a way that outlives its wait");
    }
}

impl Way {
    fn swallow(&self) {
        self.silences.send_modify(|silences| *silences += 1);
    }

    /// Whether this is what is to be lost.
    fn is_doomed(&self, said: &[u8]) -> bool {
        let mut doomed = self.doomed.lock().expect("the way's lock");
        let is_said = |words: &mut &str| said.windows(words.len()).any(|window| window == words.as_bytes());
        doomed.take_if(is_said).is_some()
    }

    async fn lead(self: Arc<Self>, client: TcpStream, server: SocketAddr, mut silences: watch::Receiver<u32>) {
        // A server that is away hangs up on whoever comes.
        let Ok(server) = TcpStream::connect(server).await else { return };
        let (mut from_server, mut to_server) = server.into_split();
        let (mut from_client, mut to_client) = client.into_split();
        // Both ends are kept open by this function, also in the silence.
        select! {
            _ = self.ask(&mut from_client, &mut to_server) => {}
            _ = copy(&mut from_server, &mut to_client) => {}
            _ = silences.changed() => pending().await,
        }
    }

    async fn ask(&self, from: &mut OwnedReadHalf, to: &mut OwnedWriteHalf) -> io::Result<()> {
        let mut said = vec![0; 16 << 10];
        loop {
            let length = from.read(&mut said).await?;
            if length == 0 {
                return Ok(());
            }
            if self.is_doomed(&said[..length]) {
                self.swallow();
                return pending().await;
            }
            to.write_all(&said[..length]).await?;
        }
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, way: Arc<Way>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((client, _)) = listener.accept().await else { return };
        connections.spawn(way.clone().lead(client, server, way.silences.subscribe()));
    }
}
