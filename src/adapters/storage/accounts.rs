//! Accounts, and the tokens that were logged out of them.

use jiff::Timestamp;

use super::{Storage, StorageFailure, database::sql, moment};
use crate::domain::account::{Account, Email, LoginName, OwnerId, PasswordHash, Username};

/// What cannot be registered because somebody has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistrationConflict {
    /// The user name.
    Username,
    /// The e-mail address.
    Email,
}

/// What is kept to recognize somebody by.
#[derive(Clone, Debug)]
pub struct LoginRecord {
    /// Whose.
    pub account: Account,
    /// What is kept of the password.
    pub password: PasswordHash,
    /// Tokens of this generation open it.
    pub generation: i64,
}

type AccountRow = (i64, String, String, i64);
type LockRow = (i64, String, String, i64, String, i64);

fn account((id, username, email, created_at): AccountRow) -> Account {
    Account { id: OwnerId(id), username, email, created_at: moment(created_at) }
}

fn lock((id, username, email, created_at, password, generation): LockRow) -> LoginRecord {
    let account = account((id, username, email, created_at));
    LoginRecord { account, password: PasswordHash::new(password), generation }
}

impl Storage {
    /// Keeps a new account, unless its name or its address is taken.
    pub async fn register(
        &self,
        username: &Username,
        email: &Email,
        password: &PasswordHash,
        now: Timestamp,
    ) -> Result<Result<Account, RegistrationConflict>, StorageFailure> {
        loop {
            if let Some(taken) = self.taken(username, email).await? {
                return Ok(Err(taken));
            }
            let mut work = self.write.begin().await?;
            let (id,): (i64,) = sql("INSERT INTO owners DEFAULT VALUES RETURNING id").fetch_one(&mut work).await?;
            let kept = sql("INSERT INTO accounts (id, username, username_folded, email, email_folded, password_hash,
                                                  token_generation, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, 0, $7) ON CONFLICT DO NOTHING")
            .bind(id)
            .bind(username.as_str())
            .bind(username.folded())
            .bind(email.as_str())
            .bind(email.folded())
            .bind(password.expose())
            .bind(now.as_microsecond())
            .execute(&mut work)
            .await?;
            if kept == 0 {
                sql("DELETE FROM owners WHERE id = $1").bind(id).execute(&mut work).await?;
            }
            work.commit().await?;
            if kept == 1 {
                let (username, email) = (username.as_str().to_owned(), email.as_str().to_owned());
                return Ok(Ok(Account { id: OwnerId(id), username, email, created_at: now }));
            }
            // Somebody was faster, and will be found at the next look, unless the account is gone again.
        }
    }

    async fn taken(&self, username: &Username, email: &Email) -> Result<Option<RegistrationConflict>, StorageFailure> {
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

    /// What to recognize the owner of this name by.
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
        Ok(found.fetch_optional(&self.read).await?.map(lock))
    }

    /// The account that a token opens: one of this generation that was not logged out.
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

    /// Ends a token before its time. Forgets those that would have ended by now anyway.
    pub async fn revoke_token(&self, jti: &str, expires_at: Timestamp, now: Timestamp) -> Result<(), StorageFailure> {
        let now = now.as_microsecond();
        sql("DELETE FROM revoked_tokens WHERE expires_at < $1").bind(now).execute(&self.write).await?;
        sql("INSERT INTO revoked_tokens (jti, expires_at) VALUES ($1, $2) ON CONFLICT (jti) DO NOTHING")
            .bind(jti)
            .bind(expires_at.as_microsecond())
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Changes a password, and with it the generation of tokens that open the account. Returns the new one; `None` when
    /// somebody else changed it first.
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

    /// Removes an owner with all that is theirs.
    pub async fn delete_owner(&self, id: OwnerId) -> Result<(), StorageFailure> {
        sql("DELETE FROM owners WHERE id = $1").bind(id.0).execute(&self.write).await?;
        Ok(())
    }

    /// The secret of this name that all replicas share: this one, if there is none yet.
    pub async fn get_or_insert_secret(&self, name: &str, made: &str) -> Result<String, StorageFailure> {
        sql("INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
            .bind(name)
            .bind(made)
            .execute(&self.write)
            .await?;
        let (value,): (String,) =
            sql("SELECT value FROM secrets WHERE name = $1").bind(name).fetch_one(&self.write).await?;
        Ok(value)
    }
}
