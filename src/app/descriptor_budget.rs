//! The share of the process's file descriptors that connections may take.
//!
//! A turn takes two: one for its client and one for the model, and one for each hook. Without a limit, clients would take those of the model, the
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
    descriptors::small_share(descriptors::limit()).min(MAX_EXTRA_CONNECTIONS)
}

/// Lowers `MAX_CONNECTIONS` and `MAX_TURNS` to what the limit of descriptors has room for, with a warning.
pub(super) fn apply(config: &mut Config) {
    let limit = descriptors::limit();
    let room = connections_of_turns(limit, database(config));
    let (max_connections, max_turns) = (config.server.max_connections, config.turns.max_turns);
    let (connections, turns) = lowered(max_connections, max_turns, room, 1 + hooks(config));
    if (connections, turns) != (max_connections, max_turns) {
        tracing::warn!(
            "the limit of open files, {limit}, has room for {connections} connections and {turns} turns at a time, instead \
             of MAX_CONNECTIONS ({max_connections}) and MAX_TURNS ({max_turns}); for more, raise the limit (ulimit -n, \
             LimitNOFILE)"
        );
    }
    (config.server.max_connections, config.turns.max_turns) = (connections, turns);
}

fn database(config: &Config) -> usize {
    match config.database.address {
        DatabaseAddress::Sqlite(_) => SQLITE,
        DatabaseAddress::Postgres(_) => config.database.connections as usize + POSTGRES_EXTRA,
    }
}

/// Returns the number of hooks that turns call, each of which is called at most as often at a time as there are turns.
fn hooks(config: &Config) -> usize {
    usize::from(config.hooks.guard.is_some()) + usize::from(config.hooks.context.is_some())
}

/// Returns the number of descriptors for connections to clients, to the model and to hooks. An eighth is left for connections to the
/// model that are being opened or closed.
fn connections_of_turns(limit: usize, database: usize) -> usize {
    let share = descriptors::small_share(limit);
    // Papita gets one share for usage records, and one connection for the key.
    let others = OWN + database + share + 1 + share.min(MAX_EXTRA_CONNECTIONS);
    let left = limit.saturating_sub(others);
    left - left / 8
}

/// Returns the numbers of connections and of turns for which there is room, at least one. A turn needs a connection of a client,
/// too, besides its `calls` to the model and to hooks.
fn lowered(connections: usize, turns: usize, room: usize, calls: usize) -> (usize, usize) {
    let turns = turns.min((room / (1 + calls)).max(1));
    (connections.min(room.saturating_sub(turns * calls).max(1)), turns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_has_room_for_clients_model_and_files() {
        let room = |limit| connections_of_turns(limit, SQLITE);
        let lowered = |limit, database| lowered(10_000, 5000, connections_of_turns(limit, database), 1);
        assert_eq!(lowered(10, SQLITE), (1, 1));
        assert_eq!(lowered(64, SQLITE), (9, 9));
        assert_eq!(lowered(1024, SQLITE), (391, 390));
        assert_eq!(lowered(16_384, SQLITE), (8381, 5000));
        assert_eq!(lowered(20_000, 1000), (10_000, 5000));
        assert_eq!(lowered(usize::MAX, SQLITE), (10_000, 5000));
        // With a hook, which each turn may call while the model answers.
        assert_eq!(super::lowered(10_000, 5000, room(1024), 2), (261, 260));
        assert_eq!(super::lowered(10_000, 5000, room(10), 2), (1, 1));
    }
}
