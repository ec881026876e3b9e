//! The groups of counts to which the same list of limits applies.

use std::{collections::HashMap, fmt};

use super::scope::LimitScope;
use crate::{
    domain::tenant::{Tenant, TenantName},
    foundation::config::{LimitList, Limits, ScopeLimits},
};

/// The counts to which one list of limits applies: those of a scope by the settings, or those of a scope that belong to a
/// tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LimitGroup {
    /// The scope.
    pub scope: LimitScope,
    /// The site, or for [`LimitScope::Key`] the API key; `None` for the counts of everybody without such limits.
    pub tenant: Option<TenantName>,
}

impl LimitGroup {
    /// Parses the form in which the group is shown.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (scope, tenant) = text.split_once('@').map_or((text, None), |(scope, tenant)| (scope, Some(tenant)));
        let tenant = tenant.map(|tenant| TenantName::parse(tenant).ok_or(())).transpose().ok()?;
        Some(Self { scope: LimitScope::parse(scope)?, tenant })
    }
}

impl fmt::Display for LimitGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.scope.as_str())?;
        self.tenant.map_or(Ok(()), |tenant| write!(f, "@{tenant}"))
    }
}

/// A list of limits, and the counts to which it applies.
#[derive(Clone, Copy, Debug)]
pub(super) struct GroupLimits<'a> {
    pub(super) group: LimitGroup,
    pub(super) list: &'a LimitList,
    /// Whether the limits are defaults, which don't apply to requests of this machine.
    pub(super) is_default: bool,
}

/// Returns the limits of a scope for turns on behalf of a tenant, or of nobody else; `None` if the scope does not apply to them.
/// A server asks for many people, so that for an API key only the key and all together are limited.
pub(super) fn limits_for<'a>(
    scope: LimitScope,
    tenant: Option<&'a Tenant>,
    settings: &'a Limits,
) -> Option<GroupLimits<'a>> {
    let own = match (scope, tenant) {
        (LimitScope::Visitor, Some(Tenant::Site(site))) => site.settings.limits.visitor.as_ref(),
        (LimitScope::Address, Some(Tenant::Site(site))) => site.settings.limits.address.as_ref(),
        (LimitScope::Site, Some(Tenant::Site(site))) => Some(&site.settings.limits.site),
        (LimitScope::Key, Some(Tenant::Key(terms))) => terms.limits.as_ref(),
        (LimitScope::Visitor | LimitScope::Address, Some(Tenant::Key(_))) | (LimitScope::Key, _) => return None,
        _ => None,
    };
    let name = tenant.map(Tenant::name);
    if let Some(list) = own {
        return Some(GroupLimits { group: LimitGroup { scope, tenant: name }, list, is_default: false });
    }
    let ScopeLimits { list, is_default } = scope.limits(settings)?;
    // Each API key is counted by itself, whichever limits it has.
    let tenant = name.filter(|_| scope == LimitScope::Key);
    Some(GroupLimits { group: LimitGroup { scope, tenant }, list, is_default: *is_default })
}

/// Returns the lists of all groups that these tenants, and those who ask on their own behalf, can belong to.
pub(super) fn all_lists<'a>(tenants: &'a [Tenant], settings: &'a Limits) -> HashMap<LimitGroup, &'a LimitList> {
    let tenants = tenants.iter().map(Some).chain([None]);
    let limits = tenants.flat_map(|tenant| LimitScope::all().map(move |scope| limits_for(scope, tenant, settings)));
    limits.flatten().map(|limits| (limits.group, limits.list)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_shown_and_parsed() {
        for text in ["visitor", "total", "visitor@shop", "key@api.v2_x", "site@shop-2"] {
            assert_eq!(LimitGroup::parse(text).map(|group| group.to_string()).as_deref(), Some(text));
        }
        for text in ["", "visitors", "visitor@", "visitor@Shop", "@shop", "visitor@a@b"] {
            assert_eq!(LimitGroup::parse(text), None, "{text}");
        }
    }
}
