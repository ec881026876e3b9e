//! Secrets that sign events as Standard Webhooks demand.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use ring::hmac;

/// The beginning of a secret as text.
const PREFIX: &str = "whsec_";

/// The sizes of a secret in bytes, as the specification demands.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// The secrets that sign events: a receiver accepts an event if one of the signatures is right. Their `Debug` output holds
/// no part of them.
#[derive(Clone)]
pub struct WebhookSecrets(Vec<hmac::Key>);

impl WebhookSecrets {
    /// Parses comma-separated secrets, each `whsec_` and 24 to 64 bytes in base64. Returns `None` if one is of another form
    /// or there is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let secrets = text.split(',').map(|secret| parse_one(secret.trim())).collect::<Option<Vec<_>>>()?;
        Some(Self(secrets))
    }

    /// Returns the value of the header `webhook-signature`: the signature of each secret. `timestamp` is in seconds since
    /// 1970.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        let signed = format!("{id}.{timestamp}.{body}");
        let sign = |key| format!("v1,{}", BASE64_STANDARD.encode(hmac::sign(key, signed.as_bytes())));
        self.0.iter().map(sign).collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Debug for WebhookSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecrets")
    }
}

fn parse_one(text: &str) -> Option<hmac::Key> {
    let bytes = BASE64_STANDARD.decode(text.strip_prefix(PREFIX)?).ok()?;
    BYTES.contains(&bytes.len()).then(|| hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's reference libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn an_event_is_signed_as_the_specification_demands() {
        let secrets = WebhookSecrets::parse(SECRET).unwrap();
        let signature = secrets.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn each_of_several_secrets_signs() {
        let other = format!("whsec_{}", BASE64_STANDARD.encode([7; 24]));
        let [one, two, both] = [SECRET, &other, &format!("{SECRET}, {other}")]
            .map(|text| WebhookSecrets::parse(text).unwrap().sign("turn_1", 1, "{}"));
        assert_eq!(both, format!("{one} {two}"));
        assert_ne!(one, two);
    }

    #[test]
    fn secrets_of_other_forms_are_refused_and_none_is_printed() {
        let (short, long) = (BASE64_STANDARD.encode([7; 23]), BASE64_STANDARD.encode([7; 65]));
        let others = ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_not base64", &format!("{SECRET},")];
        for text in others.into_iter().chain([&*format!("whsec_{short}"), &format!("whsec_{long}")]) {
            assert!(WebhookSecrets::parse(text).is_none(), "{text}");
        }
        assert_eq!(format!("{:?}", WebhookSecrets::parse(SECRET).unwrap()), "WebhookSecrets");
    }
}
