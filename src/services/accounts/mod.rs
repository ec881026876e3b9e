//! Accounts: registered, opened by a password, kept open by a token, closed again.

mod passwords;
mod throttle;
mod tokens;

use std::{sync::Arc, time::Duration};

use secrecy::SecretString;
use tokio::time::Instant;

pub use self::passwords::HashFailure;
use self::{
    passwords::Passwords,
    throttle::{Attempt, Throttle, TooMuch},
    tokens::{BadToken, Token, Tokens},
};
use crate::{
    adapters::storage::{LoginRecord, RegistrationConflict, Storage, StorageFailure},
    domain::{
        account::{Account, Email, LoginName, Password, Username},
        client_ip::ClientIp,
    },
    foundation::{clock::Clock, config, secret::SigningSecret},
};

/// Under which the database keeps the secret that signs tokens.
const SECRET: &str = "jwt";

/// How long a new password may wait to be hashed.
const HASHING: Duration = Duration::from_secs(3);

/// What was asked of an account cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum AccountFailure {
    /// Somebody has the name or the address.
    #[error("somebody has this name or address")]
    Taken(RegistrationConflict),
    /// There is no such account, or its password is another one.
    #[error("no account of this name has this password")]
    WrongLogin,
    /// The account's password is another one.
    #[error("the account has another password")]
    WrongPassword,
    /// The token is not one.
    #[error("the token is not one of this server's")]
    InvalidToken,
    /// The token's time is over.
    #[error("the token has expired")]
    ExpiredToken,
    /// The token was ended before its time, by a logout, another password, or the account's end.
    #[error("the token was ended")]
    EndedToken,
    /// Too many passwords were tried.
    #[error("too many passwords were tried")]
    TooManyAttempts {
        /// When another one may be.
        retry_after: Duration,
    },
    /// Too many accounts were registered.
    #[error("too many accounts were registered from one address")]
    TooManyRegistrations {
        /// When another one may be.
        retry_after: Duration,
    },
    /// A password could not be hashed.
    #[error(transparent)]
    Hash(#[from] HashFailure),
    /// A token could not be made.
    #[error("a token could not be made")]
    Token(#[from] serde_json::Error),
    /// The database cannot be used.
    #[error("the database cannot be used")]
    Storage(#[from] StorageFailure),
}

impl From<BadToken> for AccountFailure {
    fn from(bad: BadToken) -> Self {
        match bad {
            BadToken::Invalid => Self::InvalidToken,
            BadToken::Expired => Self::ExpiredToken,
        }
    }
}

/// Who has shown a token.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Whose it is.
    pub account: Account,
    token: Token,
}

/// Opens and closes accounts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Accounts(Arc<Keeper>);

#[derive(Debug)]
struct Keeper {
    storage: Storage,
    clock: Clock,
    passwords: Passwords,
    throttle: Throttle,
    tokens: Tokens,
}

impl Accounts {
    /// Finds or makes the secret that signs tokens.
    pub async fn open(settings: &config::Accounts, storage: Storage, clock: Clock) -> Result<Self, StorageFailure> {
        let lifetime = settings.token_lifetime;
        let tokens = match settings.signing_secrets.split_first() {
            Some((secret, previous)) => Tokens::new(secret, previous, lifetime, clock.clone()),
            None => Tokens::new(&signing_secret(&storage).await?, &[], lifetime, clock.clone()),
        };
        let (passwords, throttle) = (Passwords::new(), Throttle::new());
        Ok(Self(Arc::new(Keeper { storage, clock, passwords, throttle, tokens })))
    }

    /// Makes an account.
    pub async fn register(
        &self,
        username: Username,
        email: Email,
        password: Password,
        from: ClientIp,
    ) -> Result<Account, AccountFailure> {
        let Keeper { storage, clock, passwords, throttle, .. } = &*self.0;
        let admitted = throttle.admit_registration(from);
        let deadline =
            admitted.map_err(|TooMuch { retry_after }| AccountFailure::TooManyRegistrations { retry_after })?;
        let hash = passwords.hash(password, deadline).await?;
        storage.register(&username, &email, &hash, clock.now()).await?.map_err(AccountFailure::Taken)
    }

    /// Opens an account by its name or address and its password. Returns a token that keeps it open.
    pub async fn log_in(
        &self,
        name: LoginName,
        password: Password,
        from: ClientIp,
    ) -> Result<(SecretString, Account), AccountFailure> {
        let LoginRecord { account, generation, .. } =
            self.unlock(name, password, from).await?.ok_or(AccountFailure::WrongLogin)?;
        let token = self.0.tokens.issue(account.id, generation)?;
        Ok((token, account))
    }

    /// Tries a password on the account of this name. `None` when it is wrong, or there is no account.
    async fn unlock(
        &self,
        name: LoginName,
        password: Password,
        from: ClientIp,
    ) -> Result<Option<LoginRecord>, AccountFailure> {
        let admitted = self.0.throttle.admit(&name, from).await;
        let attempt = admitted.map_err(|TooMuch { retry_after }| AccountFailure::TooManyAttempts { retry_after })?;
        let lock = self.0.storage.login_record(&name).await?;
        let kept = lock.as_ref().map(|lock| lock.password.clone());
        let is_right = self.0.passwords.is_right(password, kept, attempt.deadline).await?;
        let told = if is_right { Attempt::succeed } else { Attempt::fail };
        told(attempt);
        Ok(lock.filter(|_| is_right))
    }

    /// Whose token this is.
    pub async fn authenticate(&self, token: &str) -> Result<SignedIn, AccountFailure> {
        let token = self.0.tokens.read(token)?;
        let account = self.0.storage.account_by_token(token.account, token.generation, &token.jti).await?;
        Ok(SignedIn { account: account.ok_or(AccountFailure::EndedToken)?, token })
    }

    /// Ends the token that was shown.
    pub async fn log_out(&self, SignedIn { token, .. }: SignedIn) -> Result<(), AccountFailure> {
        Ok(self.0.storage.revoke_token(&token.jti, token.expires_at, self.0.clock.now()).await?)
    }

    /// Changes a password, which ends all tokens. Returns a new one.
    pub async fn change_password(
        &self,
        SignedIn { account, token }: SignedIn,
        current: Password,
        new: Password,
        from: ClientIp,
    ) -> Result<SecretString, AccountFailure> {
        let name = LoginName::parse(&account.username).map_err(|_| AccountFailure::EndedToken)?;
        let lock = self.unlock(name, current, from).await?.ok_or(AccountFailure::WrongPassword)?;
        // Somebody may have had the same name before.
        if lock.account.id != account.id {
            return Err(AccountFailure::EndedToken);
        }
        let deadline = Instant::now() + HASHING;
        let hash = self.0.passwords.hash(new, deadline).await?;
        let changed = self.0.storage.change_password(account.id, token.generation, &hash).await?;
        let generation = changed.ok_or(AccountFailure::EndedToken)?;
        Ok(self.0.tokens.issue(account.id, generation)?)
    }

    /// Removes an account with all that is its own.
    pub async fn remove(&self, SignedIn { account, .. }: SignedIn) -> Result<(), AccountFailure> {
        Ok(self.0.storage.delete_owner(account.id).await?)
    }
}

/// The secret that all replicas share, made by the first of them.
async fn signing_secret(storage: &Storage) -> Result<SigningSecret, StorageFailure> {
    let made = SigningSecret::generate();
    let kept = storage.get_or_insert_secret(SECRET, made.expose()).await?;
    Ok(SigningSecret::stored(kept))
}
