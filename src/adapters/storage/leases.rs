//! Leases for work that one replica at a time does. (The table's name is `duties`.)

use super::{failure::StorageFailure, handle::Storage, statement::sql};

impl Storage {
    /// Takes the lease of this name if no live replica holds it. Returns whether this replica holds it, from before or
    /// from now on. A database that is not shared has no other replica.
    pub async fn try_acquire_lease(&self, name: &str) -> Result<bool, StorageFailure> {
        if !self.is_shared() {
            return Ok(true);
        }
        let taken = sql("INSERT INTO duties (name, replica) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET replica = excluded.replica
             WHERE duties.replica = excluded.replica
                 OR NOT EXISTS (SELECT 1 FROM replicas WHERE id = duties.replica)")
        .bind(name)
        .bind(self.replica.id())
        .execute(&self.write)
        .await?;
        Ok(taken > 0)
    }
}
