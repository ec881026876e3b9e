//! Takes the address to listen on, or says why it can't be had.

use std::{io, net::SocketAddr};

use tokio::net::TcpListener;

use crate::foundation::config::Server;

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenFailure {
    /// Something else listens there.
    #[error("cannot listen on {0}: another process does; stop that one, or choose another PORT")]
    Taken(String, #[source] io::Error),
    /// The system keeps the port for others.
    #[error(
        "cannot listen on {0}: this user may not use this port; choose a PORT of 1024 or more, have a proxy in front \
         listen there, or give the program the capability CAP_NET_BIND_SERVICE"
    )]
    Forbidden(String, #[source] io::Error),
    /// The host has no such address.
    #[error(
        "cannot listen on {0}: this machine has no such address; SERVER_HOST is 127.0.0.1 for this machine alone, or \
         0.0.0.0 for every interface"
    )]
    NotHere(String, #[source] io::Error),
    /// The host is a name that nobody knows, or anything else.
    #[error("cannot listen on {0}; check SERVER_HOST and PORT")]
    Other(String, #[source] io::Error),
}

impl ListenFailure {
    fn new(server: &Server, error: io::Error) -> Self {
        let address = format!("{}:{}", server.host, server.port);
        match error.kind() {
            io::ErrorKind::AddrInUse => Self::Taken(address, error),
            io::ErrorKind::PermissionDenied => Self::Forbidden(address, error),
            io::ErrorKind::AddrNotAvailable => Self::NotHere(address, error),
            _ => Self::Other(address, error),
        }
    }
}

/// Listens where the settings say. Returns the address, too, whose port may have been chosen by the system.
pub(super) async fn listen(server: &Server) -> Result<(TcpListener, SocketAddr), ListenFailure> {
    let failure = |error| ListenFailure::new(server, error);
    let host = server.host.trim_start_matches('[').trim_end_matches(']');
    let listener = TcpListener::bind((host, server.port)).await.map_err(failure)?;
    let address = listener.local_addr().map_err(failure)?;
    Ok((listener, address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::config::{Config, Source};

    #[test]
    fn each_reason_has_its_remedy() {
        let source = Source::of_pairs([("SERVER_HOST", "0.0.0.0"), ("PORT", "80")]);
        let server = Config::read(&source).unwrap().server;
        for (kind, remedy) in [
            (io::ErrorKind::PermissionDenied, "choose a PORT of 1024 or more"),
            (io::ErrorKind::AddrInUse, "another process does"),
            (io::ErrorKind::AddrNotAvailable, "SERVER_HOST is 127.0.0.1"),
            (io::ErrorKind::Other, "check SERVER_HOST and PORT"),
        ] {
            let told = ListenFailure::new(&server, kind.into()).to_string();
            assert!(told.starts_with("cannot listen on 0.0.0.0:80") && told.contains(remedy), "{told}");
        }
    }
}
