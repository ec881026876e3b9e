//! A search for secrets in everything that a service writes: whole, in part, URL-encoded, in base64 and in hexadecimal digits.

use std::collections::{BTreeMap, HashMap};

use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha256};

/// The length of a part of a secret that counts as a leak, in bytes.
const PART: usize = 10;

/// Returns a random secret of letters and digits, unlike all others.
pub fn canary_word() -> String {
    let random = BASE64_STANDARD.encode(Sha256::digest(uuid::Uuid::new_v4().as_bytes()));
    let mut word = random.replace(['+', '/', '='], "7");
    // A secret is recognized by its form if it has digits, and so are its halves.
    word.replace_range(7..8, "7");
    word
}

/// Returns a random secret, unlike all others, with special characters that encodings change.
pub fn canary() -> String {
    let random = canary_word().into_bytes();
    let pieces = random.chunks(9).map(|piece| String::from_utf8_lossy(piece).into_owned());
    pieces.collect::<Vec<_>>().join("+/")
}

/// The forms in which servers and programs repeat a secret.
pub fn forms(secret: &str) -> Vec<(&'static str, String)> {
    let half = secret.len() / 2;
    let url_encoded = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>();
    let base64 = BASE64_STANDARD.encode(secret);
    let hex = secret.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let json = secret.replace('/', "\\/");
    vec![
        ("whole", secret.to_owned()),
        ("first half", secret[..half].to_owned()),
        ("second half", secret[half..].to_owned()),
        ("URL-encoded", url_encoded),
        ("base64 for URLs", base64.replace('+', "-").replace('/', "_")),
        ("base64", base64),
        ("hexadecimal", hex),
        ("JSON", json),
    ]
}

/// Finds parts of secrets in bytes.
pub struct SecretSearch {
    /// All parts of all forms, each with the name of its secret.
    parts: HashMap<[u8; PART], &'static str>,
    /// Whether a part begins with these two bytes.
    beginnings: Vec<bool>,
}

impl SecretSearch {
    pub fn new() -> Self {
        Self { parts: HashMap::new(), beginnings: vec![false; 1 << 16] }
    }

    /// Searches for this secret, too.
    pub fn add(&mut self, name: &'static str, secret: &str) {
        assert!(secret.len() >= 2 * PART, "{name} is too short to be found");
        for (form, text) in forms(secret) {
            self.add_parts(name, text.as_bytes());
            if form == "base64" {
                // Within a longer text, the bits of a secret can begin at three places.
                for before in ["x", "xx"] {
                    let shifted = BASE64_STANDARD.encode(format!("{before}{secret}"));
                    let shifted = &shifted[4..shifted.len() - 4];
                    self.add_parts(name, shifted.as_bytes());
                    self.add_parts(name, shifted.replace('+', "-").replace('/', "_").as_bytes());
                }
            }
        }
    }

    fn add_parts(&mut self, name: &'static str, bytes: &[u8]) {
        for part in bytes.windows(PART) {
            let part = <[u8; PART]>::try_from(part).expect("a part of this length");
            self.beginnings[beginning(&part)] = true;
            self.parts.insert(part, name);
        }
    }

    /// Returns the names of the secrets of which a part is in these bytes, each with the text around the last one.
    pub fn found_in(&self, bytes: &[u8]) -> BTreeMap<&'static str, String> {
        let parts = bytes.windows(PART).enumerate().filter(|(_, part)| self.beginnings[beginning(part)]);
        let around = |at: usize| &bytes[at.saturating_sub(200)..bytes.len().min(at + 100)];
        let shown = |at| String::from_utf8_lossy(around(at)).into_owned();
        parts.filter_map(|(at, part)| Some((*self.parts.get(part)?, shown(at)))).collect()
    }

    /// Returns the names only.
    pub fn names_in(&self, bytes: &[u8]) -> Vec<&'static str> {
        self.found_in(bytes).into_keys().collect()
    }
}

fn beginning(part: &[u8]) -> usize {
    usize::from(part[0]) << 8 | usize::from(part[1])
}

#[test]
fn every_form_of_a_planted_secret_is_found() {
    let (secret, other) = (canary(), canary());
    let mut search = SecretSearch::new();
    search.add("planted", &secret);
    for (form, text) in forms(&secret) {
        let around = [format!("x{text}"), format!("{{\"error\":\"{text}\"}}"), format!("xx{text}xx")];
        for text in around {
            assert_eq!(search.names_in(text.as_bytes()), ["planted"], "{form}: {text}");
        }
    }
    for before in ["", "a", "ab"] {
        let text = BASE64_STANDARD.encode(format!("{before}{secret}cd"));
        assert_eq!(search.names_in(text.as_bytes()), ["planted"], "{text}");
    }
    for (_, text) in forms(&other) {
        assert_eq!(search.names_in(text.as_bytes()), [""; 0], "{text}");
    }
    assert_eq!(search.names_in(&secret.as_bytes()[..PART - 1]), [""; 0]);
}
