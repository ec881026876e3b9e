//! The other session logs of a database than the one that is compared: a line that this one lacks may be in one of them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use uuid::Uuid;

use super::{database::Transaction, failure::StorageFailure, statement::sql};

/// Other session logs, by the processes that have written them. Processes without turns that have stopped are not known for long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OtherLogs {
    /// Whether several processes may use the database at once.
    pub is_shared: bool,
    /// All processes that are known.
    pub processes: BTreeSet<Uuid>,
    /// Those that count as alive.
    pub alive: BTreeSet<Uuid>,
    /// The dates of their turns, in their own time zones; not those of turns from before `summed_from`.
    pub days: BTreeSet<Date>,
    /// The first process of each log of whose turns the dates are known.
    pub summed_from: BTreeSet<Uuid>,
    /// Whether there is a log without such a process.
    pub has_unsummed: bool,
}

/// Reads the processes and days of all session logs but `log`, which is a log's id.
pub(super) async fn fetch(transaction: &mut Transaction, log: &str) -> Result<OtherLogs, StorageFailure> {
    let is_shared = matches!(transaction, Transaction::Postgres(..));
    let mut others = OtherLogs { is_shared, ..OtherLogs::default() };
    let begins: Vec<(String, String)> = sql("SELECT log, instance FROM log_totals_since WHERE log <> $1")
        .bind(log)
        .fetch_all(&mut *transaction)
        .await?;
    let begins = begins.into_iter().collect::<BTreeMap<_, _>>();
    others.summed_from = begins.values().filter_map(|instance| instance.parse().ok()).collect();
    let totals: Vec<(String, String)> =
        sql("SELECT DISTINCT instance, day FROM log_totals WHERE log <> $1 AND log <> ''")
            .bind(log)
            .fetch_all(&mut *transaction)
            .await?;
    for (instance, day) in totals {
        others.processes.extend(instance.parse::<Uuid>());
        others.days.extend(day.parse::<Date>());
    }
    let counted: Vec<(String, String)> =
        sql("SELECT log, instance FROM log_instances WHERE log <> $1").bind(log).fetch_all(&mut *transaction).await?;
    others.has_unsummed = counted.iter().any(|(log, _)| !begins.contains_key(log));
    let instances = counted.iter().map(|(_, instance)| instance).chain(begins.values());
    others.processes.extend(instances.filter_map(|instance| instance.parse::<Uuid>().ok()));
    let alive: Vec<(String,)> = sql("SELECT id FROM replicas WHERE id NOT LIKE $1")
        .bind(format!("{log}.%"))
        .fetch_all(&mut *transaction)
        .await?;
    // The id of a replica is that of its log and that of the process.
    let alive = alive.iter().filter_map(|(id,)| id.rsplit_once('.')?.1.parse::<Uuid>().ok());
    others.alive = alive.collect();
    others.processes.extend(&others.alive);
    Ok(others)
}
