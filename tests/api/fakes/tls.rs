//! TLS in front of another fake, as a proxy that ends it has.

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

/// Starts it with this certificate; what comes through goes to this address.
pub async fn start(identity: &Identity, behind: SocketAddr) -> ByteServer {
    let acceptor = acceptor(identity);
    ByteServer::start(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let (Ok(mut front), Ok(mut back)) = (acceptor.accept(stream).await, TcpStream::connect(behind).await)
            else {
                return;
            };
            // However it ends, both connections end with it.
            let _ = copy_bidirectional(&mut front, &mut back).await;
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
