//! The headers that tell clients what is left of their limits (draft-ietf-httpapi-ratelimit-headers, in the form with two
//! fields): of the limit that has refused the request, or else of the one that is nearest to its end.

use std::time::Duration;

use poem::http::{HeaderMap, HeaderValue};
use poem_openapi::{registry::MetaHeader, types::Type};

use crate::{domain::limits::Standing, foundation::config::LimitUnit};

/// The header with the limit.
const POLICY: &str = "RateLimit-Policy";

/// The header with what is left of it.
const LEFT: &str = "RateLimit";

/// The pico-dollars of a millionth of a dollar, the unit of money in answers.
const PICO_PER_MICRO: u64 = 1_000_000;

/// Returns how much of a limit's amount is one of its unit in answers: of money, a millionth of a dollar.
pub(super) fn scale(unit: LimitUnit) -> u64 {
    match unit {
        LimitUnit::Turns | LimitUnit::Tokens => 1,
        LimitUnit::Dollars => PICO_PER_MICRO,
    }
}

/// Returns a time in whole seconds, rounded up.
pub(super) fn seconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis().div_ceil(1000)).unwrap_or(u64::MAX)
}

/// Adds the headers to those of a response.
pub(super) fn add(headers: &mut HeaderMap, Standing { scope, limit, remaining, resets_in }: &Standing) {
    let (name, window) = (scope.as_str(), limit.window.seconds());
    let unit = match limit.unit {
        LimitUnit::Turns => "",
        LimitUnit::Tokens => ";qu=\"tokens\"",
        LimitUnit::Dollars => ";qu=\"usd-micros\"",
    };
    let scale = scale(limit.unit);
    let (quota, left, resets_in) = (limit.amount / scale, remaining / scale, seconds(*resets_in));
    let policy = format!("\"{name}\";q={quota}{unit};w={window}");
    let rest = format!("\"{name}\";r={left};t={resets_in}");
    for (name, value) in [(POLICY, policy), (LEFT, rest)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
}

/// Returns the headers for the contract.
pub(super) fn declared_headers() -> Vec<MetaHeader> {
    let header = |name: &str, description: &str| MetaHeader {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        required: false,
        deprecated: false,
        schema: String::schema_ref(),
    };
    vec![
        header(
            POLICY,
            "The limit that has refused the request, or else the one that is nearest to its end: its name, the quota `q` of turns (or of the unit `qu`: `tokens`, or \
             `usd-micros`, millionths of a US dollar), and its window `w` in seconds.",
        ),
        header(
            LEFT,
            "What is left of that limit: the rest `r`, and the seconds `t` until the window ends, or until a refused request \
                      may be repeated.",
        ),
    ]
}
