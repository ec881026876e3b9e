//! A TCP server with a handler per connection, for responses that an HTTP server cannot send.

use std::future::Future;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A TCP server on a free local port. Dropping it closes the port and all connections.
pub struct ByteServer {
    pub address: SocketAddr,
    _accepting: JoinSet<()>,
}

impl ByteServer {
    /// Starts a server that runs this handler for each connection, concurrently.
    pub async fn start<H, F>(handle: H) -> Self
    where
        H: Fn(TcpStream) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free local port");
        let address = listener.local_addr().expect("the port's own address");
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    Some(_) = connections.join_next() => {}
                    Ok((stream, _)) = listener.accept() => {
                        connections.spawn(handle(stream));
                    }
                }
            }
        });
        Self { address, _accepting: accepting }
    }

    /// Starts a server that reads once, sends these bytes and closes the connection.
    pub async fn replying(answer: &'static [u8]) -> Self {
        Self::start(async move |mut stream| {
            // Errors are ignored: the client may have disconnected.
            let _ = stream.read(&mut [0; 16 << 10]).await;
            let _ = stream.write_all(answer).await;
            let _ = stream.shutdown().await;
        })
        .await
    }
}
