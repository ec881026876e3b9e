//! Tenants: the sites that embed the chat window, and the API keys of servers. A turn on behalf of a tenant has the tenant's
//! limits and models.

use std::sync::Arc;

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
}
