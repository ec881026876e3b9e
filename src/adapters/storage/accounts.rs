//! Accounts, and the tokens that were revoked by a logout.

use jiff::Timestamp;

use super::{
    column_values::to_timestamp, failure::StorageFailure, handle::Storage, settled_key::ScopedKey, statement::sql,
};
use crate::domain::account::{Account, Email, LoginName, OwnerId, PasswordHash, Username};

/// The part of a registration that another account has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistrationConflict {
    /// The user name.
    Username,
    /// The e-mail address.
    Email,
}

/// The stored data that a login is checked against.
#[derive(Clone, Debug)]
pub struct LoginRecord {
    /// The account that is logged in to.
    pub account: Account,
    /// The hash of the account's password.
    pub password: PasswordHash,
    /// The generation of tokens that are valid for the account. A new password raises it.
    pub generation: i64,
}

type AccountRow = (i64, String, String, i64);
type LoginRow = (i64, String, String, i64, String, i64);

fn account((id, username, email, created_at): AccountRow) -> Account {
    Account { id: OwnerId(id), username, email, created_at: to_timestamp(created_at) }
}

fn login_record((id, username, email, created_at, password, generation): LoginRow) -> LoginRecord {
    let account = account((id, username, email, created_at));
    LoginRecord { account, password: PasswordHash::new(password), generation }
}

impl Storage {
    /// Stores a new account, unless another account has its user name or its e-mail address.
    pub async fn register(
        &self,
        username: &Username,
        email: &Email,
        password: &PasswordHash,
        now: Timestamp,
    ) -> Result<Result<Account, RegistrationConflict>, StorageFailure> {
        loop {
            if let Some(conflict) = self.registration_conflict(username, email).await? {
                return Ok(Err(conflict));
            }
            let mut transaction = self.write.begin().await?;
            let (id,): (i64,) =
                sql("INSERT INTO owners DEFAULT VALUES RETURNING id").fetch_one(&mut transaction).await?;
            let inserted =
                sql("INSERT INTO accounts (id, username, username_folded, email, email_folded, password_hash,
                                                  token_generation, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, 0, $7) ON CONFLICT DO NOTHING")
                .bind(id)
                .bind(username.as_str())
                .bind(username.folded())
                .bind(email.as_str())
                .bind(email.folded())
                .bind(password.expose())
                .bind(now.as_microsecond())
                .execute(&mut transaction)
                .await?;
            if inserted == 0 {
                sql("DELETE FROM owners WHERE id = $1").bind(id).execute(&mut transaction).await?;
            }
            transaction.commit().await?;
            if inserted == 1 {
                let (username, email) = (username.as_str().to_owned(), email.as_str().to_owned());
                return Ok(Ok(Account { id: OwnerId(id), username, email, created_at: now }));
            }
            // Another registration has taken one of them meanwhile. The next pass finds it, unless it is deleted again.
        }
    }

    async fn registration_conflict(
        &self,
        username: &Username,
        email: &Email,
    ) -> Result<Option<RegistrationConflict>, StorageFailure> {
        let (name, address): (i64, i64) = sql("SELECT
                 (SELECT COUNT(*) FROM accounts WHERE username_folded = $1),
                 (SELECT COUNT(*) FROM accounts WHERE email_folded = $2)")
        .bind(username.folded())
        .bind(email.folded())
        .fetch_one(&self.read)
        .await?;
        Ok(match (name, address) {
            (0, 0) => None,
            (0, _) => Some(RegistrationConflict::Email),
            _ => Some(RegistrationConflict::Username),
        })
    }

    /// Returns the data to check a login with this user name or e-mail address against.
    pub async fn login_record(&self, name: &LoginName) -> Result<Option<LoginRecord>, StorageFailure> {
        let found = match name {
            LoginName::Username(name) => sql("SELECT id, username, email, created_at, password_hash, token_generation
                     FROM accounts WHERE username_folded = $1")
            .bind(name),
            LoginName::Email(email) => sql("SELECT id, username, email, created_at, password_hash, token_generation
                     FROM accounts WHERE email_folded = $1")
            .bind(email),
            LoginName::Invalid(_) => return Ok(None),
        };
        Ok(found.fetch_optional(&self.read).await?.map(login_record))
    }

    /// Returns the account that a token is valid for: of the same generation, and not revoked.
    pub async fn account_by_token(
        &self,
        id: OwnerId,
        generation: i64,
        jti: &str,
    ) -> Result<Option<Account>, StorageFailure> {
        let found: Option<AccountRow> = sql("SELECT id, username, email, created_at FROM accounts
             WHERE id = $1 AND token_generation = $2 AND NOT EXISTS (SELECT 1 FROM revoked_tokens WHERE jti = $3)")
        .bind(id.0)
        .bind(generation)
        .bind(jti)
        .fetch_optional(&self.read)
        .await?;
        Ok(found.map(account))
    }

    /// Revokes a token. Removes the revoked tokens that have expired, also if the clock is set back later.
    pub async fn revoke_token(&self, jti: &str, expires_at: Timestamp) -> Result<(), StorageFailure> {
        let now = self.time.confirmed_time().as_microsecond();
        sql("DELETE FROM revoked_tokens WHERE expires_at < $1").bind(now).execute(&self.write).await?;
        sql("INSERT INTO revoked_tokens (jti, expires_at) VALUES ($1, $2) ON CONFLICT (jti) DO NOTHING")
            .bind(jti)
            .bind(expires_at.as_microsecond())
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Changes a password and raises the generation of valid tokens. Returns the new generation; `None` if the password
    /// was changed meanwhile.
    pub async fn change_password(
        &self,
        id: OwnerId,
        generation: i64,
        password: &PasswordHash,
    ) -> Result<Option<i64>, StorageFailure> {
        let changed: Option<(i64,)> = sql("UPDATE accounts SET password_hash = $3, token_generation = $2 + 1
             WHERE id = $1 AND token_generation = $2 RETURNING token_generation")
        .bind(id.0)
        .bind(generation)
        .bind(password.expose())
        .fetch_optional(&self.write)
        .await?;
        Ok(changed.map(|(generation,)| generation))
    }

    /// Deletes an owner with the account, chats, messages and answers stored for repeated requests, and erases the owner's
    /// texts in the session log.
    pub async fn delete_owner(&self, id: OwnerId) -> Result<(), StorageFailure> {
        let _clear = self.content_keys.clear_at_end();
        let mut transaction = self.write.begin().await?;
        // The chats before their owner, as a new message does, so that transactions cannot deadlock.
        sql("UPDATE chats SET turns = turns WHERE owner_id = $1").bind(id.0).execute(&mut transaction).await?;
        sql("DELETE FROM owners WHERE id = $1").bind(id.0).execute(&mut transaction).await?;
        sql("DELETE FROM idempotency_keys WHERE caller IN ($1, $2)")
            .bind(ScopedKey::account(id))
            .bind(ScopedKey::owner(id))
            .execute(&mut transaction)
            .await?;
        transaction.commit().await
    }
}
