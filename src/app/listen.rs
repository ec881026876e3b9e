//! The socket to listen on: one that systemd passes (socket activation), or a new one.

use std::{io, net::SocketAddr};

use listenfd::ListenFd;
use tokio::net::TcpListener;

use crate::foundation::config::Server;

/// The size of a connection's send buffer in bytes: enough for a megabyte a second to a client that is 100 ms away.
#[cfg(unix)]
const SEND_BUFFER_BYTES: usize = 128 << 10;

/// A socket that listens.
pub(super) struct Listener {
    pub(super) socket: TcpListener,
    /// The bound address: for port 0 the system chooses the port.
    pub(super) address: SocketAddr,
    /// Whether systemd passed the socket. Then connections wait at it from the end of this process until the next one accepts
    /// them.
    pub(super) is_passed: bool,
}

/// An error of the socket to listen on; its text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ListenFailure {
    /// Another process listens on the address.
    #[error("cannot listen on {0}: another process does; stop that one, or choose another PORT")]
    Taken(String, #[source] io::Error),
    /// The system doesn't allow this user to use the port.
    #[error(
        "cannot listen on {0}: this user may not use this port; choose a PORT of 1024 or more, have a proxy in front \
         listen there, or give the program the capability CAP_NET_BIND_SERVICE"
    )]
    Forbidden(String, #[source] io::Error),
    /// The machine has no such address.
    #[error(
        "cannot listen on {0}: this machine has no such address; SERVER_HOST is 127.0.0.1 for this machine alone, or \
         0.0.0.0 for every interface"
    )]
    NotLocal(String, #[source] io::Error),
    /// The host's name cannot be resolved, or any other error.
    #[error("cannot listen on {0}; check SERVER_HOST and PORT")]
    Other(String, #[source] io::Error),
    /// systemd passed something else than one TCP socket that listens.
    #[error(
        "systemd passed {0} sockets, and not one TCP socket that listens; the unit al-chat.socket needs one line \
         ListenStream with an address and a port, such as 127.0.0.1:5000"
    )]
    Passed(usize, #[source] Option<io::Error>),
}

impl ListenFailure {
    fn new(server: &Server, error: io::Error) -> Self {
        let address = format!("{}:{}", server.host, server.port);
        match error.kind() {
            io::ErrorKind::AddrInUse => Self::Taken(address, error),
            io::ErrorKind::PermissionDenied => Self::Forbidden(address, error),
            io::ErrorKind::AddrNotAvailable => Self::NotLocal(address, error),
            _ => Self::Other(address, error),
        }
    }
}

/// Returns the socket that systemd passed, or else listens on `SERVER_HOST` and `PORT`.
pub(super) async fn listen(server: &Server) -> Result<Listener, ListenFailure> {
    let failure = |error| ListenFailure::new(server, error);
    let passed = passed_socket()?;
    let is_passed = passed.is_some();
    let socket = if let Some(socket) = passed {
        socket
    } else {
        let host = server.host.trim_start_matches('[').trim_end_matches(']');
        TcpListener::bind((host, server.port)).await.map_err(failure)?
    };
    let address = socket.local_addr().map_err(failure)?;
    limit_send_buffers(&socket);
    Ok(Listener { socket, address, is_passed })
}

/// Returns the socket that systemd passed to this process (`LISTEN_FDS` and `LISTEN_PID`, see sd_listen_fds(3)), if it did.
fn passed_socket() -> Result<Option<TcpListener>, ListenFailure> {
    let mut passed = ListenFd::from_env();
    let count = passed.len();
    let failure = |error| ListenFailure::Passed(count, error);
    match count {
        0 => Ok(None),
        1 => {
            let socket = passed.take_tcp_listener(0).map_err(|error| failure(Some(error)))?;
            let socket = socket.ok_or_else(|| failure(None))?;
            socket.set_nonblocking(true).map_err(|error| failure(Some(error)))?;
            TcpListener::from_std(socket).map(Some).map_err(|error| failure(Some(error)))
        }
        _ => Err(failure(None)),
    }
}

/// Limits the memory in which the system holds responses that a client doesn't read. Accepted connections inherit it. The
/// system's own limit is some megabytes.
#[cfg(unix)]
fn limit_send_buffers(listener: &TcpListener) {
    // An error leaves the system's limit.
    let _ = rustix::net::sockopt::set_socket_send_buffer_size(listener, SEND_BUFFER_BYTES);
}

/// Leaves the system's limit.
#[cfg(not(unix))]
fn limit_send_buffers(_: &TcpListener) {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::config::{Config, Source};

    #[test]
    fn each_error_says_what_to_do() {
        let source = Source::of_pairs([("SERVER_HOST", "0.0.0.0"), ("PORT", "80")]);
        let server = Config::read(&source).unwrap().server;
        for (kind, advice) in [
            (io::ErrorKind::PermissionDenied, "choose a PORT of 1024 or more"),
            (io::ErrorKind::AddrInUse, "another process does"),
            (io::ErrorKind::AddrNotAvailable, "SERVER_HOST is 127.0.0.1"),
            (io::ErrorKind::Other, "check SERVER_HOST and PORT"),
        ] {
            let text = ListenFailure::new(&server, kind.into()).to_string();
            assert!(text.starts_with("cannot listen on 0.0.0.0:80") && text.contains(advice), "{text}");
        }
    }
}
