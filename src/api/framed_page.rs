//! The page that a site may show in a frame.

use poem::{Endpoint, Request, Response, http::header};
use url::form_urlencoded;

use super::page_policy::policy;
use crate::{domain::tenant::TenantName, services::sites::Sites};

/// Adds to a page the policy that lets the site of the request's parameter `site` show it in a frame. It is made for each
/// response, since sites change while the service runs. It names no other sites, as anybody can read it.
pub(super) struct FramedPage<P> {
    pub(super) page: P,
    pub(super) sites: Sites,
}

impl<P: Endpoint<Output = Response>> Endpoint for FramedPage<P> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let site = site_of(&request).and_then(|id| self.sites.get(id));
        let mut response = self.page.call(request).await?;
        if let Some(policy) = policy(site.iter().flat_map(|site| &site.settings.origins)) {
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        Ok(response)
    }
}

fn site_of(request: &Request) -> Option<TenantName> {
    let query = request.uri().query()?;
    let (_, id) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "site")?;
    TenantName::parse(&id)
}
