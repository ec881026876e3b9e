//! A model's server that answers by script, byte by byte: for what model servers send in the wild and no HTTP library
//! would.

use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::byte_server::ByteServer;

/// One answer.
#[derive(Clone, Debug)]
pub struct Scripted {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    /// Each is written by itself; within chunked framing it is a chunk.
    pub pieces: Vec<Vec<u8>>,
    pub end: End,
    /// Whether informational answers (RFC 9110, 15.2) come before it.
    pub has_hints: bool,
}

/// How an answer is framed, and how it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Chunked, in order.
    Chunked,
    /// Chunked, with a trailer behind the last chunk.
    Trailer,
    /// With its length.
    Length,
    /// Without a length; the end of the connection is its end.
    Close,
    /// Chunked, and the connection ends without the last chunk.
    Cut,
    /// Chunked, and the connection is reset.
    Reset,
}

impl Scripted {
    /// A whole answer.
    pub fn whole(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, headers: vec![], pieces: vec![body.into()], end: End::Length, has_hints: false }
    }

    /// A refusal with this status.
    pub fn refusal(status: u16, body: &str) -> Self {
        Self { status, ..Self::whole(body) }
    }

    /// A stream of these pieces.
    pub fn stream<P: Into<Vec<u8>>>(pieces: impl IntoIterator<Item = P>) -> Self {
        let pieces = pieces.into_iter().map(Into::into).collect();
        Self { pieces, end: End::Chunked, ..Self::whole("") }.with("content-type", "text/event-stream")
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    pub fn behind_hints(self) -> Self {
        Self { has_hints: true, ..self }
    }

    pub fn ending(self, end: End) -> Self {
        Self { end, ..self }
    }

    fn head(&self) -> String {
        let framing = match self.end {
            End::Length => format!("content-length: {}", self.pieces.iter().map(Vec::len).sum::<usize>()),
            End::Close => "connection: close".to_owned(),
            End::Chunked | End::Trailer | End::Cut | End::Reset => "transfer-encoding: chunked".to_owned(),
        };
        let headers = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
        let headers = headers.collect::<Vec<_>>().concat();
        format!("HTTP/1.1 {} Scripted\r\n{framing}\r\n{headers}\r\n", self.status)
    }

    /// Returns whether the connection goes on.
    async fn write(&self, stream: &mut TcpStream) -> std::io::Result<bool> {
        if self.has_hints {
            stream.write_all(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n").await?;
        }
        stream.write_all(self.head().as_bytes()).await?;
        let is_chunked = !matches!(self.end, End::Length | End::Close);
        for piece in self.pieces.iter().filter(|piece| !piece.is_empty()) {
            if is_chunked {
                stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
            }
            stream.write_all(piece).await?;
            if is_chunked {
                stream.write_all(b"\r\n").await?;
            }
            stream.flush().await?;
            tokio::task::yield_now().await;
        }
        match self.end {
            End::Chunked => stream.write_all(b"0\r\n\r\n").await?,
            End::Trailer => stream.write_all(b"0\r\nx-took: 12\r\n\r\n").await?,
            End::Reset => stream.set_zero_linger()?,
            End::Length | End::Close | End::Cut => {}
        }
        Ok(matches!(self.end, End::Chunked | End::Trailer | End::Length))
    }
}

#[derive(Default)]
struct State {
    answers: Vec<Scripted>,
    requests: Vec<(String, Value)>,
}

/// The server. It gives its answers in order, and the last one again and again.
pub struct ScriptedModel {
    server: ByteServer,
    state: Arc<Mutex<State>>,
}

impl ScriptedModel {
    pub async fn start() -> Self {
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        let server = ByteServer::start(move |stream| serve(stream, Arc::clone(&shared))).await;
        Self { server, state }
    }

    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.server.address)
    }

    /// From now on these are the answers, and no request was made yet.
    pub fn set_responses(&self, answers: &[Scripted]) {
        *locked(&self.state) = State { answers: answers.to_vec(), requests: Vec::new() };
    }

    /// The bodies of the requests so far.
    pub fn requests(&self) -> Vec<Value> {
        locked(&self.state).requests.iter().map(|(_, body)| body.clone()).collect()
    }

    /// The heads of the requests so far, in lower case.
    pub fn heads(&self) -> Vec<String> {
        locked(&self.state).requests.iter().map(|(head, _)| head.clone()).collect()
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("the script")
}

/// Answers the requests of one connection. One that breaks is over.
async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let _ = stream.set_nodelay(true);
    while let Ok(request) = read_request(&mut stream).await {
        let answer = {
            let mut state = locked(&state);
            state.requests.push(request);
            let number = state.requests.len().min(state.answers.len());
            state.answers[number - 1].clone()
        };
        if !matches!(answer.write(&mut stream).await, Ok(true)) {
            break;
        }
    }
}

/// The head of a request in lower case, and its JSON.
async fn read_request(stream: &mut TcpStream) -> std::io::Result<(String, Value)> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    let head = head.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).await?;
    Ok((head, serde_json::from_slice(&body).unwrap_or_default()))
}
