//! The fields of a line that a report needs. Fields of other events, of earlier versions and of later ones may be missing.

use std::{borrow::Cow, fmt, ops::Deref};

use serde::{Deserialize, Deserializer, de};
use uuid::Uuid;

use crate::domain::log_position::LogPosition;

/// The fields of any event. Texts without escapes are not copied.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fields<'a> {
    #[serde(borrow)]
    pub(super) event: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) timestamp: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) date: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) instance: Option<Text<'a>>,
    pub(super) seq: Option<u64>,
    #[serde(borrow)]
    pub(super) session_id: Option<Text<'a>>,
    pub(super) user_id: Option<i64>,
    #[serde(borrow)]
    pub(super) username: Option<Text<'a>>,
    pub(super) is_guest: Option<bool>,
    #[serde(borrow)]
    pub(super) api_key: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) site: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) model: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) requested_model: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) persona: Option<Text<'a>>,
    pub(super) prompt_tokens: Option<u64>,
    pub(super) completion_tokens: Option<u64>,
    #[serde(borrow)]
    pub(super) usage_source: Option<Text<'a>>,
    pub(super) cost_usd: Option<f64>,
    pub(super) latency_ms: Option<f64>,
    pub(super) first_word_ms: Option<f64>,
    pub(super) attempts: Option<u64>,
    pub(super) status: Option<u16>,
    #[serde(borrow)]
    pub(super) code: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) finish: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) credential_source: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) key_lookup: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) calls: Vec<Call<'a>>,
    #[serde(borrow)]
    pub(super) endpoint: Option<Text<'a>>,
    pub(super) count: Option<u64>,
    pub(super) duration_seconds: Option<f64>,
    #[serde(borrow)]
    pub(super) closed_by: Option<Text<'a>>,
    pub(super) server_metrics: Option<CountedBySession>,
    pub(super) turns_cut_off: Option<u64>,
    pub(super) lines_refused: Option<u64>,
    #[serde(borrow)]
    pub(super) rating: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) previous_rating: Option<Text<'a>>,
}

/// A call to a model in a turn, one of `calls`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Call<'a> {
    #[serde(borrow)]
    pub(super) model: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) code: Option<Text<'a>>,
}

/// The numbers of a session's turns, `server_metrics`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CountedBySession {
    pub(super) turns: Option<u64>,
    pub(super) cost_usd: Option<f64>,
}

impl Fields<'_> {
    /// Returns the day in the log's time zone, `YYYY-MM-DD`.
    pub(super) fn day(&self) -> Option<&str> {
        self.date.as_deref().or_else(|| self.timestamp.as_deref()?.get(..10)).filter(|day| has_form(day, b"0000-00-00"))
    }

    /// Returns the hour in the log's time zone, `YYYY-MM-DDTHH`.
    pub(super) fn hour(&self) -> Option<&str> {
        self.timestamp.as_deref()?.get(..13).filter(|hour| has_form(hour, b"0000-00-00T00"))
    }

    /// Returns the line's position in the log; `None` for lines of earlier versions.
    pub(super) fn position(&self) -> Option<LogPosition> {
        let instance = Uuid::try_parse(self.instance.as_deref()?).ok()?;
        Some(LogPosition { instance, seq: self.seq? })
    }

    /// Returns whether the turn ended without an answer. Earlier versions wrote no code.
    pub(super) fn is_error(&self) -> bool {
        self.code.is_some() || self.status.is_some_and(|status| status >= 400)
    }
}

/// Returns whether a text has digits where the form has zeros, and otherwise the form's characters.
fn has_form(text: &str, form: &[u8]) -> bool {
    let fits = |(byte, form): (u8, &u8)| if *form == b'0' { byte.is_ascii_digit() } else { byte == *form };
    text.len() == form.len() && text.bytes().zip(form).all(fits)
}

/// A text that borrows from the line unless it has escapes. (serde copies the text of an `Option<Cow<str>>`.)
#[derive(Debug)]
pub(super) struct Text<'a>(Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> de::Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}
