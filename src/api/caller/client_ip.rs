//! Where a request comes from.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use poem::{FromRequest, Request, RequestBody};

use crate::api::AppState;
use crate::domain::client_ip::ClientIp;

/// What proxies say of the client they serve.
const FORWARDED: &str = "x-forwarded-for";

/// The address of the client, as far as the proxies in front can be believed.
#[derive(Clone, Copy, Debug)]
pub(in crate::api) struct ClientAddress(pub(in crate::api) ClientIp);

impl<'a> FromRequest<'a> for ClientAddress {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        let peer = request.remote_addr().as_socket_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), SocketAddr::ip);
        let proxies = request.data::<AppState>().map_or(0, |state| state.config.server.proxies);
        // Whatever bytes the client wrote, what the proxies added stands behind them.
        let forwarded = request.headers().get_all(FORWARDED).iter().map(|it| String::from_utf8_lossy(it.as_bytes()));
        let forwarded = forwarded.collect::<Vec<_>>().join(",");
        Ok(Self(ClientIp::from_forwarded(proxies, peer, &forwarded)))
    }
}
