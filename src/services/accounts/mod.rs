//! Account operations: registration, login by password, authentication by token, logout, change of password, removal.

mod passwords;
mod throttle;
mod tokens;

use std::{sync::Arc, time::Duration};

use secrecy::SecretString;
use tokio::time::Instant;

pub use self::passwords::HashFailure;
use self::{
    passwords::{HashRequest, Passwords},
    throttle::{Throttle, Throttled},
    tokens::{BadToken, Token, Tokens},
};
use crate::{
    adapters::storage::{LoginRecord, RegistrationConflict, Storage, StorageFailure},
    domain::{
        account::{Account, Email, LoginName, Password, Username},
        client_ip::LoginClient,
    },
    foundation::{clock::Clock, config},
};

/// The name under which the database stores the secret that signs tokens.
const SIGNING_SECRET: &str = "jwt";

/// The maximum time that the new password of a change of password waits to be hashed.
const HASH_TIMEOUT: Duration = Duration::from_secs(3);

/// The reason why an operation on an account failed.
#[derive(Debug, thiserror::Error)]
pub enum AccountFailure {
    /// The username or the e-mail address belongs to another account.
    #[error("the username or e-mail address is taken")]
    Taken(RegistrationConflict),
    /// No account has the login name, or its password is a different one. Callers cannot tell which.
    #[error("no account has this name and this password")]
    WrongLogin,
    /// The current password is wrong.
    #[error("the current password is wrong")]
    WrongPassword,
    /// The token was not issued by this server.
    #[error("the token was not issued by this server")]
    InvalidToken,
    /// The token has expired.
    #[error("the token has expired")]
    ExpiredToken,
    /// The token was revoked before it expired: by a logout, a change of password, or the removal of the account.
    #[error("the token was revoked")]
    EndedToken,
    /// Too many wrong passwords were entered from the client's address or its network.
    #[error("too many wrong passwords were entered")]
    TooManyAttempts {
        /// The time until another attempt is worth while.
        retry_after: Duration,
    },
    /// Too many accounts were registered from the client's address.
    #[error("too many accounts were registered from one address")]
    TooManyRegistrations {
        /// The time until another registration is accepted.
        retry_after: Duration,
    },
    /// The password could not be hashed.
    #[error(transparent)]
    Hash(#[from] HashFailure),
    /// The token could not be encoded.
    #[error("the token could not be encoded")]
    Token(#[from] serde_json::Error),
    /// The database failed.
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

/// An account that was authenticated by a token.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The authenticated account.
    pub account: Account,
    token: Token,
}

/// The operations on accounts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Accounts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    storage: Storage,
    clock: Clock,
    passwords: Passwords,
    throttle: Throttle,
    tokens: Tokens,
}

impl Accounts {
    /// Opens the accounts of a database. Tokens are signed by the secret in the settings, or else by one that is stored in
    /// the database and shared by all replicas.
    pub async fn open(settings: &config::Accounts, storage: Storage, clock: Clock) -> Result<Self, StorageFailure> {
        let lifetime = settings.token_lifetime;
        let tokens = match settings.signing_secrets.split_first() {
            Some((secret, previous)) => Tokens::new(secret, previous, lifetime, clock.clone()),
            None => Tokens::new(&storage.secret(SIGNING_SECRET).await?, &[], lifetime, clock.clone()),
        };
        let (passwords, throttle) = (Passwords::new(), Throttle::new());
        Ok(Self(Arc::new(Inner { storage, clock, passwords, throttle, tokens })))
    }

    /// Registers an account.
    pub async fn register(
        &self,
        username: Username,
        email: Email,
        password: Password,
        client: LoginClient,
    ) -> Result<Account, AccountFailure> {
        let Inner { storage, clock, passwords, throttle, .. } = &*self.0;
        let admitted = throttle.admit_registration(client);
        let deadline =
            admitted.map_err(|Throttled { retry_after }| AccountFailure::TooManyRegistrations { retry_after })?;
        let request = HashRequest { client: client.address, is_known: false, deadline };
        let hash = passwords.hash(password, request).await?;
        storage.register(&username, &email, &hash, clock.now()).await?.map_err(AccountFailure::Taken)
    }

    /// Logs in to an account by username or e-mail address and password. Returns a new token and the account.
    pub async fn log_in(
        &self,
        name: LoginName,
        password: Password,
        client: LoginClient,
    ) -> Result<(SecretString, Account), AccountFailure> {
        let LoginRecord { account, generation, .. } =
            self.verify_password(name, password, client, false).await?.ok_or(AccountFailure::WrongLogin)?;
        let token = self.0.tokens.issue(account.id, generation)?;
        Ok((token, account))
    }

    /// Verifies a password for the account with a login name. Returns `None` for a wrong password or an unknown name.
    /// `has_token`: the request has a valid token of the account.
    async fn verify_password(
        &self,
        name: LoginName,
        password: Password,
        client: LoginClient,
        has_token: bool,
    ) -> Result<Option<LoginRecord>, AccountFailure> {
        let admitted = self.0.throttle.admit(&name, client, has_token).await;
        let attempt = admitted.map_err(|Throttled { retry_after }| AccountFailure::TooManyAttempts { retry_after })?;
        let record = self.0.storage.login_record(&name).await?;
        let hash = record.as_ref().map(|record| record.password.clone());
        let request = HashRequest { client: client.address, is_known: attempt.is_known, deadline: attempt.deadline };
        let is_correct = self.0.passwords.verify(password, hash, request).await?;
        if is_correct {
            attempt.succeed();
            self.0.throttle.remember(&name, client);
        } else {
            attempt.fail();
        }
        Ok(record.filter(|_| is_correct))
    }

    /// Authenticates the account that a token was issued for.
    pub async fn authenticate(&self, token: &str) -> Result<SignedIn, AccountFailure> {
        let token = self.0.tokens.verify(token)?;
        let account = self.0.storage.account_by_token(token.account, token.generation, &token.jti).await?;
        Ok(SignedIn { account: account.ok_or(AccountFailure::EndedToken)?, token })
    }

    /// Revokes the token that the account was authenticated by.
    pub async fn log_out(&self, SignedIn { token, .. }: SignedIn) -> Result<(), AccountFailure> {
        Ok(self.0.storage.revoke_token(&token.jti, token.expires_at).await?)
    }

    /// Changes the password of an account and revokes all of its tokens. Returns a new token.
    pub async fn change_password(
        &self,
        SignedIn { account, token }: SignedIn,
        current: Password,
        new: Password,
        client: LoginClient,
    ) -> Result<SecretString, AccountFailure> {
        let name = LoginName::parse(&account.username).map_err(|_| AccountFailure::EndedToken)?;
        let record = self.verify_password(name, current, client, true).await?.ok_or(AccountFailure::WrongPassword)?;
        // The name may meanwhile belong to another account.
        if record.account.id != account.id {
            return Err(AccountFailure::EndedToken);
        }
        let deadline = Instant::now() + HASH_TIMEOUT;
        let request = HashRequest { client: client.address, is_known: true, deadline };
        let hash = self.0.passwords.hash(new, request).await?;
        let changed = self.0.storage.change_password(account.id, token.generation, &hash).await?;
        let generation = changed.ok_or(AccountFailure::EndedToken)?;
        Ok(self.0.tokens.issue(account.id, generation)?)
    }

    /// Removes an account with its chats and messages, and erases its texts in the session log.
    pub async fn remove(&self, SignedIn { account, .. }: SignedIn) -> Result<(), AccountFailure> {
        Ok(self.0.storage.delete_owner(account.id).await?)
    }
}
