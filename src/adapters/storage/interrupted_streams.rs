//! Open streams on record, and those that the end of earlier processes has left.

use std::collections::BTreeSet;

use super::{
    column_values::to_integer, failure::StorageFailure, handle::Storage, open_streams::OpenStream,
    session_logs::oldest_unfinished, statement::sql,
};

impl Storage {
    /// Queues the record of a stream for the next transaction. A later record replaces it, and the end of its turn, which
    /// must be marked as on record, removes it.
    pub fn record_stream(&self, stream: OpenStream) {
        self.turn_writer.record_stream(stream);
    }

    /// Returns the ids of the streams that earlier processes with this session log have left. To be called before this
    /// process takes turns.
    pub async fn interrupted_ids(&self) -> Result<BTreeSet<String>, StorageFailure> {
        let rows: Vec<(String,)> = sql("SELECT request_id FROM open_streams WHERE log = $1")
            .bind(&self.turns.log)
            .fetch_all(&self.write)
            .await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// Returns streams that earlier processes with this session log have left, with ids greater than `after`, the oldest
    /// first, at most `limit`. To be called before this process takes turns.
    pub async fn interrupted_streams(&self, after: &str, limit: usize) -> Result<Vec<OpenStream>, StorageFailure> {
        let rows: Vec<(String, String)> = sql("SELECT request_id, line FROM open_streams
             WHERE log = $1 AND request_id > $2 ORDER BY request_id LIMIT $3")
        .bind(&self.turns.log)
        .bind(after)
        .bind(to_integer(limit as u64))
        .fetch_all(&self.write)
        .await?;
        let stream = |(request_id, line)| OpenStream { request_id, line, is_renewed: false };
        Ok(rows.into_iter().map(stream).collect())
    }

    /// Deletes the record of a stream that cannot be read, and counts it as a missing line of this process. Without effect if
    /// the record is gone, so that it may be repeated. To be called after [`Self::register_log`].
    pub async fn discard_unreadable_stream(&self, request_id: &str) -> Result<(), StorageFailure> {
        let mut transaction = self.write.begin().await?;
        let delete = sql("DELETE FROM open_streams WHERE request_id = $1").bind(request_id);
        if delete.execute(&mut transaction).await? > 0 {
            sql("UPDATE log_instances SET missing = missing + 1 WHERE log = $1 AND instance = $2")
                .bind(&self.turns.log)
                .bind(self.turns.instance.to_string())
                .execute(&mut transaction)
                .await?;
        }
        transaction.commit().await
    }

    /// Deletes streams of other session logs whose processes have not come back for 30 days.
    pub async fn purge_open_streams(&self) -> Result<(), StorageFailure> {
        sql("DELETE FROM open_streams WHERE log <> $1 AND request_id < $2")
            .bind(&self.turns.log)
            .bind(oldest_unfinished(self.time.confirmed_time()).to_string())
            .execute(&self.write)
            .await?;
        Ok(())
    }
}
