//! A TCP connection written to byte by byte, for requests that an HTTP client cannot send.

use std::{io, net::SocketAddr};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::support::{contract_check::assert_described_error, service::TEST_TIMEOUT};

/// A request for a stream, after which the server closes the connection.
pub const STREAM_REQUEST: &str = "POST /api/chat/stream HTTP/1.1\r\nHost: al-chat\r\nContent-Type: application/json\r\n\
                                  Connection: close\r\nContent-Length: 16\r\n\r\n{\"message\":\"hi\"}";

/// A TCP connection to the server.
#[derive(Debug)]
pub struct RawConnection(TcpStream);

impl RawConnection {
    pub async fn connect(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.expect("the server accepts connections"))
    }

    /// Connects from this address, which is one of this machine's.
    pub async fn connect_from(from: [u8; 4], address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind((from, 0).into()).expect("an own address");
        Self(socket.connect(address).await.expect("the server accepts connections"))
    }

    /// Connects with a receive buffer of about this many bytes.
    pub async fn connect_narrow(address: SocketAddr, bytes: u32) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(bytes).expect("a small buffer");
        Self(socket.connect(address).await.expect("the server accepts connections"))
    }

    /// Asks for a stream with a small buffer for it.
    pub async fn open_narrow_stream(address: SocketAddr) -> Self {
        let mut this = Self::connect_narrow(address, 4096).await;
        this.send(STREAM_REQUEST).await;
        this
    }

    pub async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.expect("the server reads");
    }

    /// Sends the text; returns an error if the server has closed the connection.
    pub async fn try_send(&mut self, text: &str) -> io::Result<()> {
        timeout(TEST_TIMEOUT, self.0.write_all(text.as_bytes()))
            .await
            .expect("the server reads or closes the connection")
    }

    /// Sends a GET request for a path and reads the response.
    pub async fn get(&mut self, path: &str) -> String {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: al-chat\r\n\r\n")).await;
        self.response().await
    }

    /// Reads one response, head and body, up to its Content-Length.
    pub async fn response(&mut self) -> String {
        let response = self.response_or_end().await;
        assert!(is_complete(response.as_bytes()), "the server closed the connection after {response:?}");
        response
    }

    /// Reads one response, or as much of it as comes before the server closes the connection.
    pub async fn response_or_end(&mut self) -> String {
        let reading = async {
            let mut read = Vec::new();
            while !is_complete(&read) && self.0.read_buf(&mut read).await.is_ok_and(|bytes| bytes > 0) {}
            read
        };
        let read = timeout(TEST_TIMEOUT, reading).await.expect("a response in time");
        String::from_utf8(read).expect("a response in UTF-8")
    }

    /// Reads until the server closes the connection.
    pub async fn read_to_end(&mut self) -> String {
        let mut text = String::new();
        let reading = timeout(TEST_TIMEOUT, self.0.read_to_string(&mut text));
        reading
            .await
            .expect("the server closes the connection in time")
            .expect("a text without an error of the connection");
        text
    }

    /// Reads until the received bytes contain this text.
    pub async fn read_until(&mut self, text: &str) {
        let reading = async {
            let mut read = Vec::new();
            while !String::from_utf8_lossy(&read).contains(text) {
                assert_ne!(
                    self.0.read_buf(&mut read).await.expect("more bytes"),
                    0,
                    "the server closed the connection before {text:?}"
                );
            }
        };
        timeout(TEST_TIMEOUT, reading).await.expect("the text arrives in time");
    }

    /// Reads the head of a response and no byte of its body.
    pub async fn head(&mut self) -> String {
        let reading = async {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(self.0.read_u8().await.expect("a response"));
            }
            head
        };
        let head = timeout(TEST_TIMEOUT, reading).await.expect("a response in time");
        String::from_utf8(head).expect("a head in UTF-8")
    }

    /// Reads at least this many bytes.
    pub async fn read(&mut self, bytes: usize) {
        let reading = async {
            let (mut piece, mut length) = (vec![0; 64 << 10], 0);
            while length < bytes {
                let read = self.0.read(&mut piece).await.expect("more bytes");
                assert_ne!(read, 0, "the server closed the connection");
                length += read;
            }
        };
        timeout(TEST_TIMEOUT, reading).await.unwrap_or_else(|_| panic!("{bytes} bytes did not arrive in time"));
    }

    /// Returns whether there are received bytes that were not read.
    pub fn has_arrived(&self) -> bool {
        self.0.try_read(&mut [0]).is_ok()
    }
}

fn is_complete(response: &[u8]) -> bool {
    let text = String::from_utf8_lossy(response);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    body.len() >= length.unwrap_or(0)
}

/// A response as received.
#[derive(Debug)]
pub struct RawAnswer {
    pub head: String,
    pub body: String,
}

impl RawAnswer {
    pub fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{text:?} is not a response"));
        Self { head: head.to_owned(), body: body.to_owned() }
    }

    pub fn status(&self) -> u16 {
        self.head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
    }

    /// Returns the only header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        let values = lines.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let values = values.collect::<Vec<_>>();
        assert!(values.len() < 2, "{name} occurs more than once: {}", self.head);
        values.first().copied()
    }

    /// Asserts that the response is an error of the contract.
    #[track_caller]
    pub fn assert_error(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status(), status, "{}\n{}", self.head, self.body);
        let body: Value = serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{:?} is not JSON", self.body));
        assert_described_error(&body);
        assert_eq!(body["code"], code, "{body}");
        assert!(body["error"].as_str().is_some_and(|error| !error.is_empty()), "{body}");
        assert_eq!(body["request_id"].as_str(), self.header("x-request-id"), "{body}");
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert_eq!(
            self.header("content-length").and_then(|it| it.parse().ok()),
            Some(self.body.len()),
            "{}",
            self.head
        );
        assert!(self.header("access-control-allow-origin").is_some(), "{}", self.head);
        body
    }
}
