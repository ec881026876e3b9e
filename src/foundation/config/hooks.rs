//! Settings of the hooks: the owner's services that turns call.

use std::time::Duration;

use super::{
    invalid::InvalidSetting,
    parse::{self, DURATION, HTTP_URL, SWITCH},
    source::Reader,
    variables as var,
};
use crate::foundation::secret::{HookToken, ServerUrl};

/// Settings of all hooks.
#[derive(Clone, Debug)]
pub struct Hooks {
    /// The guard; `None` judges nothing.
    pub guard: Option<Guard>,
    /// Whether a hook with a public name may have a private address.
    pub private_addresses: bool,
}

/// The guard: the owner's service that judges what visitors ask, and what models answer.
#[derive(Clone, Debug)]
pub struct Guard {
    /// The address that texts are posted to.
    pub url: ServerUrl,
    /// The token that is sent with them.
    pub token: Option<HookToken>,
    /// Whether answers are judged, too.
    pub answers: bool,
    /// What becomes of a text that the guard could not judge.
    pub fail: GuardFail,
    /// The time for one judgement.
    pub timeout: Duration,
}

/// What becomes of a text that the guard could not judge (`GUARD_FAIL`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuardFail {
    /// Its turn is refused.
    Closed,
    /// The turn goes on with the text.
    Open,
}

impl Hooks {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let guard = Guard::read(reader);
        let private_addresses = reader.read(var::HOOK_PRIVATE_ADDRESSES, SWITCH, parse::switch);
        Some(Self { guard: guard?, private_addresses: private_addresses? })
    }
}

impl Guard {
    /// Reads the guard, if there is one. Its other settings are read in any case, so that mistakes in them are reported.
    #[expect(clippy::option_option, reason = "none is a setting, too")]
    fn read(reader: &mut Reader<'_>) -> Option<Option<Self>> {
        let url =
            reader.read_optional(var::GUARD_URL, HTTP_URL, |text| parse::exact_http_url(text).map(ServerUrl::from));
        let token = reader.read_optional(var::GUARD_TOKEN, "visible ASCII characters, or nothing", HookToken::parse);
        let answers = reader.read(var::GUARD_ANSWERS, SWITCH, parse::switch);
        let fail = reader.read(var::GUARD_FAIL, "closed or open", |text| match text.to_ascii_lowercase().as_str() {
            "closed" => Some(GuardFail::Closed),
            "open" => Some(GuardFail::Open),
            _ => None,
        });
        let timeout = reader.read(var::GUARD_TIMEOUT, DURATION, parse::duration);
        let is_set_up = reader.text(var::GUARD_TOKEN).is_some() || answers == Some(true);
        if is_set_up && url == Some(None) {
            let expected = "an address, since GUARD_TOKEN or GUARD_ANSWERS is set".to_owned();
            reader.invalid.push(InvalidSetting { variable: var::GUARD_URL.name, expected });
        }
        let (url, token, answers, fail, timeout) = (url?, token?, answers?, fail?, timeout?);
        Some(url.map(|url| Self { url, token, answers, fail, timeout }))
    }
}
