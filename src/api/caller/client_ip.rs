//! The IP address of a request's client.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use poem::{FromRequest, Request, RequestBody};

use crate::{
    api::AppState,
    domain::client_ip::{ClientIp, LoginClient},
};

/// The header in which proxies list the addresses of their clients.
const FORWARDED: &str = "x-forwarded-for";

/// The IP address of the client, behind as many trusted proxies as the settings name.
#[derive(Clone, Copy, Debug)]
pub(in crate::api) struct ClientAddress(pub(in crate::api) ClientIp);

/// The client that logs in or registers, also behind a proxy that the settings do not name.
#[derive(Clone, Copy, Debug)]
pub(in crate::api) struct LoginFrom(pub(in crate::api) LoginClient);

impl<'a> FromRequest<'a> for ClientAddress {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        let (proxies, peer) = (proxies(request), peer(request));
        // Without a trusted proxy, the header is what the client has made up.
        let forwarded = if proxies == 0 { String::new() } else { forwarded(request) };
        Ok(Self(ClientIp::from_forwarded(proxies, peer, &forwarded)))
    }
}

impl<'a> FromRequest<'a> for LoginFrom {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        Ok(Self(LoginClient::new(proxies(request), peer(request), &forwarded(request))))
    }
}

/// Returns the number of trusted proxies.
fn proxies(request: &Request) -> usize {
    request.data::<AppState>().map_or(0, |state| state.config.server.proxies)
}

/// Returns the address that the connection comes from.
fn peer(request: &Request) -> IpAddr {
    request.remote_addr().as_socket_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), SocketAddr::ip)
}

/// Returns all lines of the header as one list.
fn forwarded(request: &Request) -> String {
    // The client may have sent any bytes; trusted proxies append their part.
    let lines = request.headers().get_all(FORWARDED).iter().map(|it| String::from_utf8_lossy(it.as_bytes()));
    lines.collect::<Vec<_>>().join(",")
}
