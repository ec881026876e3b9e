//! How tickets are issued and verified.

use std::{sync::Arc, time::Instant};

use super::{
    Sites,
    site_visit::{NewTicket, RequestingPage, SiteVisit, TicketRefusal},
    tickets::{BadTicket, LIFETIME, TicketContent, TicketPage},
};
use crate::domain::{
    client_ip::ClientIp,
    tenant::{Site, TenantName, TicketVisitor},
};

impl Sites {
    /// Returns a ticket for a page of the site, or of this server. `previous` is the page's last ticket: the new one names the same
    /// visitor, unless that one is of another page, or has expired a long time ago.
    pub fn issue_ticket(
        &self,
        site: &str,
        page: RequestingPage<'_>,
        previous: Option<&str>,
        address: ClientIp,
    ) -> Result<NewTicket, TicketRefusal> {
        let inner = &*self.0;
        let admitted = inner.ticket_rate.admit(address, Instant::now());
        admitted.map_err(|retry_after| TicketRefusal::TooMany { retry_after })?;
        let site = TenantName::parse(site).and_then(|id| self.get(id)).ok_or(TicketRefusal::NoSite)?;
        let page = match page {
            RequestingPage { origin: Some(origin), .. } if has_origin(&site, origin) => {
                TicketPage::Of(origin.to_owned())
            }
            RequestingPage { is_own: true, .. } => TicketPage::Own,
            RequestingPage { .. } => return Err(TicketRefusal::OriginNotListed),
        };
        let renewed = previous.and_then(|ticket| inner.tickets.renewable(ticket));
        let renewed = renewed.filter(|it| it.site == site.settings.id && it.page == page);
        let visitor = renewed.map_or_else(TicketVisitor::generate, |previous| previous.visitor);
        let content = TicketContent { site: site.settings.id, page, visitor };
        Ok(NewTicket { text: inner.tickets.issue(&content)?, lifetime: LIFETIME })
    }

    /// Returns what a ticket proves. A ticket is invalid once its site, or the site's origin, is gone.
    pub fn visit(&self, ticket: &str) -> Result<SiteVisit, BadTicket> {
        let TicketContent { site, page, visitor } = self.0.tickets.verify(ticket)?;
        let has_page = |site: &Arc<Site>| match &page {
            TicketPage::Own => true,
            TicketPage::Of(origin) => has_origin(site, origin),
        };
        let site = self.get(site).filter(has_page).ok_or(BadTicket::Invalid)?;
        Ok(SiteVisit { site, page, visitor })
    }
}

fn has_origin(site: &Site, origin: &str) -> bool {
    site.settings.origins.iter().any(|own| own.matches(origin))
}
