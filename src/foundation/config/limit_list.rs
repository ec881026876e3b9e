//! Limits of usage in their text form, such as `20/minute, 300/day, 200000tokens/day, 1.50usd/day` or `off`.

use std::fmt;

use super::parse::{list, pico_per_token};

/// The number of pico-dollars in a millionth of a dollar.
const PICO_PER_MICRO: u64 = 1_000_000;

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LimitUnit {
    /// Turns for which a model was asked.
    Turns,
    /// Tokens of prompts and answers.
    Tokens,
    /// US dollars, counted in pico-dollars (10⁻¹²).
    Dollars,
}

impl LimitUnit {
    /// Returns the name used on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Turns => "turns",
            Self::Tokens => "tokens",
            Self::Dollars => "usd",
        }
    }
}

/// The time for which a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LimitWindow {
    /// A minute of the clock.
    Minute,
    /// A day of UTC.
    Day,
}

impl LimitWindow {
    /// Both windows.
    pub const ALL: [Self; 2] = [Self::Minute, Self::Day];

    /// Returns the name used on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Day => "day",
        }
    }

    /// Returns the length in seconds.
    #[must_use]
    pub fn seconds(self) -> u32 {
        match self {
            Self::Minute => 60,
            Self::Day => 86_400,
        }
    }
}

/// A limit: at most this amount in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The amount, at least 1; of dollars, in pico-dollars.
    pub amount: u64,
    /// What is counted.
    pub unit: LimitUnit,
    /// For how long it is counted.
    pub window: LimitWindow,
}

/// Limits of different units and windows; empty for `off`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitList(Vec<Limit>);

/// The error for a text that is no list of limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLimits {
    /// An entry has another form, or the text is blank.
    #[error(
        "limits such as 20/minute, 300/day, 200000tokens/day, 1.50usd/day, or off; each entry is a number, a unit (none for \
         turns, tokens or usd) and a window"
    )]
    Form,
    /// An entry names another unit.
    #[error(
        "limits whose units are turns (which may be left out), tokens or usd, such as 300/day, 200000tokens/day, 1.50usd/day"
    )]
    Unit,
    /// An entry names another window.
    #[error("limits per minute or per day, such as 20/minute, 300/day")]
    Window,
    /// An amount is zero, too large, or has a fraction that its unit has not.
    #[error(
        "limits of whole turns and tokens, and of dollars with at most six decimals, more than 0 each; off sets no limit"
    )]
    Amount,
    /// Two entries have the same unit and window.
    #[error("limits with different units or windows: two of them count the same")]
    Twice,
}

impl LimitList {
    /// Parses a comma-separated list of limits, or `off`, in any case.
    pub fn parse(text: &str) -> Result<Self, InvalidLimits> {
        let text = text.trim().to_ascii_lowercase();
        if text == "off" {
            return Ok(Self::default());
        }
        let mut limits = Vec::<Limit>::new();
        for entry in list(&text) {
            let limit = parse_limit(entry)?;
            if limits.iter().any(|other| (other.unit, other.window) == (limit.unit, limit.window)) {
                return Err(InvalidLimits::Twice);
            }
            limits.push(limit);
        }
        if limits.is_empty() { Err(InvalidLimits::Form) } else { Ok(Self(limits)) }
    }

    /// Returns the limits in the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = Limit> + '_ {
        self.0.iter().copied()
    }

    /// Whether there is no limit.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the amount of a unit that is allowed in a window; `None` without such a limit.
    #[must_use]
    pub fn amount(&self, unit: LimitUnit, window: LimitWindow) -> Option<u64> {
        self.iter().find(|limit| (limit.unit, limit.window) == (unit, window)).map(|limit| limit.amount)
    }
}

fn parse_limit(entry: &str) -> Result<Limit, InvalidLimits> {
    let (quantity, window) = entry.split_once('/').ok_or(InvalidLimits::Form)?;
    let (quantity, window) = (quantity.trim(), window.trim());
    let split = quantity.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(quantity.len());
    let (number, unit) = quantity.split_at(split);
    if number.is_empty() {
        return Err(InvalidLimits::Form);
    }
    let unit = match unit.trim() {
        "" | "turns" | "turn" => LimitUnit::Turns,
        "tokens" | "token" => LimitUnit::Tokens,
        "usd" => LimitUnit::Dollars,
        _ => return Err(InvalidLimits::Unit),
    };
    let window = match window {
        "minute" => LimitWindow::Minute,
        "day" => LimitWindow::Day,
        _ => return Err(InvalidLimits::Window),
    };
    let amount = match unit {
        LimitUnit::Turns | LimitUnit::Tokens => number.parse::<u64>().ok(),
        // Dollars per million tokens are millionths of a dollar per token.
        LimitUnit::Dollars => pico_per_token(number).and_then(|micro| micro.checked_mul(PICO_PER_MICRO)),
    };
    let is_valid = |amount: &u64| *amount > 0 && i64::try_from(*amount).is_ok();
    Ok(Limit { amount: amount.filter(is_valid).ok_or(InvalidLimits::Amount)?, unit, window })
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.unit {
            LimitUnit::Turns => write!(f, "{}", self.amount)?,
            LimitUnit::Tokens => write!(f, "{}tokens", self.amount)?,
            LimitUnit::Dollars => {
                let micro = self.amount / PICO_PER_MICRO;
                let decimals = format!("{:06}", micro % 1_000_000);
                // Cents are always shown.
                let (cents, rest) = decimals.split_at(2);
                write!(f, "{}.{cents}{}usd", micro / 1_000_000, rest.trim_end_matches('0'))?;
            }
        }
        write!(f, "/{}", self.window.as_str())
    }
}

impl fmt::Display for LimitList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_off() {
            return f.write_str("off");
        }
        for (index, limit) in self.0.iter().enumerate() {
            write!(f, "{}{limit}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lists_are_parsed_and_shown() {
        for (text, shown) in [
            ("20/minute, 300/day, 200000tokens/day, 1.50usd/day", "20/minute, 300/day, 200000tokens/day, 1.50usd/day"),
            (" 5 Turns / Minute ,.000001 USD/day,", "5/minute, 0.000001usd/day"),
            ("2usd/minute,1token/minute", "2.00usd/minute, 1tokens/minute"),
            ("OFF", "off"),
        ] {
            assert_eq!(LimitList::parse(text).map(|limits| limits.to_string()).as_deref(), Ok(shown), "{text}");
        }
        let limits = LimitList::parse("20/minute, 1.5usd/day").unwrap();
        assert_eq!(limits.amount(LimitUnit::Turns, LimitWindow::Minute), Some(20));
        assert_eq!(limits.amount(LimitUnit::Dollars, LimitWindow::Day), Some(1_500_000_000_000));
        assert_eq!(limits.amount(LimitUnit::Turns, LimitWindow::Day), None);
    }

    #[test]
    fn each_mistake_has_its_sentence() {
        use InvalidLimits::{Amount, Form, Twice, Unit, Window};
        for (text, expected) in [
            ("", Form),
            ("none", Form),
            ("20", Form),
            ("/minute", Form),
            ("usd/day", Form),
            ("-1/day", Form),
            ("5eur/day", Unit),
            ("5 tokens a day/day", Unit),
            ("5/hour", Window),
            ("5/", Window),
            ("5/day/minute", Window),
            ("0/day", Amount),
            ("1.5/day", Amount),
            ("0usd/day", Amount),
            ("0.0000001usd/day", Amount),
            ("99999999999999999999/day", Amount),
            ("99999999999usd/day", Amount),
            ("5/day, 6turns/day", Twice),
            ("off, 5/day", Form),
        ] {
            assert_eq!(LimitList::parse(text), Err(expected), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_parsed_to_the_same(turns in 1..=i64::MAX as u64, tokens in 1..=i64::MAX as u64, micro in 1..9_000_000_000_000_u64) {
            let limit = |amount, unit, window| Limit { amount, unit, window };
            let limits = LimitList(vec![
                limit(turns, LimitUnit::Turns, LimitWindow::Minute),
                limit(tokens, LimitUnit::Tokens, LimitWindow::Day),
                limit(micro * PICO_PER_MICRO, LimitUnit::Dollars, LimitWindow::Day),
            ]);
            prop_assert_eq!(LimitList::parse(&limits.to_string()), Ok(limits));
        }

        #[test]
        fn no_text_panics(text in "[0-9a-z./, ]{0,40}") {
            let _ = LimitList::parse(&text);
        }
    }
}
