//! The detection of dead replicas by heartbeats that do not change.

use std::collections::HashMap;

/// The number of looks in a row at which a heartbeat is found unchanged before its replica counts as dead. The looks are at
/// least five seconds apart, so a dead replica is detected within 30 seconds.
///
/// Looks are counted instead of time, because nobody sends heartbeats while the database or the whole machine stands still.
const MAX_UNCHANGED_LOOKS: u32 = 5;

/// The last heartbeats of other replicas.
#[derive(Debug, Default)]
pub(super) struct ObservedHeartbeats(HashMap<String, Heartbeat>);

#[derive(Debug)]
struct Heartbeat {
    /// A number that differs for each heartbeat.
    number: i64,
    /// The number of looks since this heartbeat was first seen.
    unchanged_looks: u32,
}

impl ObservedHeartbeats {
    /// Takes the ids of all other replicas with the numbers of their heartbeats. Returns those that count as dead.
    pub(super) fn replace(&mut self, replicas: Vec<(String, i64)>) -> Vec<(String, i64)> {
        let mut before = std::mem::take(&mut self.0);
        let mut dead = Vec::new();
        for (id, number) in replicas {
            let known = before.remove(&id).filter(|heartbeat| heartbeat.number == number);
            let unchanged_looks = known.map_or(0, |heartbeat| heartbeat.unchanged_looks + 1);
            if unchanged_looks >= MAX_UNCHANGED_LOOKS {
                dead.push((id.clone(), number));
            }
            self.0.insert(id, Heartbeat { number, unchanged_looks });
        }
        dead
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(observed: &mut ObservedHeartbeats, replicas: &[(&str, i64)]) -> Vec<String> {
        let replicas = replicas.iter().map(|(id, number)| ((*id).to_owned(), *number)).collect();
        observed.replace(replicas).into_iter().map(|(id, _)| id).collect()
    }

    #[test]
    fn a_replica_without_a_new_heartbeat_is_dead() {
        let mut observed = ObservedHeartbeats::default();
        for number in 0..5 {
            assert!(look(&mut observed, &[("dead", 100), ("alive", number)]).is_empty());
        }
        assert_eq!(look(&mut observed, &[("dead", 100), ("alive", 5)]), ["dead"]);
        // It could not be removed.
        assert_eq!(look(&mut observed, &[("dead", 100), ("alive", 6)]), ["dead"]);
    }

    #[test]
    fn a_changed_heartbeat_counts_whatever_its_value() {
        let mut observed = ObservedHeartbeats::default();
        for number in [7, 7, 7, 7, 7, -7, -7, -7, -7, -7, 0, 0, 0, 0, 0] {
            assert!(look(&mut observed, &[("slow", number)]).is_empty());
        }
        // A replica that was removed and returns is a new one.
        assert!(look(&mut observed, &[]).is_empty());
        assert!(look(&mut observed, &[("slow", 0)]).is_empty());
    }
}
