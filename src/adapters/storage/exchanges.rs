//! Questions in stored chats and their answers. A question is stored before the model is called, as pending. Its answer
//! is stored in one transaction with its new status. A unique index allows one pending question in each chat.

use jiff::Timestamp;

use super::{
    column_values::{to_count, to_timestamp},
    failure::StorageFailure,
    handle::Storage,
    ids::{ChatId, Cursor, MessageId},
    new_message::{NewMessage, replace_text},
    settled_key::SettledKey,
    source_column,
    statement::sql,
    stored_message::{MessageStatus, Sender},
};
use crate::domain::{account::OwnerId, prompt::Source, title::Title};

/// A question to be stored in a chat.
#[derive(Clone, Copy, Debug)]
pub struct NewQuestion<'a> {
    /// The owner of the chat.
    pub owner: OwnerId,
    /// The number of the chat.
    pub chat: ChatId,
    /// The text of the question.
    pub text: &'a str,
    /// The URL of the image attached to the question.
    pub image: Option<&'a str>,
    /// The id of the request that asks.
    pub request_id: &'a str,
    /// The most bytes of texts and images that the owner may store, this question included.
    pub max_stored_bytes: u64,
}

/// A stored question that has no answer yet.
#[derive(Clone, Debug)]
pub struct PendingQuestion {
    /// The owner of the chat.
    pub owner: OwnerId,
    /// The number of the chat.
    pub chat: ChatId,
    /// The number of the question's message.
    pub id: MessageId,
    /// The number of the turn within the chat.
    pub turn: i64,
    /// The id of the request that asks.
    pub request_id: String,
    /// The time at which the question was first asked.
    pub created_at: Timestamp,
}

impl PendingQuestion {
    /// Returns the position before this question in the list of the chat's messages: the history is before it.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor(self.turn, 0)
    }
}

/// The answer to a question, to be stored in its chat.
#[derive(Clone, Copy, Debug)]
pub struct NewAnswer<'a> {
    /// The text.
    pub text: &'a str,
    /// The pages that the answer is based on.
    pub sources: &'a [Source],
    /// The time at which the answer was complete.
    pub at: Timestamp,
}

/// The result of making a question pending.
#[derive(Clone, Debug)]
pub enum OpenOutcome {
    /// The question is now pending.
    Opened(PendingQuestion),
    /// Another question of the chat is pending.
    ChatBusy,
    /// The question does not fit beside what its owner has stored.
    StorageFull,
    /// The chat, or the failed message to be retried, does not exist.
    NotFound,
}

/// The number and time of a stored message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageRef {
    /// The number of the message.
    pub id: MessageId,
    /// The time at which the message was created.
    pub created_at: Timestamp,
}

/// The stored question and answer of one turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The message of the user.
    pub question: MessageRef,
    /// The message of the bot.
    pub answer: MessageRef,
}

/// A question and its answer, as they are stored.
#[derive(Clone, Debug)]
pub struct StoredExchange {
    /// The numbers and times of both messages.
    pub messages: Exchange,
    /// The text of the question.
    pub question: String,
    /// The text of the answer.
    pub answer: String,
    /// The pages that the answer is based on.
    pub sources: Vec<Source>,
}

impl Storage {
    /// Stores a question as pending. The first question of a chat without a title gives it one.
    pub async fn open_question(&self, new: &NewQuestion<'_>, now: Timestamp) -> Result<OpenOutcome, StorageFailure> {
        let NewQuestion { owner, chat, text, image, request_id, max_stored_bytes } = *new;
        let size = text.len() + image.map_or(0, str::len);
        let title = Title::from_message(text);
        let mut transaction = self.write.begin().await?;
        let numbered: Option<(i64, i64)> = sql("UPDATE chats SET turns = turns + 1, message_count = message_count + 1,
                    updated_at = $3, is_titled = CASE WHEN CAST($4 AS TEXT) IS NULL THEN is_titled ELSE 1 END,
                    title = CASE WHEN is_titled = 1 OR CAST($4 AS TEXT) IS NULL THEN title ELSE CAST($4 AS TEXT) END
             WHERE id = $1 AND owner_id = $2
             RETURNING turns, (SELECT stored_bytes FROM owners WHERE owners.id = chats.owner_id)")
        .bind(chat.0)
        .bind(owner.0)
        .bind(now.as_microsecond())
        .bind(title.as_ref().map(Title::as_str))
        .fetch_optional(&mut transaction)
        .await?;
        let Some((turn, stored_bytes)) = numbered else {
            transaction.rollback().await?;
            return Ok(OpenOutcome::NotFound);
        };
        if to_count(stored_bytes).saturating_add(size as u64) > max_stored_bytes {
            transaction.rollback().await?;
            return Ok(OpenOutcome::StorageFull);
        }
        let new = NewMessage {
            owner,
            chat,
            turn,
            sender: Sender::User,
            status: MessageStatus::Pending,
            text,
            image,
            sources: &[],
            request_id,
            replica: Some(self.replica.id()),
            created_at: now,
        };
        let Some(id) = new.insert(&mut transaction).await? else {
            transaction.rollback().await?;
            return Ok(OpenOutcome::ChatBusy);
        };
        transaction.commit().await?;
        let request_id = request_id.to_owned();
        Ok(OpenOutcome::Opened(PendingQuestion { owner, chat, id, turn, request_id, created_at: now }))
    }

    /// Makes one of an owner's failed questions pending again, with the text as it is asked now: the guard may have masked it.
    pub async fn reopen_question(
        &self,
        owner: OwnerId,
        id: MessageId,
        text: &str,
        request_id: &str,
    ) -> Result<OpenOutcome, StorageFailure> {
        let mut transaction = self.write.begin().await?;
        // This update locks the chat before its messages, so that transactions on one chat cannot deadlock.
        let chat: Option<(i64,)> = sql("UPDATE chats SET turns = turns
             WHERE id = (SELECT chat_id FROM messages WHERE id = $1 AND owner_id = $2) RETURNING id")
        .bind(id.0)
        .bind(owner.0)
        .fetch_optional(&mut transaction)
        .await?;
        let Some(chat) = chat.map(|(chat,)| ChatId(chat)) else {
            transaction.rollback().await?;
            return Ok(OpenOutcome::NotFound);
        };
        let (pending,): (i64,) = sql("SELECT COUNT(*) FROM messages WHERE chat_id = $1 AND status = 'pending'")
            .bind(chat.0)
            .fetch_one(&mut transaction)
            .await?;
        if pending > 0 {
            transaction.rollback().await?;
            return Ok(OpenOutcome::ChatBusy);
        }
        let reopened: Option<(i64, i64, String)> =
            sql("UPDATE messages SET status = 'pending', request_id = $3, replica = $4
             WHERE id = $1 AND owner_id = $2 AND status = 'failed' RETURNING turn, created_at, text")
            .bind(id.0)
            .bind(owner.0)
            .bind(request_id)
            .bind(self.replica.id())
            .fetch_optional(&mut transaction)
            .await?;
        let Some((turn, created_at, stored)) = reopened else {
            transaction.rollback().await?;
            return Ok(OpenOutcome::NotFound);
        };
        if stored != text {
            replace_text(&mut transaction, owner, id, text).await?;
        }
        transaction.commit().await?;
        let (request_id, created_at) = (request_id.to_owned(), to_timestamp(created_at));
        Ok(OpenOutcome::Opened(PendingQuestion { owner, chat, id, turn, request_id, created_at }))
    }

    /// Stores the answer to a pending question, and settles the turn's idempotency key with it. A second call for the same
    /// question returns the stored exchange. `None` if the question or its chat was deleted meanwhile.
    pub async fn answer_question(
        &self,
        question: &PendingQuestion,
        answer: NewAnswer<'_>,
        key: Option<&SettledKey>,
    ) -> Result<Option<Exchange>, StorageFailure> {
        let mut transaction = self.write.begin().await?;
        sql("UPDATE chats SET message_count = message_count + 1,
                    updated_at = CASE WHEN updated_at > $2 THEN updated_at ELSE $2 END
             WHERE id = $1 AND owner_id = $3")
        .bind(question.chat.0)
        .bind(answer.at.as_microsecond())
        .bind(question.owner.0)
        .execute(&mut transaction)
        .await?;
        // Includes a question that another replica has marked as failed because this one seemed dead, unless a new request
        // (with another id) has retried it.
        let answered = sql("UPDATE messages SET status = 'complete', replica = NULL
             WHERE id = $1 AND request_id = $2 AND owner_id = $3 AND status <> 'complete'")
        .bind(question.id.0)
        .bind(&question.request_id)
        .bind(question.owner.0)
        .execute(&mut transaction)
        .await?;
        if answered == 0 {
            transaction.rollback().await?;
            // A server that stopped after the commit of an earlier call may have stored the answer.
            let found = self.exchange(question.owner, &question.request_id).await?;
            return Ok(found.map(|found| found.messages));
        }
        let PendingQuestion { owner, chat, turn, request_id, .. } = question;
        let new = NewMessage {
            owner: *owner,
            chat: *chat,
            turn: *turn,
            sender: Sender::Bot,
            status: MessageStatus::Complete,
            text: answer.text,
            image: None,
            sources: answer.sources,
            request_id,
            replica: None,
            created_at: answer.at,
        };
        let Some(id) = new.insert(&mut transaction).await? else { return Ok(None) };
        if let Some(key) = key {
            key.store(&mut transaction).await?;
        }
        transaction.commit().await?;
        let question = MessageRef { id: question.id, created_at: question.created_at };
        Ok(Some(Exchange { question, answer: MessageRef { id, created_at: answer.at } }))
    }

    /// Returns the question and answer that an owner's request has stored. `None` without an answer.
    pub async fn exchange(&self, owner: OwnerId, request_id: &str) -> Result<Option<StoredExchange>, StorageFailure> {
        let mut rows: Vec<(i64, String, String, i64, Option<String>)> =
            sql("SELECT id, sender, text, created_at, sources FROM messages
             WHERE request_id = $1 AND owner_id = $2")
            .bind(request_id)
            .bind(owner.0)
            .fetch_all(&self.write)
            .await?;
        let mut message = |sender: Sender| {
            let index = rows.iter().position(|(_, name, ..)| name == sender.as_str())?;
            let (id, _, text, at, sources) = rows.swap_remove(index);
            Some((MessageRef { id: MessageId(id), created_at: to_timestamp(at) }, text, sources))
        };
        let messages = message(Sender::User).zip(message(Sender::Bot));
        Ok(messages.map(|((question, asked, _), (answer, answered, sources))| StoredExchange {
            messages: Exchange { question, answer },
            question: asked,
            answer: answered,
            sources: source_column::to_sources(sources.as_deref()),
        }))
    }

    /// Returns the question of an owner's request, unless it is answered.
    pub async fn unanswered_question(
        &self,
        owner: OwnerId,
        request_id: &str,
    ) -> Result<Option<PendingQuestion>, StorageFailure> {
        let row: Option<(i64, i64, i64, i64)> = sql("SELECT chat_id, id, turn, created_at FROM messages
             WHERE request_id = $1 AND owner_id = $2 AND sender = 'user' AND status <> 'complete'")
        .bind(request_id)
        .bind(owner.0)
        .fetch_optional(&self.write)
        .await?;
        Ok(row.map(|(chat, id, turn, created_at)| PendingQuestion {
            owner,
            chat: ChatId(chat),
            id: MessageId(id),
            turn,
            request_id: request_id.to_owned(),
            created_at: to_timestamp(created_at),
        }))
    }

    /// Returns the pending questions of dead replicas and of this replica: the number of the message and the id of the
    /// request.
    pub async fn pending_questions(&self) -> Result<Vec<(MessageId, String)>, StorageFailure> {
        let pending: Vec<(i64, String)> = sql("SELECT id, request_id FROM messages
             WHERE status = 'pending' AND (replica = $1 OR NOT EXISTS (
                 SELECT 1 FROM replicas WHERE id = messages.replica))")
        .bind(self.replica.id())
        .fetch_all(&self.read)
        .await?;
        Ok(pending.into_iter().map(|(id, request_id)| (MessageId(id), request_id)).collect())
    }

    /// Marks a question as failed if it is still pending for this request. Returns whether it was.
    pub async fn fail_question(&self, id: MessageId, request_id: &str) -> Result<bool, StorageFailure> {
        let failed = sql("UPDATE messages SET status = 'failed', replica = NULL
             WHERE id = $1 AND request_id = $2 AND status = 'pending'")
        .bind(id.0)
        .bind(request_id)
        .execute(&self.write)
        .await?;
        Ok(failed > 0)
    }

    /// Marks the question of an owner's request as failed, unless it is answered: its turn is not running. From now on it is the
    /// question of the request `successor`, which retries it. Returns the question.
    pub async fn pass_question_on(
        &self,
        owner: OwnerId,
        request_id: &str,
        successor: &str,
    ) -> Result<Option<MessageId>, StorageFailure> {
        let failed: Option<(i64,)> = sql("UPDATE messages SET status = 'failed', replica = NULL, request_id = $3
             WHERE request_id = $1 AND owner_id = $2 AND status <> 'complete' RETURNING id")
        .bind(request_id)
        .bind(owner.0)
        .bind(successor)
        .fetch_optional(&self.write)
        .await?;
        Ok(failed.map(|(id,)| MessageId(id)))
    }
}
