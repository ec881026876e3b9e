//! Names and passwords in Unicode, in the form in which they are compared (PRECIS, RFC 8264 to 8266).
//!
//! The same text can be typed in different ways: `é` as one character or as two, in wide letters, with different spaces.
//! Names and passwords must match in each of them.

use std::borrow::Cow;

use precis_profiles::{
    Nickname, OpaqueString,
    precis_core::{
        DerivedPropertyValue, FreeformClass, StringClass,
        profile::{Rules, stabilize},
    },
};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Returns a name as it is shown (the enforcement of RFC 8266): without differences of spaces, width and composition. Returns
/// `None` if it has characters that cannot be seen or change those around them.
#[must_use]
pub fn shown_name(text: &str) -> Option<String> {
    let profile = Nickname::new();
    let name = stabilize(text, |text| profile.normalization_rule(profile.additional_mapping_rule(text)?)).ok()?;
    is_visible(&name).then(|| name.into_owned())
}

/// Returns a name in the form in which it is compared: without differences of case, width and composition. Converts to upper
/// case first, since some letters have two lower-case forms, such as the Greek sigma.
#[must_use]
pub fn folded_name(text: &str) -> String {
    let folded =
        stabilize(text, |text| Ok(text.trim().to_uppercase().to_lowercase().nfkc().collect::<String>().into()));
    folded.map_or_else(|_| text.to_owned(), Cow::into_owned)
}

/// Returns a password in the form in which it is hashed (RFC 8265, 4.2), but without refusing any character: what somebody has
/// chosen, they can enter.
#[must_use]
pub fn entered_password(text: &str) -> String {
    let profile = OpaqueString::new();
    let mapped = profile.additional_mapping_rule(text).and_then(|mapped| profile.normalization_rule(mapped));
    mapped.map_or_else(|_| text.to_owned(), Cow::into_owned)
}

/// Returns whether a text has no characters that cannot be seen or change those around them (RFC 8264, 4.3). Letters, digits
/// and emoji that are newer than the tables of the standard are accepted.
#[must_use]
pub fn is_visible(text: &str) -> bool {
    let class = FreeformClass::default();
    let is_new = |c: &char| class.get_value_from_char(*c) == DerivedPropertyValue::Unassigned;
    let is_accepted = |c: char| c.is_alphanumeric() || is_combining_mark(c) || matches!(c, '\u{1f000}'..='\u{1faff}');
    let (new, known): (String, String) = text.chars().partition(is_new);
    class.allows(known).is_ok() && new.chars().all(is_accepted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_the_same_in_each_way_to_type_it() {
        let name = |text| shown_name(text).map(|name| folded_name(&name));
        for same in ["Zoë Ångström", "Zoe\u{308} A\u{30a}ngstro\u{308}m", "ＺＯË  Ångström", "zoë\u{a0}ångström "]
        {
            assert_eq!(name(same).as_deref(), Some("zoë ångström"), "{same}");
        }
        for other in ["Zoe Angström", "Zoë"] {
            assert_ne!(name(other), name("Zoë Ångström"));
        }
    }

    #[test]
    fn a_name_has_no_characters_that_cannot_be_seen() {
        for text in [
            "a\u{0}b",
            "a\u{200b}b",
            "a\u{202e}b",
            "a\u{ad}b",
            "a\u{2066}b",
            "a\u{e0041}b",
            "a\u{3164}b",
            "a\u{1bca0}b",
        ] {
            assert_eq!(shown_name(text), None, "{text:?}");
        }
        for text in ["Ada", "Ζωή", "佐藤", "مريم", "🐻", "🦊", "Ⅳ", "d'Arc-Smith_7"] {
            assert!(shown_name(text).is_some(), "{text}");
        }
    }

    #[test]
    fn a_password_is_the_same_in_each_way_to_type_it() {
        assert_eq!(entered_password("pa\u{308}ss\u{a0}wort"), entered_password("päss wort"));
        assert_ne!(entered_password("Pässwort"), entered_password("pässwort"));
        assert_eq!(entered_password("a\tb\u{200b}"), "a\tb\u{200b}");
    }

    proptest! {
        #[test]
        fn a_shown_name_and_a_folded_one_are_stable(text in "\\PC{0,20}") {
            if let Some(name) = shown_name(&text) {
                prop_assert_eq!(shown_name(&name), Some(name));
            }
            prop_assert_eq!(folded_name(&folded_name(&text)), folded_name(&text));
            prop_assert_eq!(folded_name(&text.nfd().collect::<String>()), folded_name(&text));
            prop_assert_eq!(entered_password(&entered_password(&text)), entered_password(&text));
        }
    }
}
