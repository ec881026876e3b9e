//! A server whose connections are handled byte by byte, for what no HTTP server does.

use std::future::Future;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Listens on a free local port until it is dropped; its connections end with it.
pub struct ByteServer {
    pub address: SocketAddr,
    _accepting: JoinSet<()>,
}

impl ByteServer {
    /// Handles each connection by this function, all at the same time.
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

    /// Answers what it is sent first with these bytes, and closes the connection.
    pub async fn replying(answer: &'static [u8]) -> Self {
        Self::start(async move |mut stream| {
            // A client that has left gets no answer.
            let _ = stream.read(&mut [0; 16 << 10]).await;
            let _ = stream.write_all(answer).await;
            let _ = stream.shutdown().await;
        })
        .await
    }
}
