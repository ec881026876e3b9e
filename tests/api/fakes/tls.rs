//! A TLS-terminating proxy in client of another fake.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::byte_server::ByteServer;
use super::certificates::Identity;

/// Starts the proxy with this certificate. It forwards the decrypted bytes to `upstream`.
pub async fn start(identity: &Identity, upstream: SocketAddr) -> ByteServer {
    let acceptor = acceptor(identity);
    ByteServer::start(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let (Ok(mut client), Ok(mut server)) = (acceptor.accept(stream).await, TcpStream::connect(upstream).await)
            else {
                return;
            };
            // An error ends both connections, like the end of the stream.
            let _ = copy_bidirectional(&mut client, &mut server).await;
        }
    })
    .await
}

fn acceptor(identity: &Identity) -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a certificate and its key");
    TlsAcceptor::from(Arc::new(config))
}
