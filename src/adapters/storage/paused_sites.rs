//! The table `paused_sites`: the sites that the operator has paused.

use super::{failure::StorageFailure, handle::Storage, statement::sql};

impl Storage {
    /// Returns the ids of the sites that are paused.
    pub async fn paused_sites(&self) -> Result<Vec<String>, StorageFailure> {
        let rows: Vec<(String,)> = sql("SELECT site FROM paused_sites").fetch_all(&self.write).await?;
        Ok(rows.into_iter().map(|(site,)| site).collect())
    }

    /// Stores that a site is paused.
    pub async fn pause_site(&self, site: &str) -> Result<(), StorageFailure> {
        sql("INSERT INTO paused_sites (site) VALUES ($1) ON CONFLICT (site) DO NOTHING")
            .bind(site)
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Stores that a site is not paused.
    pub async fn resume_site(&self, site: &str) -> Result<(), StorageFailure> {
        sql("DELETE FROM paused_sites WHERE site = $1").bind(site).execute(&self.write).await?;
        Ok(())
    }
}
