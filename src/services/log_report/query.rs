//! What a report covers, and by what its turns are grouped.

use jiff::{civil::Date, tz::TimeZone};

use super::{damage::DamageKind, fields::Fields, line_parser::parse};
use crate::{
    adapters::{
        log_files::LineEnd,
        session_log::{ChatLine, Event, FeedbackLine},
    },
    domain::time_bound::{TimeBound, is_empty_period},
};

/// The lines that a report covers, and the grouping of its turns. The default covers all lines, without groups.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// The begin of the period.
    pub since: Option<TimeBound>,
    /// The end of the period.
    pub until: Option<TimeBound>,
    /// The time zone of times without an offset; only needed if a bound is an instant.
    pub zone: Option<TimeZone>,
    /// The id of the site.
    pub site: Option<String>,
    /// The name of the model that was called.
    pub model: Option<String>,
    /// The name of the user, or the id of the account or visitor.
    pub user: Option<String>,
    /// The id of the persona.
    pub persona: Option<String>,
    /// The field by which turns are grouped.
    pub by: Option<GroupBy>,
    /// The most groups with figures of their own.
    pub max_groups: MaxGroups,
}

/// The most groups with figures of their own, 4,000 by default. They are the first ones in the log; the others are summed.
#[derive(Clone, Copy, Debug)]
pub struct MaxGroups(pub usize);

impl Default for MaxGroups {
    fn default() -> Self {
        Self(4000)
    }
}

/// A field by which turns are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// The hour of the turn's end in the log's time zone.
    Hour,
    /// The day of the turn's end in the log's time zone.
    Day,
    /// The model that was called.
    Model,
    /// The site.
    Site,
    /// The name of the user.
    User,
    /// The error code; none for answered turns.
    Code,
    /// The persona.
    Persona,
    /// The API key with which a server has asked.
    Key,
}

impl Query {
    /// Returns whether no time is both after `since` and before `until`.
    #[must_use]
    pub fn has_empty_period(&self) -> bool {
        is_empty_period(self.since.as_ref(), self.until.as_ref(), self.zone.as_ref())
    }

    /// Returns whether the file of a day may have lines that are covered. With a day of margin on both sides: the time zone of the
    /// log may have changed since.
    pub(super) fn may_cover_day(&self, day: Date) -> bool {
        let zone = self.zone.clone().unwrap_or(TimeZone::UTC);
        let is_before = |since: &TimeBound| day.tomorrow().is_ok_and(|next| next < since.day(&zone));
        let is_after = |until: &TimeBound| day.yesterday().is_ok_and(|previous| previous > until.day(&zone));
        !self.since.as_ref().is_some_and(is_before) && !self.until.as_ref().is_some_and(is_after)
    }

    /// Returns whether a line is covered, or what is wrong with it.
    pub fn covers_line(&self, line: &[u8], end: LineEnd) -> Result<bool, DamageKind> {
        Ok(self.covers(&parse(line, end)?))
    }

    /// Returns whether the fields of a line are covered. Lines without a field that is asked for, such as the model of a session's line, are
    /// not.
    pub(super) fn covers(&self, fields: &Fields<'_>) -> bool {
        let timestamp = fields.timestamp.as_deref().unwrap_or_default();
        let has = |wanted: &Option<String>, value: Option<&str>| wanted.as_deref().is_none_or(|it| value == Some(it));
        self.since.as_ref().is_none_or(|since| since.begins_before(timestamp, self.zone.as_ref()))
            && self.until.as_ref().is_none_or(|until| until.ends_after(timestamp, self.zone.as_ref()))
            && has(&self.site, fields.site.as_deref())
            && has(&self.model, fields.model.as_deref().filter(|_| has_answered(fields)))
            && has(&self.persona, fields.persona.as_deref())
            && self.user.as_ref().is_none_or(|user| is_of(fields, user))
    }
}

/// Returns whether the model of a line has answered.
fn has_answered(fields: &Fields<'_>) -> bool {
    matches!(fields.event.as_deref(), Some(ChatLine::NAME | FeedbackLine::NAME))
}

fn is_of(fields: &Fields<'_>, user: &str) -> bool {
    fields.username.as_deref() == Some(user) || fields.user_id.is_some_and(|id| user.parse() == Ok(id))
}

impl GroupBy {
    /// All fields.
    pub const ALL: &[Self] =
        &[Self::Hour, Self::Day, Self::Model, Self::Site, Self::User, Self::Code, Self::Persona, Self::Key];

    /// Returns the group of a turn; `None` if the turn lacks the field.
    pub(super) fn key<'f>(self, fields: &'f Fields<'_>) -> Option<&'f str> {
        match self {
            Self::Hour => fields.hour(),
            Self::Day => fields.day(),
            Self::Model => fields.model.as_deref(),
            Self::Site => fields.site.as_deref(),
            Self::User => fields.username.as_deref(),
            Self::Code => fields.code.as_deref(),
            Self::Persona => fields.persona.as_deref(),
            Self::Key => fields.api_key.as_deref(),
        }
    }

    /// Returns whether lines of feedback have the field.
    pub(super) fn has_feedback(self) -> bool {
        !matches!(self, Self::User | Self::Code)
    }

    /// Returns the name of the field for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Model => "model",
            Self::Site => "site",
            Self::User => "user",
            Self::Code => "code",
            Self::Persona => "persona",
            Self::Key => "key",
        }
    }

    /// Returns whether the groups are parts of time, which follow each other.
    #[must_use]
    pub fn is_time(self) -> bool {
        matches!(self, Self::Hour | Self::Day)
    }
}
