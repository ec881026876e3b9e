//! Tokens that are sent to hooks.

use std::fmt;

use reqwest::header::HeaderValue;

/// The token that a hook expects. Its `Debug` output holds nothing of it.
#[derive(Clone)]
pub struct HookToken(HeaderValue);

impl HookToken {
    /// Parses a token: visible ASCII characters, as a header can hold.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let can_be_sent = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        let mut bearer = HeaderValue::try_from(format!("Bearer {text}")).ok().filter(|_| can_be_sent)?;
        bearer.set_sensitive(true);
        Some(Self(bearer))
    }

    /// Returns the `Authorization` header's value, `Bearer TOKEN`, marked as sensitive.
    #[must_use]
    pub fn bearer(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl fmt::Debug for HookToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HookToken")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_sent_and_not_printed() {
        let token = HookToken::parse("s3cret").unwrap();
        assert_eq!(token.bearer(), "Bearer s3cret");
        assert!(token.bearer().is_sensitive());
        assert_eq!(format!("{token:?}"), "HookToken");
        for text in ["", "two words", "é", "a\nb"] {
            assert!(HookToken::parse(text).is_none(), "{text:?}");
        }
    }
}
