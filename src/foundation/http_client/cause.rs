//! Classification of connection errors by the chain of sources that the HTTP client reports.

use std::{error::Error, io};

use rustls::{CertificateError, InvalidMessage};

use crate::foundation::descriptors;

/// The reason why a request got no response. Its text names the problem and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Cause {
    /// This process or machine has no file descriptor left for a connection. The server was not asked.
    #[error("no file descriptor is left for a connection; raise the limit of open files (ulimit -n, LimitNOFILE)")]
    NoDescriptors,
    /// The host's name has no address.
    #[error("the host's name cannot be resolved; check its spelling and this machine's DNS")]
    NameNotResolved,
    /// No process listens on the port.
    #[error("the connection is refused; check host and port, and that a server is listening there")]
    Refused,
    /// No route leads to the address.
    #[error("there is no route to the host; check this machine's network, or set HTTPS_PROXY")]
    NoRoute,
    /// The connection was closed before a response.
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
    TlsExpired,
    /// The response is not TLS.
    #[error("the server does not speak TLS on this port; use http:// or the port for https")]
    NotTls,
    /// TLS failed for another reason.
    #[error("the TLS handshake failed; does the server support TLS 1.2 or 1.3, and is its certificate right?")]
    TlsOther,
    /// The response is not HTTP.
    #[error("what answered does not speak HTTP; if the server expects TLS on this port, use https://")]
    NotHttp,
    /// The proxy didn't open a tunnel to the server.
    #[error("the proxy refuses to connect to the server; check HTTPS_PROXY, its user and password, and NO_PROXY")]
    ProxyRefused,
    /// The time for the connection or the response was exceeded.
    #[error("the time was over; check host and port, and whether a firewall or HTTPS_PROXY is in between")]
    Timeout,
    /// Any other error.
    #[error("the connection failed")]
    Other,
}

/// Returns the reason why a request failed.
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

/// Returns the next error in the chain of sources. `source` of an I/O error skips the error that it wraps.
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
    // These errors are matched by their texts: their types are private, or less specific.
    match error.to_string().as_str() {
        // A lookup opens files and sockets, and its error doesn't say that one could not be opened.
        "dns error" if descriptors::are_exhausted() => Some(Cause::NoDescriptors),
        "dns error" => Some(Cause::NameNotResolved),
        // The server sends data before a request, as mail and SSH servers do.
        "received unexpected message from connection" => Some(Cause::NotHttp),
        // The source of this error is the reason why the proxy itself is unreachable.
        "tunnel error: failed to create underlying connection" => None,
        text if text.starts_with("tunnel error: ") => Some(Cause::ProxyRefused),
        _ => None,
    }
}

fn of_io(error: &io::Error) -> Option<Cause> {
    use io::ErrorKind as Kind;
    match error.kind() {
        _ if descriptors::is_shortage(error) => Some(Cause::NoDescriptors),
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
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => Cause::NotTls,
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
        | CertificateError::NotValidYetContext { .. } => Cause::TlsExpired,
        _ => Cause::TlsOther,
    }
}
