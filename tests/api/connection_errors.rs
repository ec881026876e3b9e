//! The causes of connection errors, as classified by the HTTP client.

use std::time::Duration;

use al_chat::foundation::{
    config::{Config, Source},
    http_client::{self, Cause, Client, cause},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::fakes::{byte_server::ByteServer, certificates::Authority, model::FakeModel, tls};

/// Returns the cause of the connection error at this URL.
async fn cause_at(client: &Client, url: &str) -> Cause {
    cause(&client.send(|client| client.get(url)).await.expect_err("no answer"))
}

/// Returns a client that is built as in the service, with these settings.
fn client(settings: &[(&str, &str)]) -> Client {
    let config = Config::read(&Source::of_pairs(settings.iter().copied())).expect("valid settings");
    http_client::build(Duration::from_secs(5), &config.proxy, None).expect("a client")
}

#[tokio::test]
async fn an_unresolved_name_differs_from_a_refused_connection() {
    let client = client(&[]);
    // A name of this length is invalid, so that no name server is queried.
    let name = format!("http://{}.example/", "a".repeat(64));
    assert_eq!(cause_at(&client, &name).await, Cause::NameNotResolved);
    // The discard port, on which no server listens.
    assert_eq!(cause_at(&client, "http://127.0.0.1:9/").await, Cause::Refused);
    assert_eq!(cause_at(&client, "https://127.0.0.1:9/").await, Cause::Refused);
}

#[tokio::test]
async fn a_connection_closed_early_is_reported_as_reset() {
    let client = client(&[]);
    for said in [&b""[..], b"HTTP/1.1 200 OK\r\nContent-"] {
        let server = ByteServer::replying(said).await;
        assert_eq!(cause_at(&client, &format!("http://{}/", server.address)).await, Cause::Reset, "{said:?}");
    }
    let server = ByteServer::replying(b"").await;
    assert_eq!(cause_at(&client, &format!("https://{}/", server.address)).await, Cause::Reset);
}

#[tokio::test]
async fn an_unknown_certificate_authority_is_reported() {
    let model = FakeModel::start().await;
    let server = tls::start(&Authority::new().issue(&["localhost"]), model.address()).await;
    let url = format!("https://localhost:{}/", server.address.port());
    assert_eq!(cause_at(&client(&[]), &url).await, Cause::TlsUnknownAuthority);
    assert!(Cause::TlsUnknownAuthority.to_string().contains("SSL_CERT_FILE"));
}

#[tokio::test]
async fn http_in_place_of_https_and_the_reverse_are_reported() {
    let client = client(&[]);
    let model = FakeModel::start().await;
    assert_eq!(cause_at(&client, &format!("https://{}/", model.address())).await, Cause::NotTls);
    let server = tls::start(&Authority::new().issue(&["localhost"]), model.address()).await;
    assert_eq!(cause_at(&client, &format!("http://{}/", server.address)).await, Cause::NotHttp);
    let greeting = b"220 mail.example ESMTP\r\n";
    let answering = ByteServer::replying(greeting).await;
    let speaking_first = ByteServer::start(async |mut stream| {
        let _ = stream.write_all(greeting).await;
        let _ = stream.read(&mut [0; 16 << 10]).await;
    })
    .await;
    for server in [answering, speaking_first] {
        assert_eq!(cause_at(&client, &format!("http://{}/", server.address)).await, Cause::NotHttp);
    }
}

#[tokio::test]
async fn a_proxy_that_rejects_differs_from_one_that_is_down() {
    for refusal in [
        &b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"[..],
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
        b"",
    ] {
        let proxy = ByteServer::replying(refusal).await;
        let client = client(&[("HTTPS_PROXY", &format!("http://{}", proxy.address))]);
        assert_eq!(cause_at(&client, "https://model.example/").await, Cause::ProxyRefused);
    }
    let client = client(&[("HTTPS_PROXY", "http://127.0.0.1:9")]);
    assert_eq!(cause_at(&client, "https://model.example/").await, Cause::Refused);
}

#[tokio::test]
async fn a_server_that_never_answers_is_reported_as_a_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free local port");
    let url = format!("http://{}/", listener.local_addr().expect("a listening address"));
    let sent = client(&[]).send(|client| client.get(&url).timeout(Duration::from_millis(50))).await;
    assert_eq!(cause(&sent.expect_err("no answer")), Cause::Timeout);
}
