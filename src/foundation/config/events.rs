//! Settings of the events that are sent to the owner's receiver.

use std::time::Duration;

use super::{invalid::InvalidSetting, parse, source::Reader, variables as var};
use crate::foundation::secret::{ServerUrl, WebhookSecrets};

/// What is expected of the secrets.
const SECRETS: &str = "whsec_ and 24 to 64 bytes in base64, or several such texts, comma-separated, all of which sign";

/// Settings of events.
#[derive(Clone, Debug)]
pub struct Events {
    /// The address that events are posted to.
    pub url: ServerUrl,
    /// The secrets that sign them.
    pub secrets: WebhookSecrets,
    /// The time for one post.
    pub timeout: Duration,
    /// The number of events that can wait.
    pub queue_limit: u64,
}

impl Events {
    /// Reads the settings, if events are sent. All are read in any case, so that mistakes in them are reported.
    #[expect(clippy::option_option, reason = "none is a setting, too")]
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Option<Self>> {
        let url = reader
            .read_optional(var::EVENTS_URL, parse::HTTP_URL, |text| parse::exact_http_url(text).map(ServerUrl::from));
        let secrets = reader.read_optional(var::EVENTS_SECRET, SECRETS, WebhookSecrets::parse);
        let timeout = reader.read(var::EVENTS_TIMEOUT, parse::DURATION, parse::duration);
        let queue_limit = reader.read(var::EVENTS_QUEUE_LIMIT, parse::COUNT, parse::count);
        let (url, secrets, timeout, queue_limit) = (url?, secrets?, timeout?, queue_limit?);
        match (url, secrets) {
            (None, _) => Some(None),
            (Some(url), Some(secrets)) => Some(Some(Self { url, secrets, timeout, queue_limit })),
            (Some(_), None) => {
                let expected = format!("{SECRETS}; events at EVENTS_URL are not sent unsigned");
                reader.invalid.push(InvalidSetting { variable: var::EVENTS_SECRET.name, expected });
                None
            }
        }
    }
}
