//! The IP address of a request's client.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use poem::{FromRequest, Request, RequestBody};

use crate::{
    api::AppState,
    domain::client_ip::{ClientIp, ClientOrigin},
};

/// The header in which proxies list the addresses of their clients.
const FORWARDED: &str = "x-forwarded-for";

/// The IP address of the client, behind as many trusted proxies as the settings name.
#[derive(Clone, Copy, Debug)]
pub(in crate::api) struct ClientAddress(pub(in crate::api) ClientIp);

/// Where a login or a registration comes from, also behind a proxy that the settings do not name.
#[derive(Clone, Copy, Debug)]
pub(in crate::api) struct Origin(pub(in crate::api) ClientOrigin);

impl<'a> FromRequest<'a> for ClientAddress {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> poem::Result<Self> {
        let Origin(origin) = Origin::from_request(request, body).await?;
        Ok(Self(origin.client))
    }
}

impl<'a> FromRequest<'a> for Origin {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        let peer = request.remote_addr().as_socket_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), SocketAddr::ip);
        let proxies = request.data::<AppState>().map_or(0, |state| state.config.server.proxies);
        // The client may have sent any bytes; trusted proxies append their part.
        let forwarded = request.headers().get_all(FORWARDED).iter().map(|it| String::from_utf8_lossy(it.as_bytes()));
        let forwarded = forwarded.collect::<Vec<_>>().join(",");
        Ok(Self(ClientOrigin::new(proxies, peer, &forwarded)))
    }
}
