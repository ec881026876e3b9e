//! Access tokens: JSON Web Tokens signed by HMAC with SHA-256 (`HS256`), the only algorithm that is accepted.
//!
//! They are encoded and verified by `ring`, which TLS needs as well. A library for JSON Web Tokens would support other
//! algorithms, and a token's header must not be able to choose one.

use std::{fmt, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use jiff::Timestamp;
use ring::hmac;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    domain::account::OwnerId,
    foundation::{clock::Clock, secret::SigningSecret},
};

/// The header of a token (JOSE header).
#[derive(Deserialize, Serialize)]
struct Header {
    alg: String,
    #[serde(default)]
    typ: String,
}

/// The claims of a token. `generation` is the account's at the time of issue; a change of password increments it.
#[derive(Deserialize, Serialize)]
struct Claims {
    sub: String,
    jti: String,
    iat: i64,
    exp: i64,
    generation: i64,
}

/// A token with a valid signature that has not expired. Whether it was revoked is stored in the database.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) account: OwnerId,
    pub(super) generation: i64,
    pub(super) jti: String,
    pub(super) expires_at: Timestamp,
}

/// The reason why a token is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadToken {
    #[error("the token was not issued by this server")]
    Invalid,
    #[error("the token has expired")]
    Expired,
}

/// Issues and verifies tokens.
pub(super) struct Tokens {
    key: hmac::Key,
    /// Keys from before a key rotation. They verify tokens and sign none.
    previous: Vec<hmac::Key>,
    lifetime: Duration,
    clock: Clock,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

impl Tokens {
    pub(super) fn new(secret: &SigningSecret, previous: &[SigningSecret], lifetime: Duration, clock: Clock) -> Self {
        let key = |secret: &SigningSecret| hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
        Self { key: key(secret), previous: previous.iter().map(key).collect(), lifetime, clock }
    }

    /// Issues a token for an account.
    pub(super) fn issue(&self, account: OwnerId, generation: i64) -> Result<SecretString, serde_json::Error> {
        let now = self.clock.now();
        // Rounded to the nearest second: if rounded down, a token with a lifetime of one second could expire at once.
        let expires = (now + self.lifetime + Duration::from_millis(500)).as_second();
        let header = Header { alg: "HS256".to_owned(), typ: "JWT".to_owned() };
        let claims = Claims {
            sub: account.to_string(),
            jti: Uuid::new_v4().to_string(),
            iat: now.as_second(),
            exp: expires,
            generation,
        };
        let encode = |json| BASE64.encode(json);
        let signed = format!("{}.{}", encode(serde_json::to_vec(&header)?), encode(serde_json::to_vec(&claims)?));
        let signature = hmac::sign(&self.key, signed.as_bytes());
        Ok(SecretString::from(format!("{signed}.{}", encode(signature.as_ref().to_vec()))))
    }

    /// Verifies a token's signature and expiry, and returns its content.
    pub(super) fn verify(&self, token: &str) -> Result<Token, BadToken> {
        let claims = self.verified_claims(token).ok_or(BadToken::Invalid)?;
        let expires_at = Timestamp::from_second(claims.exp).map_err(|_| BadToken::Invalid)?;
        let account = OwnerId(claims.sub.parse().map_err(|_| BadToken::Invalid)?);
        if expires_at <= self.clock.now() {
            return Err(BadToken::Expired);
        }
        Ok(Token { account, generation: claims.generation, jti: claims.jti, expires_at })
    }

    fn verified_claims(&self, token: &str) -> Option<Claims> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = BASE64.decode(signature).ok()?;
        let mut keys = std::iter::once(&self.key).chain(&self.previous);
        if !keys.any(|key| hmac::verify(key, signed.as_bytes(), &signature).is_ok()) {
            return None;
        }
        let (header, claims) = signed.split_once('.')?;
        let header: Header = serde_json::from_slice(&BASE64.decode(header).ok()?).ok()?;
        if header.alg != "HS256" {
            return None;
        }
        serde_json::from_slice(&BASE64.decode(claims).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicI64, Ordering::SeqCst},
    };

    use jiff::tz::TimeZone;
    use proptest::prelude::*;
    use secrecy::ExposeSecret;
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_780_000_000;

    fn tokens_at(now: &Arc<AtomicI64>, secret: &SigningSecret) -> Tokens {
        let now = Arc::clone(now);
        let clock = Clock::from_fn(move || Timestamp::from_second(now.load(SeqCst)).unwrap(), TimeZone::UTC);
        Tokens::new(secret, &[], Duration::from_mins(1), clock)
    }

    fn tokens() -> Tokens {
        tokens_at(&Arc::new(AtomicI64::new(NOW)), &SigningSecret::generate())
    }

    /// Returns a token of a header and claims with a valid signature.
    fn signed(tokens: &Tokens, header: &serde_json::Value, claims: &serde_json::Value) -> String {
        let signed = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
        let signature = BASE64.encode(hmac::sign(&tokens.key, signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    #[test]
    fn an_issued_token_is_valid_until_it_expires() {
        let now = Arc::new(AtomicI64::new(NOW));
        let tokens = tokens_at(&now, &SigningSecret::generate());
        let token = tokens.issue(OwnerId(7), 3).unwrap();
        let read = tokens.verify(token.expose_secret()).unwrap();
        assert_eq!((read.account, read.generation, read.expires_at.as_second()), (OwnerId(7), 3, NOW + 60));
        let other = tokens.issue(OwnerId(7), 3).unwrap();
        assert_ne!(tokens.verify(other.expose_secret()).unwrap().jti, read.jti);
        now.store(NOW + 59, SeqCst);
        assert!(tokens.verify(token.expose_secret()).is_ok());
        now.store(NOW + 60, SeqCst);
        assert_eq!(tokens.verify(token.expose_secret()).unwrap_err(), BadToken::Expired);
    }

    #[test]
    fn other_algorithms_and_incomplete_claims_are_invalid() {
        let tokens = tokens();
        let claims = json!({ "sub": "7", "jti": "x", "iat": NOW, "exp": NOW + 60, "generation": 0 });
        assert!(tokens.verify(&signed(&tokens, &json!({ "alg": "HS256" }), &claims)).is_ok());
        for alg in ["none", "None", "hs256", "HS512", "RS256", ""] {
            assert!(tokens.verify(&signed(&tokens, &json!({ "alg": alg }), &claims)).is_err(), "{alg}");
        }
        for missing in ["sub", "jti", "exp", "generation"] {
            let mut claims = claims.clone();
            claims.as_object_mut().unwrap().remove(missing);
            assert!(tokens.verify(&signed(&tokens, &json!({ "alg": "HS256" }), &claims)).is_err(), "{missing}");
        }
        for wrong in [json!({ "sub": 7 }), json!({ "sub": "7 OR 1=1" }), json!({ "exp": i64::MAX })] {
            let mut claims = claims.clone();
            claims.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
            assert!(tokens.verify(&signed(&tokens, &json!({ "alg": "HS256" }), &claims)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn tokens_without_a_valid_signature_are_invalid() {
        let tokens = tokens();
        let token = self::tokens().issue(OwnerId(7), 0).unwrap();
        assert_eq!(tokens.verify(token.expose_secret()).unwrap_err(), BadToken::Invalid);
        let own = tokens.issue(OwnerId(7), 0).unwrap();
        let unsigned = own.expose_secret().rsplit_once('.').unwrap().0;
        for token in [unsigned, &format!("{unsigned}."), "", ".", "..", "a.b.c"] {
            assert_eq!(tokens.verify(token).unwrap_err(), BadToken::Invalid, "{token:?}");
        }
    }

    proptest! {
        #[test]
        fn a_token_that_was_changed_anywhere_is_invalid(index in 0..200_usize, inserted in "[A-Za-z0-9_.=+-]") {
            let tokens = tokens();
            let token = tokens.issue(OwnerId(7), 0).unwrap();
            let token = token.expose_secret();
            let index = index % token.len();
            let changed = format!("{}{inserted}{}", &token[..index], &token[index + 1..]);
            prop_assume!(changed != token);
            prop_assert!(tokens.verify(&changed).is_err());
            let longer = format!("{}{inserted}{}", &token[..index], &token[index..]);
            prop_assert!(tokens.verify(&longer).is_err());
        }

        #[test]
        fn other_texts_are_invalid(text in "\\PC{0,200}") {
            prop_assert!(tokens().verify(&text).is_err());
        }
    }
}
