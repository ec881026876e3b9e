//! The limits that requests of this machine are exempt from.

use crate::foundation::config::Limits;

/// Returns a sentence about the limits that do not apply to requests of this machine; `None` if all do.
#[must_use]
pub fn exemption(limits: &Limits) -> Option<String> {
    let Limits { visitor, address, sessions, handovers, feedback, anonymous_input, anonymous_answer, .. } = limits;
    let defaults = [
        ("LIMIT_VISITOR", visitor.is_default),
        ("LIMIT_ADDRESS", address.is_default),
        ("LIMIT_SESSIONS", sessions.is_default),
        ("LIMIT_HANDOVERS", handovers.is_default),
        ("LIMIT_FEEDBACK", feedback.is_default),
        ("LIMIT_ANONYMOUS_INPUT", anonymous_input.is_default),
        ("LIMIT_ANONYMOUS_ANSWER", anonymous_answer.is_default),
    ];
    let names = defaults.into_iter().filter_map(|(name, is_default)| is_default.then_some(name)).collect::<Vec<_>>();
    (!names.is_empty()).then(|| {
        format!(
            "requests of this machine without a proxy's header are exempt from the defaults of {}; set these if visitors can come \
             that way",
            names.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::config::{Config, Source};

    fn sentence(settings: &[(&str, &str)]) -> Option<String> {
        exemption(&Config::read(&Source::of_pairs(settings.iter().copied())).unwrap().limits)
    }

    #[test]
    fn only_defaults_leave_this_machine_out() {
        let visitor = ("LIMIT_VISITOR", "20/minute, 300/day, 200000tokens/day");
        let all = [
            visitor,
            ("LIMIT_ADDRESS", "off"),
            ("LIMIT_SESSIONS", "9/day"),
            ("LIMIT_HANDOVERS", "9/day"),
            ("LIMIT_FEEDBACK", "9/day"),
            ("LIMIT_ANONYMOUS_INPUT", "1MiB"),
            ("LIMIT_ANONYMOUS_ANSWER", "off"),
        ];
        assert_eq!(sentence(&all), None);
        let some = sentence(&all[..1]).unwrap();
        assert!(
            some.contains(
                "defaults of LIMIT_ADDRESS, LIMIT_SESSIONS, LIMIT_HANDOVERS, LIMIT_FEEDBACK, LIMIT_ANONYMOUS_INPUT, LIMIT_ANONYMOUS_ANSWER;"
            ),
            "{some}"
        );
        assert!(sentence(&[]).unwrap().contains("LIMIT_VISITOR, LIMIT_ADDRESS"));
    }
}
