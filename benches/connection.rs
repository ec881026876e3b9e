//! A kept-alive HTTP connection for one request at a time.

use std::{net::SocketAddr, pin::Pin};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http1, header, http::response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

pub(crate) struct Connection {
    requests: http1::SendRequest<Full<Bytes>>,
    driver: Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>,
    address: SocketAddr,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (requests, driver) = http1::handshake(TokioIo::new(stream)).await.map_err(std::io::Error::other)?;
        Ok(Self { requests, driver: Box::pin(driver), address })
    }

    /// Sends a request with a JSON body and reads the response.
    pub(crate) async fn send(&mut self, mut request: Request<Full<Bytes>>) -> (response::Parts, Bytes) {
        let host = self.address.to_string().parse().expect("a host");
        request.headers_mut().insert(header::HOST, host);
        request.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        let answer = async {
            self.requests.ready().await?;
            let (head, body) = self.requests.send_request(request).await?.into_parts();
            Ok::<_, hyper::Error>((head, body.collect().await?.to_bytes()))
        };
        // The connection is polled by its user: no other task or thread takes part in the measurement.
        tokio::select! {
            biased;
            _ = &mut self.driver => None,
            answer = answer => answer.ok(),
        }
        .expect("an answer")
    }
}
