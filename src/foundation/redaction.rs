//! Texts of other services, made fit for the diagnostics: without secrets, on one line, and short.

use memchr::memmem;

use crate::foundation::secret::ApiKey;

/// The longest text shown, in characters.
const MAX_CHARS: usize = 300;

/// What stands in the place of a secret.
const REDACTED: &str = "[redacted]";

/// The beginnings of keys of known providers.
const KEY_PREFIXES: [&str; 8] = ["sk-", "sk_", "pk-", "gsk_", "AIza", "xai-", "hf_", "alk_"];

/// From this many letters and digits on, a mixed run of both is taken for a secret.
const SECRET_RUN: usize = 16;

/// From this many bytes in common with the key on, a word is taken for a part of it.
const KEY_PART: usize = 6;

/// What stands in the place of a repetition of what was sent.
const REPEATED: &str = "[…]";

/// From this many letters and digits in common on, in bytes, a text repeats another one.
const REPETITION: usize = 10;

/// A shorter text is not looked for: it would be found everywhere.
const SHORTEST_SOUGHT: usize = 4;

/// How much of what was sent is compared, in bytes; with more of it, no text is shown.
const MAX_COMPARED: usize = 256 << 10;

/// The text without what it repeats of these other texts, which may be private. Only letters and digits are compared, so
/// that blanks, line breaks, escapes and quotation marks make no difference. Short texts are found only as a whole.
#[must_use]
pub fn without_repetitions<'a>(text: &str, sent: impl Iterator<Item = &'a str> + Clone) -> String {
    if sent.clone().map(str::len).sum::<usize>() > MAX_COMPARED {
        return "not shown: it may repeat the conversation, which is long".to_owned();
    }
    let (letters, places) = letters_of(text);
    let mut is_repeated = vec![false; text.len()];
    for other in sent.map(|other| letters_of(other).0).filter(|other| other.len() >= SHORTEST_SOUGHT) {
        let length = other.len().min(REPETITION);
        for (start, part) in letters.as_bytes().windows(length).enumerate() {
            if memmem::find(other.as_bytes(), part).is_some() {
                is_repeated[places[start]..=places[start + length - 1]].fill(true);
            }
        }
    }
    shown(text, &is_repeated)
}

/// The letters and digits of a text in lower case, and for each of their bytes where its character begins in the text.
fn letters_of(text: &str) -> (String, Vec<usize>) {
    let mut letters = String::with_capacity(text.len());
    let mut places = Vec::with_capacity(text.len());
    for (at, c) in text.char_indices().filter(|(_, c)| c.is_alphanumeric()) {
        letters.extend(c.to_lowercase());
        places.resize(letters.len(), at);
    }
    (letters, places)
}

/// The text with one mark in the place of each run of repeated bytes.
fn shown(text: &str, is_repeated: &[bool]) -> String {
    let mut shown = String::new();
    let mut was_repeated = false;
    for (at, c) in text.char_indices() {
        if !is_repeated[at] {
            shown.push(c);
        } else if !was_repeated {
            shown.push_str(REPEATED);
        }
        was_repeated = is_repeated[at];
    }
    shown
}

/// The text on one line, cut to 300 characters, with everything replaced that is or may be a secret: parts of `key`,
/// keys of known providers, long random strings, and the user information of URLs.
#[must_use]
pub fn redacted(text: &str, key: Option<&ApiKey>) -> String {
    let mut shown = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if shown.chars().count() > MAX_CHARS {
            break;
        }
        if !shown.is_empty() {
            shown.push(' ');
        }
        shown.push_str(if is_secret(word, key) { REDACTED } else { word });
    }
    match shown.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

fn is_secret(word: &str, key: Option<&ApiKey>) -> bool {
    let is_alphanumeric = |c: char| c.is_ascii_alphanumeric();
    let has_prefix = KEY_PREFIXES.iter().any(|prefix| word.contains(prefix));
    let has_user_info = word.contains("://") && word.contains('@');
    let is_random = |run: &str| {
        let digits = run.bytes().filter(u8::is_ascii_digit).count();
        run.len() >= SECRET_RUN && digits > 0 && digits < run.len()
    };
    has_prefix
        || has_user_info
        || word.split(|c| !is_alphanumeric(c)).any(is_random)
        || key.is_some_and(|key| key.shares_part_with(word, KEY_PART))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_replaced() {
        let key = ApiKey::parse("my-own-key-material-77");
        let shown = |text| redacted(text, key.as_ref());
        assert_eq!(shown("Incorrect API key provided: sk-abc***xyz."), "Incorrect API key provided: [redacted]");
        assert_eq!(shown("token a8f5f167f44f4964e6c998dee827110c is bad"), "token [redacted] is bad");
        assert_eq!(shown("key 'own-key-mat…' refused"), "key [redacted] refused");
        assert_eq!(shown("see https://user:pass@proxy.example/x"), "see [redacted]");
    }

    #[test]
    fn repetitions_of_what_was_sent_are_left_out() {
        let shown = |text, sent: &[&str]| without_repetitions(text, sent.iter().copied());
        assert_eq!(shown("cannot read: You are Eva. Bye", &["You are Eva.", "x"]), "cannot read: […]. Bye");
        let story = "bad value 'tell me a secret story' here";
        assert_eq!(shown(story, &["Now tell me a secret story!"]), "bad value '[…]' here");
        assert_eq!(shown("cannot read: Zoë", &["Zoë!"]), "cannot read: […]");
        assert_eq!(shown("context too long", &["so long", ""]), "context too long");
        assert!(shown("x", &["a".repeat(MAX_COMPARED + 1).as_str()]).starts_with("not shown"));
    }

    #[test]
    fn blanks_and_line_breaks_hide_no_repetition() {
        let shown = |text| without_repetitions(text, std::iter::once("Anna\nBerlin\n4711  0815"));
        assert_eq!(shown("invalid: anna berlin 4711 0815, sorry"), "invalid: […], sorry");
        assert_eq!(shown("ANNA-BERLIN 4711"), "[…]");
    }

    #[test]
    fn plain_words_stay() {
        let text = "The model `gpt-4o-mini-2024-07-18` does not exist; request 019aa5b1-7c3e-7d10-b1f4-5a5c1b0f9e27";
        assert_eq!(redacted(text, None), text);
    }

    #[test]
    fn long_and_broken_texts_are_shortened() {
        let text = redacted(&format!("a\n\tb\u{7} {}", "word ".repeat(200)), None);
        assert!(text.starts_with("a b word word"), "{text}");
        assert_eq!(text.chars().count(), MAX_CHARS + 1);
    }
}
