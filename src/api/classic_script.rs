//! The choice between a module and a classic script at one URL.

use poem::{
    Endpoint, Request, Response,
    http::{HeaderValue, header},
};

const FETCH_MODE: &str = "sec-fetch-mode";

/// Answers a `<script>` without `type="module"` with a script of its own, as modules are a syntax error there.
///
/// Browsers request modules with CORS, and such scripts without (except with the attribute `crossorigin`). They say so in
/// `Sec-Fetch-Mode`, to https and local servers only.
pub(super) struct ModuleOrClassic<M, C> {
    pub(super) module: M,
    pub(super) classic: C,
}

impl<M, C> Endpoint for ModuleOrClassic<M, C>
where
    M: Endpoint<Output = Response>,
    C: Endpoint<Output = Response>,
{
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let mut response = match request.header(FETCH_MODE) {
            Some("no-cors") => self.classic.call(request).await?,
            _ => self.module.call(request).await?,
        };
        response.headers_mut().append(header::VARY, HeaderValue::from_static(FETCH_MODE));
        Ok(response)
    }
}
