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
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> poem::Result<Self> {
        let LoginFrom(client) = LoginFrom::from_request(request, body).await?;
        Ok(Self(client.address))
    }
}

impl<'a> FromRequest<'a> for LoginFrom {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        let peer = request.remote_addr().as_socket_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), SocketAddr::ip);
        let proxies = request.data::<AppState>().map_or(0, |state| state.config.server.proxies);
        // The client may have sent any bytes; trusted proxies append their part.
        let forwarded = request.headers().get_all(FORWARDED).iter().map(|it| String::from_utf8_lossy(it.as_bytes()));
        let forwarded = forwarded.collect::<Vec<_>>().join(",");
        Ok(Self(LoginClient::new(proxies, peer, &forwarded)))
    }
}
