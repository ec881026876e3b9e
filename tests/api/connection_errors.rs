//! Why a connection gives no answer, as the HTTP client's errors are read.

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

/// What keeps this client from an answer at this address.
async fn cause_at(client: &Client, url: &str) -> Cause {
    cause(&client.send(|client| client.get(url)).await.expect_err("no answer"))
}

/// A client as the service has it, with these settings.
fn client(settings: &[(&str, &str)]) -> Client {
    let config = Config::read(&Source::of_pairs(settings.iter().copied())).expect("valid settings");
    http_client::build(Duration::from_secs(5), &config.proxy).expect("a client")
}

#[tokio::test]
async fn a_host_without_an_address_is_told_from_a_closed_port() {
    let client = client(&[]);
    // No name is that long, so that no server has to be asked for it.
    let name = format!("http://{}.example/", "a".repeat(64));
    assert_eq!(cause_at(&client, &name).await, Cause::NameNotResolved);
    // The discard port, where nobody listens.
    assert_eq!(cause_at(&client, "http://127.0.0.1:9/").await, Cause::Refused);
    assert_eq!(cause_at(&client, "https://127.0.0.1:9/").await, Cause::Refused);
}

#[tokio::test]
async fn a_connection_that_ends_early_is_closed_whatever_was_sent() {
    let client = client(&[]);
    for said in [&b""[..], b"HTTP/1.1 200 OK\r\nContent-"] {
        let server = ByteServer::replying(said).await;
        assert_eq!(cause_at(&client, &format!("http://{}/", server.address)).await, Cause::Reset, "{said:?}");
    }
    let server = ByteServer::replying(b"").await;
    assert_eq!(cause_at(&client, &format!("https://{}/", server.address)).await, Cause::Reset);
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_named() {
    let model = FakeModel::start().await;
    let server = tls::start(&Authority::new().issue(&["localhost"]), model.address()).await;
    let url = format!("https://localhost:{}/", server.address.port());
    assert_eq!(cause_at(&client(&[]), &url).await, Cause::TlsUnknownAuthority);
    assert!(Cause::TlsUnknownAuthority.to_string().contains("SSL_CERT_FILE"));
}

#[tokio::test]
async fn the_wrong_one_of_http_and_https_is_named() {
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
async fn a_proxy_that_refuses_is_told_from_one_that_is_away() {
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
async fn a_server_that_never_answers_is_out_of_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free local port");
    let url = format!("http://{}/", listener.local_addr().expect("its address"));
    let sent = client(&[]).send(|client| client.get(&url).timeout(Duration::from_millis(50))).await;
    assert_eq!(cause(&sent.expect_err("no answer")), Cause::Timeout);
}
