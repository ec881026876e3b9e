//! How tickets are issued and verified.

use std::time::Instant;

use super::{
    Sites,
    site_visit::{NewTicket, SiteVisit, TicketRefusal},
    tickets::{BadTicket, LIFETIME, TicketContent},
};
use crate::domain::{
    client_ip::ClientIp,
    tenant::{Site, TenantName, TicketVisitor},
};

impl Sites {
    /// Returns a ticket for a page of this origin. `previous` is the page's last ticket: the new one names the same visitor,
    /// unless that one is of another page, or has expired a long time ago.
    pub fn issue_ticket(
        &self,
        site: &str,
        origin: Option<&str>,
        previous: Option<&str>,
        address: ClientIp,
    ) -> Result<NewTicket, TicketRefusal> {
        let inner = &*self.0;
        let admitted = inner.ticket_rate.admit(address, Instant::now());
        admitted.map_err(|retry_after| TicketRefusal::TooMany { retry_after })?;
        let site = TenantName::parse(site).and_then(|id| self.get(id)).ok_or(TicketRefusal::NoSite)?;
        let origin = origin.filter(|origin| has_origin(&site, origin)).ok_or(TicketRefusal::OriginNotListed)?;
        let renewed = previous.and_then(|ticket| inner.tickets.renewable(ticket));
        let renewed = renewed.filter(|it| it.site == site.settings.id && it.origin == origin);
        let visitor = renewed.map_or_else(TicketVisitor::generate, |previous| previous.visitor);
        let content = TicketContent { site: site.settings.id, origin: origin.to_owned(), visitor };
        Ok(NewTicket { text: inner.tickets.issue(&content)?, lifetime: LIFETIME })
    }

    /// Returns what a ticket proves. A ticket is invalid once its site, or the site's origin, is gone.
    pub fn visit(&self, ticket: &str) -> Result<SiteVisit, BadTicket> {
        let TicketContent { site, origin, visitor } = self.0.tickets.verify(ticket)?;
        let site = self.get(site).filter(|site| has_origin(site, &origin)).ok_or(BadTicket::Invalid)?;
        Ok(SiteVisit { site, origin, visitor })
    }
}

fn has_origin(site: &Site, origin: &str) -> bool {
    site.settings.origins.iter().any(|own| own.matches(origin))
}
