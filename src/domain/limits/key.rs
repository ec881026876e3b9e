//! The keys of those whose usage is counted: hashes, so that neither memory nor the database holds an address or a session.

use std::fmt;

use super::{
    asker::{Asker, AskerId},
    group::LimitGroup,
    scope::LimitScope,
};
use crate::{domain::client_ip::ClientIp, foundation::secret::SigningSecret};

/// The context from which BLAKE3 derives the key: unique in the world, and never changed.
const KEY_CONTEXT: &str = "AL-Chat 2026-11-30 hashes of those whose usage is limited";

/// Whose usage is counted: a visitor, an address, a site, an API key, or all together; or whose sessions or requests for a
/// person; and which limits apply to the count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LimitKey {
    pub(super) group: LimitGroup,
    pub(super) hash: u128,
}

impl LimitKey {
    /// Returns the scope.
    #[must_use]
    pub fn scope(self) -> LimitScope {
        self.group.scope
    }

    /// Parses the form of the database.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (group, hash) = text.split_once(':')?;
        Some(Self { group: LimitGroup::parse(group)?, hash: u128::from_str_radix(hash, 16).ok()? })
    }
}

impl fmt::Display for LimitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:032x}", self.group, self.hash)
    }
}

/// Makes keys, by a secret that all replicas share.
pub(super) struct LimitKeys([u8; blake3::KEY_LEN]);

impl fmt::Debug for LimitKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LimitKeys").finish_non_exhaustive()
    }
}

impl LimitKeys {
    pub(super) fn new(secret: &SigningSecret) -> Self {
        Self(blake3::derive_key(KEY_CONTEXT, secret.expose().as_bytes()))
    }

    /// Returns the key of whoever asks in a group.
    pub(super) fn key(&self, group: LimitGroup, asker: &Asker) -> LimitKey {
        let hash = match (group.scope, &asker.id) {
            // The group has one count only.
            (LimitScope::Site | LimitScope::Key | LimitScope::Total, _) => 0,
            (LimitScope::Visitor, AskerId::Account(owner)) => self.hash("account", &owner.0.to_le_bytes()),
            (LimitScope::Visitor, AskerId::Cookie(hash)) => self.hash("cookie", hash.as_bytes()),
            (LimitScope::Visitor, AskerId::Ticket(visitor)) => self.hash("ticket", &visitor.bytes()),
            (LimitScope::Visitor, AskerId::Session(id)) => self.hash("session", id.as_str().as_bytes()),
            (LimitScope::Visitor, AskerId::Address)
            | (LimitScope::Address | LimitScope::Sessions | LimitScope::Handovers | LimitScope::Feedback, _) => {
                self.address_hash(asker.address)
            }
        };
        LimitKey { group, hash }
    }

    /// Returns the key of an address whose sessions, requests for a person, or ratings are counted.
    pub(super) fn of_address(&self, scope: LimitScope, address: ClientIp) -> LimitKey {
        let group = LimitGroup { scope, tenant: None };
        LimitKey { group, hash: self.address_hash(address) }
    }

    fn address_hash(&self, address: ClientIp) -> u128 {
        self.hash("address", &address.octets())
    }

    fn hash(&self, kind: &str, identity: &[u8]) -> u128 {
        let hash = blake3::keyed_hash(&self.0, &[kind.as_bytes(), &[0], identity].concat());
        let (half, _) = hash.as_bytes().split_at(16);
        half.iter().fold(0, |number, byte| number << 8 | u128::from(*byte))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::domain::{
        account::OwnerId,
        client_ip::ClientIp,
        session::SessionId,
        tenant::{TenantName, TicketVisitor},
    };

    fn asker(id: AskerId, address: [u8; 4]) -> Asker {
        Asker { id, address: ClientIp::from_peer(address.into()), is_local: false, tenant: None }
    }

    fn group(scope: LimitScope, tenant: Option<&str>) -> LimitGroup {
        LimitGroup { scope, tenant: tenant.map(|name| TenantName::parse(name).unwrap()) }
    }

    #[test]
    fn each_visitor_and_each_address_has_its_own_key_everywhere() {
        let secret = SigningSecret::generate();
        let (keys, same) =
            (LimitKeys::new(&secret), LimitKeys::new(&SigningSecret::stored(secret.expose().to_owned())));
        let session = |id: &str| AskerId::Session(SessionId::parse(id).unwrap());
        let (visitor, address) = (group(LimitScope::Visitor, None), group(LimitScope::Address, None));
        let ids = [
            AskerId::Account(OwnerId(7)),
            AskerId::Cookie("7".to_owned()),
            session("7"),
            session("8"),
            AskerId::Ticket(TicketVisitor::generate()),
            AskerId::Address,
        ];
        let askers = ids.map(|id| asker(id, [192, 0, 2, 1]));
        let visitors = askers.iter().map(|asker| keys.key(visitor, asker)).collect::<HashSet<_>>();
        assert_eq!(visitors.len(), askers.len());
        let addresses = askers.iter().map(|asker| keys.key(address, asker)).collect::<HashSet<_>>();
        assert_eq!(addresses.len(), 1);
        for asker in &askers {
            let key = keys.key(visitor, asker);
            assert_eq!(key, same.key(visitor, asker));
            assert_eq!(LimitKey::parse(&key.to_string()), Some(key));
            assert_ne!(key, LimitKeys::new(&SigningSecret::generate()).key(visitor, asker));
        }
        let other = keys.key(address, &asker(AskerId::Address, [192, 0, 2, 2]));
        assert!(!addresses.contains(&other));
    }

    #[test]
    fn each_site_counts_its_visitors_by_itself() {
        let keys = LimitKeys::new(&SigningSecret::generate());
        let visitor = asker(AskerId::Cookie("7".to_owned()), [192, 0, 2, 1]);
        let tenants = [None, Some("shop"), Some("blog")];
        let counted = tenants.map(|tenant| keys.key(group(LimitScope::Visitor, tenant), &visitor));
        assert_eq!(counted.iter().collect::<HashSet<_>>().len(), 3);
        for key in counted {
            assert_eq!(LimitKey::parse(&key.to_string()), Some(key));
        }
        assert!(counted[1].to_string().starts_with("visitor@shop:"));
    }
}
