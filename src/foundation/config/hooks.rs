//! Settings of the hooks: the owner's services that turns call.

use std::time::Duration;

use super::{
    invalid::InvalidSetting,
    parse::{self, DURATION, HTTP_URL, SWITCH},
    source::Reader,
    variables::{self as var, Variable},
};
use crate::foundation::secret::{HookToken, ServerUrl};

/// Settings of all hooks.
#[derive(Clone, Debug)]
pub struct Hooks {
    /// The guard; `None` judges nothing.
    pub guard: Option<Guard>,
    /// The context hook; `None` asks none.
    pub context: Option<ContextHook>,
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

/// The context hook: the owner's service that returns texts about a question, for the model.
#[derive(Clone, Debug)]
pub struct ContextHook {
    /// The address that questions are posted to.
    pub url: ServerUrl,
    /// The token that is sent with them.
    pub token: Option<HookToken>,
    /// The time for one answer.
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
        let context = ContextHook::read(reader);
        let private_addresses = reader.read(var::HOOK_PRIVATE_ADDRESSES, SWITCH, parse::switch);
        Some(Self { guard: guard?, context: context?, private_addresses: private_addresses? })
    }
}

impl Guard {
    /// Reads the guard, if there is one. Its other settings are read in any case, so that mistakes in them are reported.
    #[expect(clippy::option_option, reason = "none is a setting, too")]
    fn read(reader: &mut Reader<'_>) -> Option<Option<Self>> {
        let url = read_url(reader, var::GUARD_URL);
        let token = read_token(reader, var::GUARD_TOKEN);
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

impl ContextHook {
    /// Reads the hook, if there is one. Its other settings are read in any case, so that mistakes in them are reported.
    #[expect(clippy::option_option, reason = "none is a setting, too")]
    fn read(reader: &mut Reader<'_>) -> Option<Option<Self>> {
        let url = read_url(reader, var::CONTEXT_URL);
        let token = read_token(reader, var::CONTEXT_TOKEN);
        let timeout = reader.read(var::CONTEXT_TIMEOUT, DURATION, parse::duration);
        if reader.text(var::CONTEXT_TOKEN).is_some() && url == Some(None) {
            let expected = "an address, since CONTEXT_TOKEN is set".to_owned();
            reader.invalid.push(InvalidSetting { variable: var::CONTEXT_URL.name, expected });
        }
        let (url, token, timeout) = (url?, token?, timeout?);
        Some(url.map(|url| Self { url, token, timeout }))
    }
}

#[expect(clippy::option_option, reason = "none is a setting, too")]
fn read_url(reader: &mut Reader<'_>, variable: Variable) -> Option<Option<ServerUrl>> {
    reader.read_optional(variable, HTTP_URL, |text| parse::exact_http_url(text).map(ServerUrl::from))
}

#[expect(clippy::option_option, reason = "none is a setting, too")]
fn read_token(reader: &mut Reader<'_>, variable: Variable) -> Option<Option<HookToken>> {
    reader.read_optional(variable, "visible ASCII characters, or nothing", HookToken::parse)
}
