//! Tenants: the sites that embed the chat window, and the API keys of servers. A turn on behalf of a tenant has the tenant's
//! limits and models.

mod pause;

use std::{fmt, sync::Arc};

pub use self::pause::{PausedBy, SitePause, SpendingPause};
use crate::foundation::config::{LimitList, SiteSettings};
pub use crate::foundation::config::{SiteLimits, TenantName};

/// On whose behalf a request asks, beside the visitor.
#[derive(Clone, Debug)]
pub enum Tenant {
    /// A site whose page embeds the chat window.
    Site(Arc<Site>),
    /// A server, by its API key.
    Key(Arc<ApiKeyTerms>),
}

/// A site whose pages embed the chat window.
#[derive(Debug)]
pub struct Site {
    /// What the configuration file says of the site.
    pub settings: SiteSettings,
    /// Whether the site is paused. A site that is read again has the same one.
    pub pause: Arc<SitePause>,
}

/// A visitor of a site, as the visitor's tickets name it: a random number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TicketVisitor(u128);

impl TicketVisitor {
    /// Generates a visitor.
    #[must_use]
    pub fn generate() -> Self {
        Self(rand::random())
    }

    /// Parses the form in which a visitor is shown.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        u128::from_str_radix(text, 16).ok().map(Self)
    }

    /// Returns the bytes of the number.
    #[must_use]
    pub fn bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }
}

impl fmt::Display for TicketVisitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// What an API key may do.
#[derive(Debug)]
pub struct ApiKeyTerms {
    /// The key's name, which no other key has.
    pub name: TenantName,
    /// The limits of the key, instead of `LIMIT_KEY`.
    pub limits: Option<LimitList>,
    /// The models that may answer, at least one; `None` for all that clients may choose.
    pub models: Option<Vec<String>>,
}

impl Tenant {
    /// Returns the site.
    #[must_use]
    pub fn site(&self) -> Option<&Site> {
        match self {
            Self::Site(site) => Some(site),
            Self::Key(_) => None,
        }
    }

    /// Returns the id of the site or the name of the API key.
    #[must_use]
    pub fn name(&self) -> TenantName {
        match self {
            Self::Site(site) => site.settings.id,
            Self::Key(terms) => terms.name,
        }
    }

    /// Returns the models that may answer; `None` for all that clients may choose.
    #[must_use]
    pub fn models(&self) -> Option<&[String]> {
        match self {
            Self::Site(site) => site.settings.models.as_deref(),
            Self::Key(terms) => terms.models.as_deref(),
        }
    }

    /// Whether a model may answer: the tenant has it, or does not name its models.
    #[must_use]
    pub fn may_use(&self, model: &str) -> bool {
        self.models().is_none_or(|own| own.iter().any(|it| it == model))
    }
}
