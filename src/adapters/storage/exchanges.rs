//! The turns of stored chats: a question is kept before the model is asked, and its answer, or its failure, together
//! with what became of it. At most one question of a chat is pending, which the database sees to.

use jiff::Timestamp;

use super::{
    ChatId, Cursor, MessageId, MessageStatus, Sender, Storage, StorageFailure,
    database::sql,
    messages::{NewMessage, add},
    moment,
};
use crate::domain::{account::OwnerId, title::Title};

/// Something to be said in a chat.
#[derive(Clone, Copy, Debug)]
pub struct NewQuestion<'a> {
    /// Who says it.
    pub owner: OwnerId,
    /// Where.
    pub chat: ChatId,
    /// What.
    pub text: &'a str,
    /// The URL of the image shown with it.
    pub image: Option<&'a str>,
    /// The request that asks.
    pub request_id: &'a str,
}

/// A question that is pending.
#[derive(Clone, Debug)]
pub struct PendingQuestion {
    /// Who asks.
    pub owner: OwnerId,
    /// Where.
    pub chat: ChatId,
    /// The message.
    pub id: MessageId,
    /// The number of its turn in the chat.
    pub turn: i64,
    /// The request that asks.
    pub request_id: String,
    /// When it was asked first.
    pub created_at: Timestamp,
}

impl PendingQuestion {
    /// Where its turn begins: what was said before is in front of it.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor(self.turn, 0)
    }
}

/// What came of opening a turn.
#[derive(Clone, Debug)]
pub enum OpenOutcome {
    /// The question is pending.
    Opened(PendingQuestion),
    /// Another one of the chat is.
    ChatBusy,
    /// There is nothing to open: no such chat, or no failed message.
    NotFound,
}

/// A kept message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageRef {
    /// Its number.
    pub id: MessageId,
    /// When it was said.
    pub created_at: Timestamp,
}

/// A question and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The question.
    pub question: MessageRef,
    /// The answer.
    pub answer: MessageRef,
}

impl Storage {
    /// Keeps a question as pending; the first one of a chat gives it a title, if it has none.
    pub async fn open_question(&self, new: &NewQuestion<'_>, now: Timestamp) -> Result<OpenOutcome, StorageFailure> {
        let NewQuestion { owner, chat, text, image, request_id } = *new;
        let title = Title::from_message(text);
        let mut work = self.write.begin().await?;
        let numbered: Option<(i64,)> = sql("UPDATE chats SET turns = turns + 1, message_count = message_count + 1,
                    updated_at = $3, is_titled = CASE WHEN CAST($4 AS TEXT) IS NULL THEN is_titled ELSE 1 END,
                    title = CASE WHEN is_titled = 1 OR CAST($4 AS TEXT) IS NULL THEN title ELSE CAST($4 AS TEXT) END
             WHERE id = $1 AND owner_id = $2 RETURNING turns")
        .bind(chat.0)
        .bind(owner.0)
        .bind(now.as_microsecond())
        .bind(title.as_ref().map(Title::as_str))
        .fetch_optional(&mut work)
        .await?;
        let Some((turn,)) = numbered else {
            work.rollback().await?;
            return Ok(OpenOutcome::NotFound);
        };
        let new = NewMessage {
            owner,
            chat,
            turn,
            sender: Sender::User,
            status: MessageStatus::Pending,
            text,
            image,
            request_id,
            replica: Some(self.replica.id()),
            created_at: now,
        };
        let Some(id) = add(&mut work, &new).await? else {
            work.rollback().await?;
            return Ok(OpenOutcome::ChatBusy);
        };
        work.commit().await?;
        let request_id = request_id.to_owned();
        Ok(OpenOutcome::Opened(PendingQuestion { owner, chat, id, turn, request_id, created_at: now }))
    }

    /// Makes one of the owner's failed messages pending again.
    pub async fn reopen_question(
        &self,
        owner: OwnerId,
        id: MessageId,
        request_id: &str,
    ) -> Result<OpenOutcome, StorageFailure> {
        let mut work = self.write.begin().await?;
        // The chat first: so others of its turns wait here, rather than for each other's messages.
        let chat: Option<(i64,)> = sql("UPDATE chats SET turns = turns
             WHERE id = (SELECT chat_id FROM messages WHERE id = $1 AND owner_id = $2) RETURNING id")
        .bind(id.0)
        .bind(owner.0)
        .fetch_optional(&mut work)
        .await?;
        let Some(chat) = chat.map(|(chat,)| ChatId(chat)) else {
            work.rollback().await?;
            return Ok(OpenOutcome::NotFound);
        };
        let (pending,): (i64,) = sql("SELECT COUNT(*) FROM messages WHERE chat_id = $1 AND status = 'pending'")
            .bind(chat.0)
            .fetch_one(&mut work)
            .await?;
        if pending > 0 {
            work.rollback().await?;
            return Ok(OpenOutcome::ChatBusy);
        }
        let reopened: Option<(i64, i64)> = sql("UPDATE messages SET status = 'pending', request_id = $3, replica = $4
             WHERE id = $1 AND owner_id = $2 AND status = 'failed' RETURNING turn, created_at")
        .bind(id.0)
        .bind(owner.0)
        .bind(request_id)
        .bind(self.replica.id())
        .fetch_optional(&mut work)
        .await?;
        let Some((turn, created_at)) = reopened else {
            work.rollback().await?;
            return Ok(OpenOutcome::NotFound);
        };
        work.commit().await?;
        let (request_id, created_at) = (request_id.to_owned(), moment(created_at));
        Ok(OpenOutcome::Opened(PendingQuestion { owner, chat, id, turn, request_id, created_at }))
    }

    /// Keeps the answer to a pending question; once, however often it is tried. `None` when the question is gone: it,
    /// or its chat, was removed meanwhile.
    pub async fn answer_question(
        &self,
        question: &PendingQuestion,
        text: &str,
        now: Timestamp,
    ) -> Result<Option<Exchange>, StorageFailure> {
        let mut work = self.write.begin().await?;
        sql("UPDATE chats SET message_count = message_count + 1,
                    updated_at = CASE WHEN updated_at > $2 THEN updated_at ELSE $2 END
             WHERE id = $1 AND owner_id = $3")
        .bind(question.chat.0)
        .bind(now.as_microsecond())
        .bind(question.owner.0)
        .execute(&mut work)
        .await?;
        // Also one that was failed, by another replica that took this one for dead; unless it is being tried again.
        let answered = sql("UPDATE messages SET status = 'complete', replica = NULL
             WHERE id = $1 AND request_id = $2 AND owner_id = $3 AND status <> 'complete'")
        .bind(question.id.0)
        .bind(&question.request_id)
        .bind(question.owner.0)
        .execute(&mut work)
        .await?;
        if answered == 0 {
            work.rollback().await?;
            // A server that died at the wrong moment may have kept it without saying so.
            return self.exchange(question.owner, &question.request_id).await;
        }
        let PendingQuestion { owner, chat, turn, request_id, .. } = question;
        let new = NewMessage {
            owner: *owner,
            chat: *chat,
            turn: *turn,
            sender: Sender::Bot,
            status: MessageStatus::Complete,
            text,
            image: None,
            request_id,
            replica: None,
            created_at: now,
        };
        let Some(id) = add(&mut work, &new).await? else { return Ok(None) };
        work.commit().await?;
        let question = MessageRef { id: question.id, created_at: question.created_at };
        Ok(Some(Exchange { question, answer: MessageRef { id, created_at: now } }))
    }

    /// The question of this request of the owner's, and its answer. `None` without an answer.
    pub async fn exchange(&self, owner: OwnerId, request_id: &str) -> Result<Option<Exchange>, StorageFailure> {
        let rows: Vec<(i64, String, i64)> = sql("SELECT id, sender, created_at FROM messages
             WHERE request_id = $1 AND owner_id = $2")
        .bind(request_id)
        .bind(owner.0)
        .fetch_all(&self.write)
        .await?;
        let kept = |sender: Sender| {
            let row = rows.iter().find(|(_, name, _)| name == sender.as_str());
            row.map(|(id, _, at)| MessageRef { id: MessageId(*id), created_at: moment(*at) })
        };
        let exchange = kept(Sender::User).zip(kept(Sender::Bot));
        Ok(exchange.map(|(question, answer)| Exchange { question, answer }))
    }

    /// The pending questions of dead replicas, and those of this one: each one's message and request.
    pub async fn pending_questions(&self, now: Timestamp) -> Result<Vec<(MessageId, String)>, StorageFailure> {
        let pending: Vec<(i64, String)> = sql("SELECT id, request_id FROM messages
             WHERE status = 'pending' AND (replica = $1 OR NOT EXISTS (
                 SELECT 1 FROM replicas WHERE id = messages.replica AND alive_until > $2))")
        .bind(self.replica.id())
        .bind(now.as_microsecond())
        .fetch_all(&self.read)
        .await?;
        Ok(pending.into_iter().map(|(id, request_id)| (MessageId(id), request_id)).collect())
    }

    /// Fails a question, if it is still pending for this request. Returns whether it was.
    pub async fn fail_question(&self, id: MessageId, request_id: &str) -> Result<bool, StorageFailure> {
        let failed = sql("UPDATE messages SET status = 'failed', replica = NULL
             WHERE id = $1 AND request_id = $2 AND status = 'pending'")
        .bind(id.0)
        .bind(request_id)
        .execute(&self.write)
        .await?;
        Ok(failed > 0)
    }

    /// The question of this request of the owner's, if it has failed.
    pub async fn failed_question(&self, owner: OwnerId, request_id: &str) -> Result<Option<MessageId>, StorageFailure> {
        let failed: Option<(i64,)> = sql("SELECT id FROM messages
             WHERE request_id = $1 AND owner_id = $2 AND status = 'failed'")
        .bind(request_id)
        .bind(owner.0)
        .fetch_optional(&self.write)
        .await?;
        Ok(failed.map(|(id,)| MessageId(id)))
    }
}
