//! What reads a server's figures while it answers turns.

use std::{net::SocketAddr, time::Duration};

use http_body_util::Full;
use hyper::{Request, StatusCode};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{interval, timeout},
};

use crate::{connection::Connection, server::Server};

/// The time between two reads of the metrics: more often than any monitoring reads them.
const SCRAPE_INTERVAL: Duration = Duration::from_secs(1);

/// The longest time until the events of the operator's page begin.
const PATIENCE: Duration = Duration::from_secs(5);

/// Something that reads a server's figures.
#[derive(Clone, Copy)]
pub(crate) enum Observer {
    /// Reads `/metrics` each second.
    Scraper,
    /// Reads the events of the operator's page.
    Page,
}

/// An observer at work, until this is dropped.
pub(crate) struct Observing {
    _task: JoinSet<()>,
}

impl Observer {
    /// Begins to read the figures of a server. Returns `None` if the server does not offer them.
    pub(crate) async fn observe(self, server: &Server) -> Option<Observing> {
        let mut task = JoinSet::new();
        match self {
            Self::Scraper => task.spawn(scrape(Connection::open(server.address).await.ok()?)),
            Self::Page => task.spawn(read_on(open_events(server.address).await?)),
        };
        Some(Observing { _task: task })
    }
}

async fn scrape(mut connection: Connection) {
    let mut ticks = interval(SCRAPE_INTERVAL);
    loop {
        ticks.tick().await;
        let request = Request::get("/metrics").body(Full::default()).expect("a request");
        let (head, _) = connection.send(request).await;
        assert_eq!(head.status, StatusCode::OK);
    }
}

/// Opens the stream of events. Returns `None` if there is none at this address.
async fn open_events(address: SocketAddr) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let request = format!("GET /api/admin/events HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut start = [0; 12];
    timeout(PATIENCE, stream.read_exact(&mut start)).await.ok()?.ok()?;
    (&start == b"HTTP/1.1 200").then_some(stream)
}

/// Reads a stream to its end.
async fn read_on(mut stream: TcpStream) {
    let mut buffer = vec![0; 64 << 10];
    while stream.read(&mut buffer).await.is_ok_and(|bytes| bytes > 0) {}
}
