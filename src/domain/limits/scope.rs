//! The scopes of limits: the groups of turns, sessions, requests for a person or ratings that are counted together.

use crate::foundation::config::{Limits, ScopeLimits};

/// A scope of limits. A turn is counted in each that applies to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LimitScope {
    /// The turns of one visitor.
    Visitor,
    /// The turns from one address.
    Address,
    /// The turns of one site's visitors.
    Site,
    /// The turns of one API key.
    Key,
    /// All turns.
    Total,
    /// The sessions that one address starts, which are no turns.
    Sessions,
    /// The requests for a person that come from one address.
    Handovers,
    /// The ratings of answers that come from one address.
    Feedback,
}

impl LimitScope {
    /// All scopes of turns, the narrowest first.
    pub const OF_TURNS: [Self; 5] = [Self::Visitor, Self::Address, Self::Site, Self::Key, Self::Total];

    /// The scopes of what an address asks for beside turns.
    pub const OF_ADDRESSES: [Self; 3] = [Self::Sessions, Self::Handovers, Self::Feedback];

    /// Returns all scopes.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::OF_TURNS.into_iter().chain(Self::OF_ADDRESSES)
    }

    /// Returns the limits that the settings have for this scope; `None` where only tenants have limits of their own.
    #[must_use]
    pub fn limits(self, settings: &Limits) -> Option<&ScopeLimits> {
        match self {
            Self::Visitor => Some(&settings.visitor),
            Self::Address => Some(&settings.address),
            Self::Site => None,
            Self::Key => Some(&settings.key),
            Self::Total => Some(&settings.total),
            Self::Sessions => Some(&settings.sessions),
            Self::Handovers => Some(&settings.handovers),
            Self::Feedback => Some(&settings.feedback),
        }
    }

    /// Returns the name used on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Visitor => "visitor",
            Self::Address => "address",
            Self::Site => "site",
            Self::Key => "key",
            Self::Total => "total",
            Self::Sessions => "sessions",
            Self::Handovers => "handovers",
            Self::Feedback => "feedback",
        }
    }

    /// Parses the name used in the database.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::all().find(|scope| scope.as_str() == name)
    }
}
