//! Embed tickets: they prove that a visitor has come by a page of a site, and name the visitor.
//!
//! A ticket is `alt_`, a JSON text in Base64, a dot, and the HMAC-SHA256 of what is before the dot. All replicas share the secret,
//! so no database is read. `ring` compares in constant time.

use std::{fmt, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use jiff::Timestamp;
use ring::hmac;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::{
    domain::tenant::{TenantName, TicketVisitor},
    foundation::{clock::Clock, secret::SigningSecret},
};

/// The prefix of all embed tickets.
pub const TICKET_PREFIX: &str = "alt_";

/// The time for which a ticket is valid.
pub(super) const LIFETIME: Duration = Duration::from_mins(15);

/// The time after the end of a ticket for which it can be renewed as the same visitor: a computer may have slept.
const RENEWABLE: Duration = Duration::from_hours(1);

/// The largest ticket, in bytes. Origins have at most some 300 characters.
const MAX_BYTES: usize = 2048;

/// The name of this server's own pages in a ticket, which is no origin.
const OWN_PAGE: &str = "self";

/// The page that a ticket is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TicketPage {
    /// A page of this server, such as one that the site shows in a frame.
    Own,
    /// A page of this origin, as browsers send it.
    Of(String),
}

/// What a ticket says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TicketContent {
    pub(super) site: TenantName,
    pub(super) page: TicketPage,
    pub(super) visitor: TicketVisitor,
}

/// A ticket in JSON.
#[derive(Deserialize, Serialize)]
struct Claims<'a> {
    site: &'a str,
    origin: &'a str,
    visitor: &'a str,
    /// The end, in seconds since 1970.
    exp: i64,
}

/// The reason why a ticket is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTicket {
    /// It was not issued by this server, or its site or origin is not in the configuration file any more.
    #[error("the ticket was not issued by this server, or its site is gone")]
    Invalid,
    /// It has expired.
    #[error("the ticket has expired")]
    Expired,
}

/// Issues and verifies tickets.
pub(super) struct Tickets {
    key: hmac::Key,
    clock: Clock,
}

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tickets")
    }
}

impl Tickets {
    pub(super) fn new(secret: &SigningSecret, clock: Clock) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes()), clock }
    }

    /// Issues a ticket, which is valid for [`LIFETIME`].
    pub(super) fn issue(&self, content: &TicketContent) -> Result<SecretString, serde_json::Error> {
        let (site, visitor) = (content.site.as_str(), content.visitor.to_string());
        let exp = (self.clock.now() + LIFETIME).as_second();
        let origin = match &content.page {
            TicketPage::Own => OWN_PAGE,
            TicketPage::Of(origin) => origin,
        };
        let claims = Claims { site, origin, visitor: &visitor, exp };
        let signed = format!("{TICKET_PREFIX}{}", BASE64.encode(serde_json::to_vec(&claims)?));
        let signature = hmac::sign(&self.key, signed.as_bytes());
        Ok(SecretString::from(format!("{signed}.{}", BASE64.encode(signature.as_ref()))))
    }

    /// Returns what a ticket says.
    pub(super) fn verify(&self, ticket: &str) -> Result<TicketContent, BadTicket> {
        let (content, expires_at) = self.read(ticket).ok_or(BadTicket::Invalid)?;
        if expires_at <= self.clock.now() { Err(BadTicket::Expired) } else { Ok(content) }
    }

    /// Returns what a ticket says, also if it has expired a short time ago.
    pub(super) fn renewable(&self, ticket: &str) -> Option<TicketContent> {
        let (content, expires_at) = self.read(ticket)?;
        (self.clock.now() - RENEWABLE < expires_at).then_some(content)
    }

    fn read(&self, ticket: &str) -> Option<(TicketContent, Timestamp)> {
        if ticket.len() > MAX_BYTES {
            return None;
        }
        let (signed, signature) = ticket.rsplit_once('.')?;
        let signature = BASE64.decode(signature).ok()?;
        hmac::verify(&self.key, signed.as_bytes(), &signature).ok()?;
        let json = BASE64.decode(signed.strip_prefix(TICKET_PREFIX)?).ok()?;
        let claims: Claims<'_> = serde_json::from_slice(&json).ok()?;
        let content = TicketContent {
            site: TenantName::parse(claims.site)?,
            page: if claims.origin == OWN_PAGE { TicketPage::Own } else { TicketPage::Of(claims.origin.to_owned()) },
            visitor: TicketVisitor::parse(claims.visitor)?,
        };
        Some((content, Timestamp::from_second(claims.exp).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicI64, Ordering::SeqCst},
    };

    use jiff::tz::TimeZone;
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    use super::*;

    const NOW: i64 = 1_780_000_000;

    fn tickets_at(now: &Arc<AtomicI64>) -> Tickets {
        let now = Arc::clone(now);
        let clock = Clock::from_fn(move || Timestamp::from_second(now.load(SeqCst)).unwrap(), TimeZone::UTC);
        Tickets::new(&SigningSecret::generate(), clock)
    }

    fn content() -> TicketContent {
        let (site, page) = (TenantName::parse("shop").unwrap(), TicketPage::Of("https://shop.example".to_owned()));
        TicketContent { site, page, visitor: TicketVisitor::generate() }
    }

    #[test]
    fn a_ticket_can_be_renewed_for_an_hour_after_its_end() {
        let now = Arc::new(AtomicI64::new(NOW));
        let (tickets, content) = (tickets_at(&now), content());
        let ticket = tickets.issue(&content).unwrap();
        let ticket = ticket.expose_secret();
        assert!(ticket.starts_with("alt_"));
        for (seconds, verified, is_renewable) in [
            (0, Ok(content.clone()), true),
            (899, Ok(content.clone()), true),
            (900, Err(BadTicket::Expired), true),
            (4499, Err(BadTicket::Expired), true),
            (4500, Err(BadTicket::Expired), false),
        ] {
            now.store(NOW + seconds, SeqCst);
            assert_eq!(tickets.verify(ticket), verified, "{seconds}");
            assert_eq!(tickets.renewable(ticket).is_some(), is_renewable, "{seconds}");
        }
    }

    #[test]
    fn a_ticket_for_an_own_page_is_for_no_origin() {
        let tickets = tickets_at(&Arc::new(AtomicI64::new(NOW)));
        let content = TicketContent { page: TicketPage::Own, ..content() };
        let ticket = tickets.issue(&content).unwrap();
        assert_eq!(tickets.verify(ticket.expose_secret()), Ok(content));
    }

    #[test]
    fn tickets_of_other_servers_are_invalid() {
        let now = Arc::new(AtomicI64::new(NOW));
        let ticket = tickets_at(&now).issue(&content()).unwrap();
        assert_eq!(tickets_at(&now).verify(ticket.expose_secret()), Err(BadTicket::Invalid));
        for text in ["", "alt_", "alt_.", ".", &"a".repeat(10_000)] {
            assert_eq!(tickets_at(&now).verify(text), Err(BadTicket::Invalid), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_ticket_that_was_changed_anywhere_is_invalid(index in 0..150_usize, inserted in "[A-Za-z0-9_.-]") {
            let tickets = tickets_at(&Arc::new(AtomicI64::new(NOW)));
            let ticket = tickets.issue(&content()).unwrap();
            let ticket = ticket.expose_secret();
            let changed = format!("{}{inserted}{}", &ticket[..index], &ticket[index + 1..]);
            if changed != *ticket {
                prop_assert_eq!(tickets.verify(&changed), Err(BadTicket::Invalid));
            }
        }
    }
}
