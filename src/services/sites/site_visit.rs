//! Visits of a site's pages, and the tickets that prove them.

use std::{sync::Arc, time::Duration};

use secrecy::SecretString;

use super::tickets::TicketPage;
use crate::domain::tenant::{Site, TicketVisitor};

/// The page that requests a ticket, as its browser says.
#[derive(Clone, Copy, Debug)]
pub struct RequestingPage<'a> {
    /// The origin of the page; `None` if the request names none.
    pub origin: Option<&'a str>,
    /// Whether it is a page of this server.
    pub is_own: bool,
}

/// A ticket for a page.
#[derive(Debug)]
pub struct NewTicket {
    /// The ticket.
    pub text: SecretString,
    /// The time for which it is valid.
    pub lifetime: Duration,
}

/// A visitor of a site, as a ticket proves it.
#[derive(Clone, Debug)]
pub struct SiteVisit {
    /// The site.
    pub site: Arc<Site>,
    /// The page that has requested the ticket.
    pub page: TicketPage,
    /// The visitor.
    pub visitor: TicketVisitor,
}

/// The reason why a page gets no ticket.
#[derive(Debug, thiserror::Error)]
pub enum TicketRefusal {
    /// There is no such site.
    #[error("there is no site with this id")]
    NoSite,
    /// The page is of an origin that the site does not have.
    #[error("the site does not have the origin of the page")]
    OriginNotListed,
    /// The address has requested too many tickets.
    #[error("one address has requested too many tickets")]
    TooMany {
        /// The time to wait.
        retry_after: Duration,
    },
    /// The ticket cannot be encoded.
    #[error(transparent)]
    Encoding(#[from] serde_json::Error),
}
