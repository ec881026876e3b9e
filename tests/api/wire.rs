//! A connection spoken to byte by byte, for what a well-behaved client never does.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::house::PATIENCE;

/// One connection to the server.
#[derive(Debug)]
pub struct Wire(TcpStream);

impl Wire {
    pub async fn connect(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.expect("the server takes connections"))
    }

    /// A connection that takes no more than about so many bytes which are not read.
    pub async fn connect_narrow(address: SocketAddr, bytes: u32) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(bytes).expect("a small buffer");
        Self(socket.connect(address).await.expect("the server takes connections"))
    }

    pub async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.expect("the server reads");
    }

    /// The same, where the server may have hung up.
    pub async fn try_send(&mut self, text: &str) -> io::Result<()> {
        timeout(PATIENCE, self.0.write_all(text.as_bytes())).await.expect("the server reads or hangs up")
    }

    /// Asks for a path and reads the answer.
    pub async fn get(&mut self, path: &str) -> String {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: al-chat\r\n\r\n")).await;
        self.answer().await
    }

    /// One answer, head and body, read as far as its Content-Length says.
    pub async fn answer(&mut self) -> String {
        let reading = async {
            let mut read = Vec::new();
            while !is_whole(&read) {
                assert_ne!(self.0.read_buf(&mut read).await.expect("an answer"), 0, "the server hung up");
            }
            read
        };
        let read = timeout(PATIENCE, reading).await.expect("an answer in time");
        String::from_utf8(read).expect("an answer of text")
    }

    /// All the server still says until it hangs up.
    pub async fn rest(&mut self) -> String {
        let mut rest = String::new();
        let reading = timeout(PATIENCE, self.0.read_to_string(&mut rest));
        reading.await.expect("the server hangs up in time").expect("the server hangs up in order");
        rest
    }

    /// Reads on until this has come, and no further than what came with it.
    pub async fn read_until(&mut self, text: &str) {
        let reading = async {
            let mut read = Vec::new();
            while !String::from_utf8_lossy(&read).contains(text) {
                assert_ne!(self.0.read_buf(&mut read).await.expect("more"), 0, "the server hung up before {text:?}");
            }
        };
        timeout(PATIENCE, reading).await.expect("it comes in time");
    }

    /// The head of an answer, and nothing behind it.
    pub async fn head(&mut self) -> String {
        let reading = async {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(self.0.read_u8().await.expect("an answer"));
            }
            head
        };
        let head = timeout(PATIENCE, reading).await.expect("an answer in time");
        String::from_utf8(head).expect("a head of text")
    }

    /// Reads about so many bytes more.
    pub async fn read(&mut self, bytes: usize) {
        let reading = async {
            let (mut piece, mut length) = (vec![0; 64 << 10], 0);
            while length < bytes {
                let read = self.0.read(&mut piece).await.expect("more to read");
                assert_ne!(read, 0, "the server hung up");
                length += read;
            }
        };
        timeout(PATIENCE, reading).await.unwrap_or_else(|_| panic!("{bytes} bytes did not come in time"));
    }

    /// Whether something has arrived that was not read yet.
    pub fn has_arrived(&self) -> bool {
        self.0.try_read(&mut [0]).is_ok()
    }
}

fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    body.len() >= length.unwrap_or(0)
}
