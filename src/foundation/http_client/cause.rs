//! Why no answer came over a connection, read from the chain of causes that the HTTP client reports.

use std::{error::Error, io};

use rustls::{CertificateError, InvalidMessage};

/// What kept a request from being answered. Its text says what happened and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The host's name has no address.
    #[error("the host's name cannot be resolved; check its spelling and this machine's DNS")]
    NameNotResolved,
    /// Nobody listens there.
    #[error("the connection is refused; check host and port, and that a server is listening there")]
    Refused,
    /// There is no way to that address.
    #[error("there is no route to the host; check this machine's network, or set HTTPS_PROXY")]
    NoRoute,
    /// The connection was closed before an answer.
    #[error("the connection was closed before an answer came; is a firewall, a proxy or a crashed server in between?")]
    Reset,
    /// The server's certificate was issued by an authority that this machine doesn't trust.
    #[error(
        "the server's certificate is from an authority that this machine does not trust; name a file with that \
         authority's certificate (PEM) in SSL_CERT_FILE, or a folder of such files in SSL_CERT_DIR"
    )]
    TlsUnknownAuthority,
    /// The server's certificate is for other names.
    #[error("the server's certificate is not for this host's name; use the name that it was issued for")]
    TlsOtherName,
    /// The server's certificate has expired or isn't valid yet.
    #[error("the server's certificate has expired or is not valid yet; check this machine's clock too")]
    TlsNotInForce,
    /// What answered doesn't speak TLS.
    #[error("the server does not speak TLS on this port; use http:// or the port for https")]
    TlsNotSpoken,
    /// TLS failed for another reason.
    #[error("the TLS handshake failed; does the server support TLS 1.2 or 1.3, and is its certificate right?")]
    TlsOther,
    /// What answered doesn't speak HTTP.
    #[error("what answered does not speak HTTP; if the server expects TLS on this port, use https://")]
    NotHttp,
    /// The proxy didn't open a tunnel to the server.
    #[error("the proxy refuses to connect to the server; check HTTPS_PROXY, its user and password, and NO_PROXY")]
    ProxyRefused,
    /// It took too long.
    #[error("the time was over; check host and port, and whether a firewall or HTTPS_PROXY is in between")]
    Timeout,
    /// Something else.
    #[error("the connection failed")]
    Other,
}

/// The cause of a request's failure.
#[must_use]
pub fn cause(error: &reqwest::Error) -> Cause {
    if error.is_timeout() {
        return Cause::Timeout;
    }
    let mut link: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = link {
        if let Some(cause) = of_link(error) {
            return cause;
        }
        link = next(error);
    }
    Cause::Other
}

/// What is behind an error. An I/O error's own `source` skips the error that it wraps.
fn next<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    wrapped.map(|inner| inner as _).or_else(|| error.source())
}

fn of_link(error: &(dyn Error + 'static)) -> Option<Cause> {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(of_tls(error));
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return of_io(error);
    }
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        if error.is_incomplete_message() {
            return Some(Cause::Reset);
        } else if error.is_parse() {
            return Some(Cause::NotHttp);
        }
    }
    // These errors cannot be told apart by their types, which are private, or say less.
    match error.to_string().as_str() {
        "dns error" => Some(Cause::NameNotResolved),
        // The server speaks before it is asked, as those for mail and SSH do.
        "received unexpected message from connection" => Some(Cause::NotHttp),
        // Behind this one is why the proxy itself could not be connected to.
        "tunnel error: failed to create underlying connection" => None,
        text if text.starts_with("tunnel error: ") => Some(Cause::ProxyRefused),
        _ => None,
    }
}

fn of_io(error: &io::Error) -> Option<Cause> {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::ConnectionRefused => Some(Cause::Refused),
        Kind::NetworkUnreachable | Kind::HostUnreachable | Kind::AddrNotAvailable => Some(Cause::NoRoute),
        Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe | Kind::UnexpectedEof => Some(Cause::Reset),
        Kind::TimedOut => Some(Cause::Timeout),
        _ => None,
    }
}

fn of_tls(error: &rustls::Error) -> Cause {
    match error {
        rustls::Error::InvalidCertificate(error) => of_certificate(error),
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => Cause::TlsNotSpoken,
        _ => Cause::TlsOther,
    }
}

fn of_certificate(error: &CertificateError) -> Cause {
    match error {
        CertificateError::UnknownIssuer => Cause::TlsUnknownAuthority,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Cause::TlsOtherName,
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => Cause::TlsNotInForce,
        _ => Cause::TlsOther,
    }
}
