//! Redaction of other services' texts for the diagnostics: without secrets, on one line, and short.

use memchr::memmem;

use crate::foundation::secret::ApiKey;

/// The longest redacted text, in characters.
const MAX_CHARS: usize = 300;

/// The replacement for a secret.
const REDACTED: &str = "[redacted]";

/// Prefixes of API keys of known providers.
const KEY_PREFIXES: [&str; 8] = ["sk-", "sk_", "pk-", "gsk_", "AIza", "xai-", "hf_", "alk_"];

/// The shortest run of letters and digits, both present, that counts as a secret, in bytes.
const MIN_SECRET_BYTES: usize = 16;

/// The shortest sequence shared with the key that counts as a part of the key, in bytes.
const MIN_SHARED_KEY_BYTES: usize = 6;

/// The replacement for a repetition of a text that was sent.
const REPETITION: &str = "[…]";

/// The shortest sequence of letters and digits that counts as a repetition, in bytes.
const MIN_REPETITION_BYTES: usize = 10;

/// The shortest sent text that is searched for, in bytes. Shorter ones would be found everywhere.
const MIN_SENT_BYTES: usize = 4;

/// The most sent text that is compared, in bytes. If more was sent, the text is not shown at all.
const MAX_COMPARED: usize = 256 << 10;

/// Removes repetitions of the sent texts, which may be private, from `text`. Only letters and digits are compared, so that
/// white space, escapes and quotation marks make no difference. Sent texts shorter than `MIN_REPETITION_BYTES` are found
/// only as a whole.
#[must_use]
pub fn without_repetitions<'a>(text: &str, sent: impl Iterator<Item = &'a str> + Clone) -> String {
    if sent.clone().map(str::len).sum::<usize>() > MAX_COMPARED {
        return "not shown: it may repeat the conversation, which is long".to_owned();
    }
    let (letters, positions) = letters_of(text);
    let mut is_repeated = vec![false; text.len()];
    for other in sent.map(|other| letters_of(other).0).filter(|other| other.len() >= MIN_SENT_BYTES) {
        let length = other.len().min(MIN_REPETITION_BYTES);
        for (start, part) in letters.as_bytes().windows(length).enumerate() {
            if memmem::find(other.as_bytes(), part).is_some() {
                is_repeated[positions[start]..=positions[start + length - 1]].fill(true);
            }
        }
    }
    shown(text, &is_repeated)
}

/// Returns the letters and digits of a text in lower case, and for each of their bytes the position of its character in the
/// text.
fn letters_of(text: &str) -> (String, Vec<usize>) {
    let mut letters = String::with_capacity(text.len());
    let mut positions = Vec::with_capacity(text.len());
    for (at, c) in text.char_indices().filter(|(_, c)| c.is_alphanumeric()) {
        letters.extend(c.to_lowercase());
        positions.resize(letters.len(), at);
    }
    (letters, positions)
}

/// Replaces each run of repeated bytes by [`REPETITION`].
fn shown(text: &str, is_repeated: &[bool]) -> String {
    let mut shown = String::new();
    let mut was_repeated = false;
    for (at, c) in text.char_indices() {
        if !is_repeated[at] {
            shown.push(c);
        } else if !was_repeated {
            shown.push_str(REPETITION);
        }
        was_repeated = is_repeated[at];
    }
    shown
}

/// Returns the text on one line, cut to `MAX_CHARS`, with possible secrets replaced: parts of `keys`, keys of known
/// providers, long random strings, and URLs with a user name.
#[must_use]
pub fn redacted<'k>(text: &str, keys: &(impl IntoIterator<Item = &'k ApiKey> + Clone)) -> String {
    let mut shown = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if shown.chars().count() > MAX_CHARS {
            break;
        }
        if !shown.is_empty() {
            shown.push(' ');
        }
        shown.push_str(if is_secret(word, keys.clone()) { REDACTED } else { word });
    }
    match shown.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

fn is_secret<'k>(word: &str, keys: impl IntoIterator<Item = &'k ApiKey>) -> bool {
    let is_alphanumeric = |c: char| c.is_ascii_alphanumeric();
    let has_prefix = KEY_PREFIXES.iter().any(|prefix| word.contains(prefix));
    let has_user_info = word.contains("://") && word.contains('@');
    let is_random = |run: &str| {
        let digits = run.bytes().filter(u8::is_ascii_digit).count();
        run.len() >= MIN_SECRET_BYTES && digits > 0 && digits < run.len()
    };
    has_prefix
        || has_user_info
        || word.split(|c| !is_alphanumeric(c)).any(is_random)
        || keys.into_iter().any(|key| key.shares_part_with(word, MIN_SHARED_KEY_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_replaced() {
        let key = ApiKey::parse("my-own-key-material-77");
        let shown = |text| redacted(text, &key.as_ref());
        assert_eq!(shown("Incorrect API key provided: sk-abc***xyz."), "Incorrect API key provided: [redacted]");
        assert_eq!(shown("token a8f5f167f44f4964e6c998dee827110c is bad"), "token [redacted] is bad");
        assert_eq!(shown("key 'own-key-mat…' refused"), "key [redacted] refused");
        assert_eq!(shown("see https://user:pass@proxy.example/x"), "see [redacted]");
    }

    #[test]
    fn repetitions_of_sent_texts_are_removed() {
        let shown = |text, sent: &[&str]| without_repetitions(text, sent.iter().copied());
        assert_eq!(shown("cannot read: You are Eva. Bye", &["You are Eva.", "x"]), "cannot read: […]. Bye");
        let story = "bad value 'tell me a secret story' here";
        assert_eq!(shown(story, &["Now tell me a secret story!"]), "bad value '[…]' here");
        assert_eq!(shown("cannot read: Zoë", &["Zoë!"]), "cannot read: […]");
        assert_eq!(shown("context too long", &["so long", ""]), "context too long");
        assert!(shown("x", &["a".repeat(MAX_COMPARED + 1).as_str()]).starts_with("not shown"));
    }

    #[test]
    fn white_space_hides_no_repetition() {
        let shown = |text| without_repetitions(text, std::iter::once("Anna\nBerlin\n4711  0815"));
        assert_eq!(shown("invalid: anna berlin 4711 0815, sorry"), "invalid: […], sorry");
        assert_eq!(shown("ANNA-BERLIN 4711"), "[…]");
    }

    #[test]
    fn plain_words_are_not_redacted() {
        let text = "The model `gpt-4o-mini-2024-07-18` does not exist; request 019aa5b1-7c3e-7d10-b1f4-5a5c1b0f9e27";
        assert_eq!(redacted(text, &None), text);
    }

    #[test]
    fn long_and_broken_texts_are_shortened() {
        let text = redacted(&format!("a\n\tb\u{7} {}", "word ".repeat(200)), &None);
        assert!(text.starts_with("a b word word"), "{text}");
        assert_eq!(text.chars().count(), MAX_CHARS + 1);
    }
}
