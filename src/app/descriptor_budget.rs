//! The share of the process's file descriptors that connections may take.
//!
//! A turn takes two: one for its client and one for the model. Without a limit, clients would take those of the model, the
//! database and the session log, and turns would fail for want of them.

use crate::foundation::{
    config::{Config, DatabaseAddress},
    descriptors,
};

/// The descriptors of the process itself: standard streams, runtime, signals, listener, session log, personas, name
/// lookups.
const OWN: usize = 18;

/// The descriptors of a SQLite database: two for each of its six connections, one each for the shared memory, a journal
/// and a sorted result, and two for the locks.
const SQLITE: usize = 17;

/// The connections to a PostgreSQL server besides `DATABASE_CONNECTIONS`.
const POSTGRES_EXTRA: usize = 2;

/// The most connections beyond `MAX_CONNECTIONS`, which are for health checks.
const MAX_EXTRA_CONNECTIONS: usize = 32;

/// Returns the number of connections beyond `MAX_CONNECTIONS` that are accepted for health checks.
pub(super) fn extra_connections() -> usize {
    descriptors::small_share().min(MAX_EXTRA_CONNECTIONS)
}

/// Lowers `MAX_CONNECTIONS` and `MAX_TURNS` to what the limit of descriptors has room for, with a warning.
pub(super) fn apply(config: &mut Config) {
    let limit = descriptors::limit();
    let pairs = client_and_model_pairs(limit, database(config));
    let (connections, turns) = (&mut config.server.max_connections, &mut config.turns.max_turns);
    if *connections <= pairs && *turns <= pairs {
        return;
    }
    tracing::warn!(
        "the limit of open files, {limit}, has room for {pairs} connections with a turn each, so MAX_CONNECTIONS \
         ({connections}) and MAX_TURNS ({turns}) count as {pairs} at most; for more, raise the limit (ulimit -n, \
         LimitNOFILE)"
    );
    *connections = pairs.min(*connections);
    *turns = pairs.min(*turns);
}

fn database(config: &Config) -> usize {
    match config.database.address {
        DatabaseAddress::Sqlite(_) => SQLITE,
        DatabaseAddress::Postgres(_) => config.database.connections as usize + POSTGRES_EXTRA,
    }
}

/// Returns the number of clients' connections for which there is also a connection to the model. An eighth is left for
/// connections to the model that are being opened or closed.
fn client_and_model_pairs(limit: usize, database: usize) -> usize {
    let share = (limit / 16).max(1);
    // Papita gets one share for usage records, and one connection for the key.
    let others = OWN + database + share + 1 + share.min(MAX_EXTRA_CONNECTIONS);
    let left = limit.saturating_sub(others);
    ((left - left / 8) / 2).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_has_room_for_clients_model_and_files() {
        assert_eq!(client_and_model_pairs(64, SQLITE), 9);
        assert_eq!(client_and_model_pairs(1024, SQLITE), 390);
        assert_eq!(client_and_model_pairs(10, SQLITE), 1);
        assert!(client_and_model_pairs(65_536, 1000) > 20_000);
        assert!(client_and_model_pairs(usize::MAX, SQLITE) > 1_000_000);
    }
}
