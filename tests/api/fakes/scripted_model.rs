//! A model server that sends prepared bytes, for responses of real model servers that no HTTP library produces.

use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::byte_server::ByteServer;

/// A prepared response.
#[derive(Clone, Debug)]
pub struct ScriptedResponse {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    /// The pieces of the body, each sent in a write of its own and, with chunked encoding, as one chunk.
    pub pieces: Vec<Vec<u8>>,
    pub end: End,
    /// Whether informational responses (RFC 9110, 15.2) precede the response.
    pub has_informational: bool,
}

/// How the body of a response is framed, and how it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Chunked, with the last chunk.
    Chunked,
    /// Chunked, with a trailer after the last chunk.
    Trailer,
    /// With a Content-Length.
    Length,
    /// Without a length; the end of the connection ends the body.
    Close,
    /// Chunked; the connection is closed before the last chunk.
    Truncated,
    /// Chunked; the connection is reset before the last chunk.
    Reset,
}

impl ScriptedResponse {
    /// Returns a response with this body and a Content-Length.
    pub fn whole(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, headers: vec![], pieces: vec![body.into()], end: End::Length, has_informational: false }
    }

    /// Returns an error response with this status and body.
    pub fn error(status: u16, body: &str) -> Self {
        Self { status, ..Self::whole(body) }
    }

    /// Returns a chunked event stream of these pieces.
    pub fn stream<P: Into<Vec<u8>>>(pieces: impl IntoIterator<Item = P>) -> Self {
        let pieces = pieces.into_iter().map(Into::into).collect();
        Self { pieces, end: End::Chunked, ..Self::whole("") }.with("content-type", "text/event-stream")
    }

    /// Returns a response with the bytes of one that a server sent: its head, and its body with a Content-Length or in
    /// chunks.
    pub fn recorded(bytes: &'static [u8]) -> Self {
        let text = str::from_utf8(bytes).expect("a response in UTF-8");
        let (head, body) = text.split_once("\r\n\r\n").expect("the end of the head");
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
        let headers = lines.filter_map(|line| line.split_once(": "));
        let is_framing = |name: &str| ["content-length", "transfer-encoding", "connection"].contains(&name);
        let (framing, headers): (Vec<_>, Vec<_>) =
            headers.partition(|(name, _)| is_framing(&name.to_ascii_lowercase()));
        let is_chunked = framing.iter().any(|(_, value)| *value == "chunked");
        let pieces = if is_chunked { chunks(body) } else { vec![body.into()] };
        let end = if is_chunked { End::Chunked } else { End::Length };
        let headers = headers.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
        Self { status: status.expect("a status"), headers, pieces, end, has_informational: false }
    }

    /// Sets a header.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Adds informational responses before the response.
    pub fn with_informational(self) -> Self {
        Self { has_informational: true, ..self }
    }

    /// Sets the framing and the end.
    pub fn ending(self, end: End) -> Self {
        Self { end, ..self }
    }

    fn head(&self) -> String {
        let framing = match self.end {
            End::Length => format!("content-length: {}", self.pieces.iter().map(Vec::len).sum::<usize>()),
            End::Close => "connection: close".to_owned(),
            End::Chunked | End::Trailer | End::Truncated | End::Reset => "transfer-encoding: chunked".to_owned(),
        };
        let headers = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
        let headers = headers.collect::<Vec<_>>().concat();
        format!("HTTP/1.1 {} Scripted\r\n{framing}\r\n{headers}\r\n", self.status)
    }

    /// Writes the response. Returns whether the connection stays open.
    async fn write(&self, stream: &mut TcpStream) -> std::io::Result<bool> {
        if self.has_informational {
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
            End::Length | End::Close | End::Truncated => {}
        }
        Ok(matches!(self.end, End::Chunked | End::Trailer | End::Length))
    }
}

/// Returns the chunks of a body, without the last one, which is empty.
fn chunks(mut body: &str) -> Vec<Vec<u8>> {
    let mut chunks = Vec::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).expect("the size of a chunk");
        if size == 0 {
            break;
        }
        chunks.push(rest[..size].into());
        body = &rest[size + 2..];
    }
    chunks
}

#[derive(Default)]
struct State {
    responses: Vec<ScriptedResponse>,
    requests: Vec<(String, Value)>,
}

/// A server that sends its responses in order, and the last one repeatedly.
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

    /// Sets the responses, and clears the recorded requests.
    pub fn set_responses(&self, responses: &[ScriptedResponse]) {
        *locked(&self.state) = State { responses: responses.to_vec(), requests: Vec::new() };
    }

    /// Returns the bodies of the requests so far.
    pub fn requests(&self) -> Vec<Value> {
        locked(&self.state).requests.iter().map(|(_, body)| body.clone()).collect()
    }

    /// Returns the heads of the requests so far, in lower case.
    pub fn heads(&self) -> Vec<String> {
        locked(&self.state).requests.iter().map(|(head, _)| head.clone()).collect()
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("the lock of the responses")
}

/// Answers the requests of one connection until it breaks.
async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let _ = stream.set_nodelay(true);
    while let Ok(request) = read_request(&mut stream).await {
        let response = {
            let mut state = locked(&state);
            state.requests.push(request);
            let number = state.requests.len().min(state.responses.len());
            state.responses[number - 1].clone()
        };
        if !matches!(response.write(&mut stream).await, Ok(true)) {
            break;
        }
    }
}

/// Reads a request and returns its head, in lower case, and its JSON body.
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
