//! The Papita addresses that have answered before.

use jiff::Timestamp;

use super::{failure::StorageFailure, handle::Storage, statement::sql};

impl Storage {
    /// Returns whether the Papita at an address has ever answered.
    pub async fn has_papita_answered(&self, url: &str) -> Result<bool, StorageFailure> {
        let row: Option<(i64,)> =
            sql("SELECT answered_at FROM papita_contacts WHERE url = $1").bind(url).fetch_optional(&self.read).await?;
        Ok(row.is_some())
    }

    /// Stores that the Papita at an address has answered.
    pub async fn record_papita_answer(&self, url: &str, now: Timestamp) -> Result<(), StorageFailure> {
        sql("INSERT INTO papita_contacts (url, answered_at) VALUES ($1, $2) ON CONFLICT (url) DO NOTHING")
            .bind(url)
            .bind(now.as_microsecond())
            .execute(&self.write)
            .await?;
        Ok(())
    }
}
