//! The scopes of limits: the groups of turns that are counted together.

use crate::foundation::config::{Limits, ScopeLimits};

/// A scope of limits. A turn is counted in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LimitScope {
    /// The turns of one visitor.
    Visitor,
    /// The turns from one address.
    Address,
    /// All turns.
    Total,
}

impl LimitScope {
    /// All scopes, the narrowest first.
    pub const ALL: [Self; 3] = [Self::Visitor, Self::Address, Self::Total];

    /// Returns the limits that the settings have for this scope.
    #[must_use]
    pub fn limits(self, settings: &Limits) -> &ScopeLimits {
        match self {
            Self::Visitor => &settings.visitor,
            Self::Address => &settings.address,
            Self::Total => &settings.total,
        }
    }

    /// Returns the name used on the wire and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Visitor => "visitor",
            Self::Address => "address",
            Self::Total => "total",
        }
    }

    /// Parses the name used in the database.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }
}
